#!/usr/bin/env bash
# Makes results/metadata.json: what deflating metadata saves.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.metadata "${M2T_PHOTOS:-../shared/data/train}" --out results/metadata.json
