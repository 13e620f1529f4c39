#!/usr/bin/env bash
# Makes results/integers_light.json: what the integers of the shipped weights cost on Kodak, in rate and in PSNR, over the floats that
# it was exported from (RUN/model.safetensors).
#     runs/integers.sh FLOATS
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.determinism.integer_cost "${M2T_KODAK:-../shared/data/kodak}" \
    --floats "$1" --out results/integers_light.json
