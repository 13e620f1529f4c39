#!/usr/bin/env bash
# Makes results/profile_light.json: where the time of a training step goes. DATA as for train_light.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
m2t train --preset light --data "$1" --out "$folder" --cache checkpoints/data \
    --set train.profile=5 --set train.threads=2
cp "$folder/profile.json" results/profile_light.json
