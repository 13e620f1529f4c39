#!/usr/bin/env bash
# Makes results/views.json: what parts of a picture and small ones take, and how near small ones are to the whole. About
# 2 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.speed.views examples/photo.png "${M2T_KODAK:-../shared/data/kodak}" --out results/views.json
