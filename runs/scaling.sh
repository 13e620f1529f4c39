#!/usr/bin/env bash
# Makes results/training/scaling.json: loss against training time for three sizes of model, each trained from the
# principal components for 5, 10 and 20 minutes of one core; about an hour. DATA as for train_light.sh.
#     runs/scaling.sh DATA
set -euo pipefail
cd "$(dirname "$0")/.."

runs/search.sh "$1" {narrow,wide}-20 base-20 narrow-10 narrow-5 base-10 base-5 wide-10 wide-5
python -m m2t.train.scaling results/training/{narrow,base,wide}-*.json --out results/training/scaling.json
