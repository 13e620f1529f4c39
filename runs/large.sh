#!/usr/bin/env bash
# Makes results/large.json: what memory and time 100 megapixels take, square and wide. About 20 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.speed.large "${M2T_KODAK:-../shared/data/kodak}" --out results/large.json
