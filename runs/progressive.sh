#!/usr/bin/env bash
# Makes results/progressive.json: pictures while files arrive, beside progressive JPEG, and what layers cost.
# Prints the table of docs/progressive.md at the end.
#   progressive.sh [--images N]
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.progressive --kodak "${M2T_KODAK:-../shared/data/kodak}" --out results/progressive.json "$@"
python -m research.progressive --table results/progressive.json
