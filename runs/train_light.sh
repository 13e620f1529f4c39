#!/usr/bin/env bash
# Trains the shipped weights on the photographs of the folder DATA but those of runs/validation.txt, in fourteen stages, each
# from the averaged weights of the one before: about 20 hours of two cores, and for stages 8 and 13 fifteen minutes of an
# H200, which two cores would take three days for. Stages from 11 on, for the eye, take the folders MORE too. Stop and go on
# as you like. Makes results/training/light.json and eye.json too, the curves of stages 5 to 10, and of those on CPUs after.
#     runs/train_light.sh DATA [MORE ...]
set -euo pipefail
cd "$(dirname "$0")/.."

before=()

# stage NAME [--OPTION=VALUE ...] [KEY=VALUE ...]
stage() {
    local out="checkpoints/light/$1" settings=(${crops:+--set "$crops"})
    shift
    for setting in "${alone[@]}" "$@"; do
        [[ $setting == --* ]] && settings+=("$setting") || settings+=(--set "$setting")
    done
    m2t train --preset light --data checkpoints/train.txt --cache checkpoints/data --out "$out" --resume \
        "${before[@]}" "${settings[@]}"
    before=(--init "$out/model.safetensors")
}

runs/lists.sh "$1"
alone=(rate.eye=[] train.tune=psnr train.drawn=0)  # squared error and photographs only, until stage 11
# Few shapes, until stage 10: by then the entropy model knew them too well.
crops="train.crops=[[16,16],[16,24],[24,16],[16,24],[24,16],[24,24],[12,20],[20,12]]"
# The linear transforms all but stand still at first; see docs/log.md, "What held training back".
still="train.precondition=false train.lr_slow=0.00002"
slowly="train.decay_fraction=1 train.precondition=true"
stage 1 transform.fine_blocks=0 $still train.total_steps=3060
stage 2 transform.fine_blocks=0 $still train.total_steps=4720 train.decay_fraction=0.42
stage 3 transform.fine_blocks=0 $slowly train.total_steps=4344 train.lr_muon=0.006 train.lr_adam=0.0004 train.lr_slow=0.0001
stage 4 $slowly train.total_steps=2033 train.lr_muon=0.005 train.lr_adam=0.0003 train.lr_slow=0.00025
stage 5 $slowly train.total_steps=3886 train.lr_muon=0.005 train.lr_adam=0.0003 train.lr_slow=0.0004
stage 6 $slowly train.total_steps=4500 train.lr_muon=0.005 train.lr_adam=0.0003 train.lr_slow=0.0008
# Other crops than before: until here every stage has seen the same batches. Stage 8 takes over half-way.
others="train.init=random train.downscale=0.5"
stage 7 --steps=7251 $slowly $others train.seed=7 train.total_steps=13090 train.ema=0.999 train.lr_muon=0.006 \
    train.lr_adam=0.0004 train.lr_slow=0.0005
stage 8 $slowly $others train.seed=8 train.total_steps=9001 train.batch_tokens=32768 train.workers=14 train.warmup_steps=200 \
    train.ema=0.999 train.lr_muon=0.012 train.lr_adam=0.0008 train.lr_slow=0.0012
# The entropy model alone, which learns to do with activations of 8 bits.
eight_bits="train.part=entropy train.integers=true"
stage 9 $slowly $others $eight_bits train.seed=9 train.total_steps=1443 train.lr_muon=0.003 train.lr_adam=0.0003
crops=
stage 10 $slowly $others $eight_bits train.seed=10 train.total_steps=1022 train.lr_muon=0.004 train.lr_adam=0.0004
python -m research.training.outcome checkpoints/light/{5..10} --images checkpoints/validation.txt \
    --out results/training/light.json
m2t export checkpoints/light/10/model.safetensors checkpoints/light/10/exported.safetensors --data checkpoints/train.txt -f

# Two tunes, more photographs, and text; rates fall with time. Half-way, what was learnt is rounded as export will.
alone=()
before=(--init checkpoints/light/10/exported.safetensors)
runs/lists.sh "$@"
both="train.seed=11 train.total_minutes=117 train.ema=0.999 train.lr_muon=0.006 train.lr_adam=0.0004 train.lr_slow=0.0003"
stage 11 --steps=1140 $slowly $others $both train.drawn=0
stage 11 --steps=2540 $slowly $others $both
stage 11 $slowly $others $both train.integers=true
m2t export checkpoints/light/11/model.safetensors checkpoints/light/11/exported.safetensors --data checkpoints/train.txt -f

# The same for longer, from high rates again.
before=(--init checkpoints/light/11/exported.safetensors)
stage 12 $slowly $others train.seed=17 train.total_minutes=240 train.ema=0.999 train.lr_muon=0.005 train.lr_adam=0.0004 \
    train.lr_slow=0.0003
# Units that have died start anew. Then large batches on a GPU, by graphs and so in fewer shapes, and an end on a CPU, rounded.
python -m m2t.learn.revive checkpoints/light/12/model.safetensors checkpoints/light/12/revived.safetensors \
    --images checkpoints/train.txt -f
before=(--init checkpoints/light/12/revived.safetensors)
shapes=$(python -c "from research.training.gpu import CROPS; import json; print(json.dumps(CROPS))")
stage 13 --steps=6500 $slowly $others "train.crops=$shapes" train.graphs=true train.workers=14 train.batch_tokens=16384 \
    train.total_steps=16500 train.warmup_steps=300 train.ema=0.999 train.lr_muon=0.01 train.lr_adam=0.0007 \
    train.lr_slow=0.0008
stage 14 $slowly $others train.integers=true train.seed=31 train.total_minutes=64 train.ema=0.995 train.warmup_steps=30 \
    train.lr_muon=0.003 train.lr_adam=0.00025 train.lr_slow=0.0003
python -m research.training.outcome checkpoints/light/{11,12,14} --images checkpoints/validation.txt \
    --out results/training/eye.json
knots=$(python -m m2t.learn.dial checkpoints/light/14/model.safetensors --images checkpoints/validation.txt)
m2t export checkpoints/light/14/model.safetensors src/m2t/weights/light.safetensors --data checkpoints/train.txt \
    --set "rate.eye=$knots" -f
