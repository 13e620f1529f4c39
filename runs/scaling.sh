#!/usr/bin/env bash
# Makes scaling.json in results/training, or with ON=gpu in results/training/gpu: loss against training time for three sizes of
# model, each trained from the principal components for 5, 10 and 20 minutes of one core, or as many steps as two cores do in 10,
# 20, 40 and 80 minutes. About an hour on two cores. DATA as for train_light.sh.
#     runs/scaling.sh DATA
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${ON:-cores}" = gpu ]; then
    folder=results/training/gpu
    arms=({narrow,base,wide}-80 {narrow,base,wide}-40 {narrow,base,wide}-20 {narrow,base,wide}-10)
else
    folder=results/training
    arms=({narrow,base,wide}-20 {narrow,base,wide}-10 {narrow,base,wide}-5)
fi
runs/search.sh "$1" "${arms[@]}"
python -m research.training.scaling "$folder"/{narrow,base,wide}-*.json --out "$folder/scaling.json"
