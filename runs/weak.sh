#!/usr/bin/env bash
# Makes docs/weak.jpg and results/weak.json: what m2t is not made for, beside other codecs at no more bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m m2t.eval.weak --photo examples/photo.png --face "${M2T_KODAK:-../shared/data/kodak}/kodim04.png" --face-at 150 230 \
    --sheet docs/weak.jpg --out results/weak.json
