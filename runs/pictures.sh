#!/usr/bin/env bash
# Makes docs/pictures_{low,middle,high}.jpg and results/pictures.json: what people see, beside other codecs at no more bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.pictures --kodak "${M2T_KODAK:-../shared/data/kodak}" --photo examples/photo.png \
    --out docs --results results/pictures.json
