#!/usr/bin/env bash
# Makes results/validation/{m2t,m2t_psnr,avif_default,jxl}.json: rate and quality on the photographs of runs/validation.txt, which
# took no part in training, by real files; prints the tables for docs/model.md. DATA as for train_light.sh.
#     runs/validation.sh DATA
set -euo pipefail
cd "$(dirname "$0")/.."

runs/lists.sh "$1"
folder=build/validation
mkdir -p "$folder/photographs" results/validation
xargs -d '\n' -a checkpoints/validation.txt ln -sft "$folder/photographs"
m2t eval "$folder/photographs" --name validation --no-timing \
    --metrics ssimulacra2,psnr,ms_ssim --codecs m2t,m2t_psnr,avif_default,jxl --out "$folder/results"
cp "$folder"/results/*.json results/validation/
python -m m2t.eval.table results/validation/m2t.json
