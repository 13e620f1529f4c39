#!/usr/bin/env bash
# Trains the shipped weights: DATA is a folder of photographs or a list of them. Stop and go on as you like.
set -euo pipefail
cd "$(dirname "$0")/.."

m2t train --preset light --data "$1" --out checkpoints/light --resume "${@:2}"
m2t export checkpoints/light/model.safetensors src/m2t/weights/light.safetensors --data "$1" -f
