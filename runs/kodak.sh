#!/usr/bin/env bash
# Makes results/kodak_MODEL.json and the plot of it: rate, quality and time of m2t on Kodak, by real files.
set -euo pipefail
cd "$(dirname "$0")/.."

model="${1:-light}"
name="kodak_$(basename "$model" .safetensors)"
m2t eval "${M2T_KODAK:-../shared/data/kodak}" --name kodak --ssimulacra2 --codecs m2t --model "$model" \
    --anchors results/anchors --out "build/$name"
cp "build/$name/m2t.json" "results/$name.json"
cp "build/$name/psnr.svg" "results/$name.svg"
