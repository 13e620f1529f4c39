#!/usr/bin/env bash
# Makes results/kodak_MODEL.json and the plot of it: rate and distortion of m2t on Kodak, by the real command.
set -euo pipefail
cd "$(dirname "$0")/.."

model="${1:-light}"
python -m m2t.eval.kodak "${M2T_KODAK:-../shared/data/kodak}" --dataset kodak --model "$model" \
    --qualities 13 32 51 70 87 --estimate --out "results/kodak_$model.json"
python -m m2t.eval.plot "results/kodak_$model.json" \
    --anchors results/anchors/{vtm,elic,bpg,avif,webp,jpeg}.json --out "results/kodak_$model.svg"
python -m m2t.eval.table "results/kodak_$model.json"
