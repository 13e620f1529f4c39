#!/usr/bin/env bash
# Trains the shipped weights on the photographs of the folder DATA but those of runs/validation.txt, in five stages, each from
# the averaged weights of the one before; about 8 hours of two cores. Stop and go on as you like. Makes
# results/training/light.json too, the curve of the last two stages.
#     runs/train_light.sh DATA
set -euo pipefail
cd "$(dirname "$0")/.."

before=()

# stage NAME [KEY=VALUE ...]
stage() {
    local out="checkpoints/light/$1" settings=()
    shift
    for setting in "$@"; do settings+=(--set "$setting"); done
    m2t train --preset light --data checkpoints/train.txt --cache checkpoints/data --out "$out" --resume \
        "${before[@]}" "${settings[@]}"
    before=(--init "$out/model.safetensors")
}

runs/lists.sh "$1"
# The linear transforms all but stand still at first; see docs/log.md, "What held training back".
still="train.precondition=false train.lr_slow=0.00002"
slowly="train.decay_fraction=1 train.precondition=true"
stage 1 transform.fine_blocks=0 $still train.total_steps=3060
stage 2 transform.fine_blocks=0 $still train.total_steps=4720 train.decay_fraction=0.42
stage 3 transform.fine_blocks=0 $slowly train.total_steps=4344 train.lr_muon=0.006 train.lr_adam=0.0004 train.lr_slow=0.0001
stage 4 $slowly train.total_steps=2033 train.lr_muon=0.005 train.lr_adam=0.0003 train.lr_slow=0.00025
stage 5 $slowly train.total_steps=3886 train.lr_muon=0.005 train.lr_adam=0.0003 train.lr_slow=0.0004
m2t export checkpoints/light/5/model.safetensors src/m2t/weights/light.safetensors --data checkpoints/train.txt -f
python -m m2t.train.compare checkpoints/light/{4,5} --images checkpoints/validation.txt --out results/training/light.json
