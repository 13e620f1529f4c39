#!/usr/bin/env bash
# Trains the shipped weights on the photographs of the folder DATA but those of runs/validation.txt. Stop and go on as
# you like; further arguments go to m2t train.
set -euo pipefail
cd "$(dirname "$0")/.."

runs/lists.sh "$1"
m2t train --preset light --data checkpoints/train.txt --out checkpoints/light --cache checkpoints/data --resume "${@:2}"
m2t export checkpoints/light/model.safetensors src/m2t/weights/light.safetensors --data checkpoints/train.txt -f
