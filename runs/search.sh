#!/usr/bin/env bash
# Makes results/training/ARM.json for each ARM given: a recipe, trained for 20 minutes of one core. The first core
# takes every other arm, the second core the rest; the machine should have nothing else to do. DATA as for train_light.sh.
# Arms that go on from weights do so from START (by default the shipped ones).
#     runs/search.sh DATA ARM [ARM ...]
set -euo pipefail
cd "$(dirname "$0")/.."

start="${START:-src/m2t/weights/light.safetensors}"
folder=checkpoints/search
small="entropy.width=192 entropy.layers=2 entropy.heads=3 entropy.mlp_width=384 entropy.head_width=96"
large="entropy.width=512 entropy.heads=8 entropy.mlp_width=1024 entropy.head_width=256"
plain="train.precondition=false train.lr_slow=0.00002"
network='train.fresh=["analysis.enter","analysis.block","analysis.fine","analysis.down","analysis.leave"]'
gently="train.lr_muon=0.004 train.lr_adam=0.0003"
falling="$gently train.decay_fraction=1 train.lr_slow=0.0002"
mkdir -p "$folder" results/training
runs/lists.sh "$1"

# stage NAME MINUTES [--init FILE ...] [KEY=VALUE ...]
stage() {
    local name="$1" minutes="$2" arguments=()
    shift 2
    for argument in "$@"; do
        case "$argument" in
            *=*) arguments+=(--set "$argument") ;;
            *) arguments+=("$argument") ;;
        esac
    done
    m2t train --preset light --data checkpoints/train.txt --cache checkpoints/data --out "$folder/$name" --resume \
        --set train.threads=1 --set "train.total_minutes=$minutes" "${arguments[@]}" > "$folder/$name.log" 2>&1
}

arm() {
    local name="$1" runs=("$folder/$1")
    case "$name" in
        # From the principal components; base-20 is the preset.
        plain) stage "$name" 20 $plain ;;
        random) stage "$name" 20 train.init=random train.lr_slow=0.002 ;;
        adamw) stage "$name" 20 train.optimizer=adamw train.lr_muon=0.002 ;;
        soap) stage "$name" 20 train.optimizer=soap train.lr_muon=0.002 ;;
        mixture1) stage "$name" 20 entropy.mixtures=1 ;;
        mixture2) stage "$name" 20 entropy.mixtures=2 ;;
        batch1280) stage "$name" 20 train.batch_tokens=1280 ;;
        crops16) stage "$name" 20 'train.crops=[[16,16]]' ;;
        weighting) stage "$name" 20 train.weighting=0.35 ;;
        small) stage "$name" 20 $small ;;
        linear)
            runs=("$folder/$name-1" "$folder/$name-2")
            stage "$name-1" 5 train.part=linear
            stage "$name-2" 15 --init "$folder/$name-1/model.safetensors"
            ;;
        # Three sizes, for so many minutes: base-5, narrow-10, ...
        narrow-*) stage "$name" "${name#*-}" transform.width=128 $small ;;
        base-*) stage "$name" "${name#*-}" ;;
        wide-*) stage "$name" "${name#*-}" transform.width=384 $large ;;
        # The entropy model alone, from scratch on the tokens of START: what masking the attention too costs.
        mt) stage "$name" 20 --init "$start" train.part=entropy entropy.masking=mt 'train.fresh=["entropy."]' ;;
        m2t) stage "$name" 20 --init "$start" train.part=entropy 'train.fresh=["entropy."]' ;;
        # From weights, as they were trained before transforms moved by frequencies.
        more) stage "$name" 20 --init "$start" $plain ;;
        more_slowly) stage "$name" 20 --init "$start" $plain train.lr_muon=0.0075 train.lr_adam=0.0005 ;;
        more_gently) stage "$name" 20 --init "$start" $plain train.lr_muon=0.004 train.lr_adam=0.0003 ;;
        more_linear)
            stage "$name" 20 --init "$start" $plain train.lr_muon=0.0075 train.lr_adam=0.0005 train.lr_slow=0.00008
            ;;
        more_fine) stage "$name" 20 --init "$start" $plain transform.fine_blocks=2 ;;
        more_deep) stage "$name" 20 --init "$start" $plain transform.blocks=5 ;;
        # From weights, as they are trained now.
        on) stage "$name" 20 --init "$start" $gently ;;
        # With a network beside the linear analysis again.
        on_fresh) stage "$name" 20 --init "$start" $gently transform.linear_analysis=false "$network" ;;
        on_analysis)
            stage "$name" 20 --init "$start" train.part=analysis transform.linear_analysis=false "$network"
            ;;
        # All rates falling to zero; on_linear2 is what the others vary.
        on_linear8) stage "$name" 20 --init "$start" $falling train.lr_slow=0.0008 ;;
        on_linear2) stage "$name" 20 --init "$start" $falling ;;
        on_batch) stage "$name" 20 --init "$start" $falling train.batch_tokens=5120 ;;
        on_crops) stage "$name" 20 --init "$start" $falling 'train.crops=[[24,24]]' ;;
        on_scaled) stage "$name" 20 --init "$start" $falling train.downscale=0.5 ;;
        on_fine) stage "$name" 20 --init "$start" $gently transform.fine_blocks=2 ;;
        on_synthesis) stage "$name" 20 --init "$start" $gently train.part=synthesis ;;
        on_staged)
            runs=("$folder/$name-1" "$folder/$name-2" "$folder/$name-3")
            stage "$name-1" 4 --init "$start" train.part=entropy $small
            stage "$name-2" 11 --init "$folder/$name-1/model.safetensors" $gently $small
            stage "$name-3" 5 --init "$folder/$name-2/model.safetensors" --init "$start" $gently train.part=entropy
            ;;
        *) echo "search.sh: unknown arm $name" >&2 && return 1 ;;
    esac
    python -m m2t.train.compare "${runs[@]}" --images checkpoints/validation.txt --out "results/training/$name.json"
}

arms=("${@:2}") cores=() failed=0
for core in 0 1; do
    (
        taskset -p -c "$core" $BASHPID > /dev/null
        for ((i = core; i < ${#arms[@]}; i += 2)); do arm "${arms[i]}"; done
    ) &
    cores+=($!)
done
for pid in "${cores[@]}"; do wait "$pid" || failed=1; done
exit "$failed"
