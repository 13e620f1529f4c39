#!/usr/bin/env bash
# Makes results/integers_light.json: what the shipped integer entropy model costs in rate on Kodak, over the floats that
# it was exported from (RUN/model.safetensors).
#     runs/integers.sh FLOATS
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.determinism.integer_cost "${M2T_KODAK:-../shared/data/kodak}" \
    --floats "$1" --out results/integers_light.json
