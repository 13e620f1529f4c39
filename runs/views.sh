#!/usr/bin/env bash
# Makes results/{views,large}.json: what parts of a picture, small ones and large ones take, and how near small ones are
# to the whole. About 15 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

kodak="${M2T_KODAK:-../shared/data/kodak}"
python -m research.speed.views examples/photo.png "$kodak" --out results/views.json
python -m research.speed.large "$kodak" --out results/large.json
