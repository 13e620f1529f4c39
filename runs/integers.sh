#!/usr/bin/env bash
# Makes results/integers_light.json: what the integer entropy model costs in rate, over the float one, on Kodak.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m m2t.eval.integers "${M2T_KODAK:-../shared/data/kodak}" \
    --floats weights/light_float16.safetensors --out results/integers_light.json
