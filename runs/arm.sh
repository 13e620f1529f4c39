#!/usr/bin/env bash
# Trains the recipe ARM as long as search.sh asks, and writes what came of it to OUT/ARM.json; for search.sh.
#     ON=cores|gpu|cost MINUTES=N START=WEIGHTS OUT=FOLDER runs/arm.sh ARM
set -euo pipefail
cd "$(dirname "$0")/.."

name="$1"
folder="checkpoints/search/$ON" cost=results/training/cost.json
small="entropy.width=192 entropy.layers=2 entropy.heads=3 entropy.mlp_width=384 entropy.head_width=96"
large="entropy.width=512 entropy.heads=8 entropy.mlp_width=1024 entropy.head_width=256"
plain="train.precondition=false train.lr_slow=0.00002"
network='train.fresh=["analysis.enter","analysis.block","analysis.fine","analysis.down","analysis.leave"]'
gently="train.lr_muon=0.004 train.lr_adam=0.0003"
falling="$gently train.decay_fraction=1 train.lr_slow=0.0002"
batches="train.batch_tokens=16384 train.workers=6"
scratch=(train.part=entropy 'train.fresh=["entropy."]')
runs=() minutes=0
mkdir -p "$folder" "$OUT"
[ "$ON" != cores ] || taskset -p -c "$SLOT" $$ > /dev/null

# Whose seconds a step of the stage NAME takes: the same arithmetic.
like() {
    case "$1" in
        random | weighting | linear_then | staged_all | on | on_linear* | on_scaled) echo base ;;
        staged_small) echo small ;;
        staged_entropy) echo m2t ;;
        mt_long) echo m2t_long ;;
        *) echo "${1%-[0-9]*}" ;;
    esac
}

# stage NAME MINUTES [--init FILE ...] [KEY=VALUE ...]
stage() {
    local run="$folder/$1" arguments=(--preset light --data checkpoints/train.txt --cache checkpoints/data) argument
    case "$ON" in
        cores) arguments+=(--set train.threads=1 --set "train.total_minutes=$2") ;;
        gpu)
            arguments+=(--set train.threads=1)
            arguments+=(--set "train.total_steps=$(python -m research.training.step_cost "$cost" "$(like "$1")" "$2")")
            ;;
        cost)
            [ "$(like "$1")" = "${1%-[0-9]*}" ] || return 0
            arguments+=(--set train.threads=2 --set train.log_every=1 --steps 20)
            ;;
    esac
    for argument in "${@:3}"; do
        case "$argument" in
            *=*) arguments+=(--set "$argument") ;;
            *) arguments+=("$argument") ;;
        esac
    done
    m2t train "${arguments[@]}" --out "$run" --resume > "$run.log" 2>&1
    [ "$ON" != cost ] || python -m research.training.step_cost "$cost" "$(like "$1")" --run "$run"
    runs+=("$run") minutes=$((minutes + $2))
}

case "$name" in
    # From the principal components; base is the preset.
    base) stage "$name" "$MINUTES" ;;
    plain) stage "$name" "$MINUTES" $plain ;;
    random) stage "$name" "$MINUTES" train.init=random train.lr_slow=0.002 ;;
    adamw) stage "$name" "$MINUTES" train.optimizer=adamw train.lr_muon=0.002 ;;
    soap) stage "$name" "$MINUTES" train.optimizer=soap train.lr_muon=0.002 ;;
    mixture1) stage "$name" "$MINUTES" entropy.mixtures=1 ;;
    mixture2) stage "$name" "$MINUTES" entropy.mixtures=2 ;;
    batch1280) stage "$name" "$MINUTES" train.batch_tokens=1280 ;;
    crops16) stage "$name" "$MINUTES" 'train.crops=[[16,16]]' ;;
    weighting) stage "$name" "$MINUTES" train.weighting=0.35 ;;
    small) stage "$name" "$MINUTES" $small ;;
    deep) stage "$name" "$MINUTES" transform.blocks=5 ;;
    linear)
        stage linear_first $((MINUTES / 4)) train.part=linear
        stage linear_then $((MINUTES * 3 / 4)) --init "$folder/linear_first/model.safetensors"
        ;;
    # Three sizes, for so many minutes: base-5, narrow-10, ...
    narrow-*) stage "$name" "${name#*-}" transform.width=128 $small ;;
    base-*) stage "$name" "${name#*-}" ;;
    wide-*) stage "$name" "${name#*-}" transform.width=384 $large ;;
    # The entropy model alone, from scratch on the tokens of START: what masking the attention too costs.
    mt) stage "$name" "$MINUTES" --init "$START" "${scratch[@]}" entropy.masking=mt ;;
    m2t) stage "$name" "$MINUTES" --init "$START" "${scratch[@]}" ;;
    # The same, three times as long and in large batches.
    mt_long) stage "$name" $((3 * MINUTES)) --init "$START" "${scratch[@]}" $batches entropy.masking=mt ;;
    m2t_long) stage "$name" $((3 * MINUTES)) --init "$START" "${scratch[@]}" $batches ;;
    # From weights, as they were trained before transforms moved by frequencies.
    more) stage "$name" "$MINUTES" --init "$START" $plain ;;
    more_slowly) stage "$name" "$MINUTES" --init "$START" $plain train.lr_muon=0.0075 train.lr_adam=0.0005 ;;
    more_gently) stage "$name" "$MINUTES" --init "$START" $plain train.lr_muon=0.004 train.lr_adam=0.0003 ;;
    more_linear)
        stage "$name" "$MINUTES" --init "$START" $plain train.lr_muon=0.0075 train.lr_adam=0.0005 train.lr_slow=0.00008
        ;;
    more_fine) stage "$name" "$MINUTES" --init "$START" $plain transform.fine_blocks=2 ;;
    more_deep) stage "$name" "$MINUTES" --init "$START" $plain transform.blocks=5 ;;
    # From weights, as they are trained now.
    on) stage "$name" "$MINUTES" --init "$START" $gently ;;
    # With a network beside the linear analysis again.
    on_fresh) stage "$name" "$MINUTES" --init "$START" $gently transform.linear_analysis=false "$network" ;;
    on_analysis)
        stage "$name" "$MINUTES" --init "$START" train.part=analysis transform.linear_analysis=false "$network"
        ;;
    # All rates falling to zero; on_linear2 is what the others vary.
    on_linear8) stage "$name" "$MINUTES" --init "$START" $falling train.lr_slow=0.0008 ;;
    on_linear2) stage "$name" "$MINUTES" --init "$START" $falling ;;
    on_batch) stage "$name" "$MINUTES" --init "$START" $falling train.batch_tokens=5120 ;;
    on_crops) stage "$name" "$MINUTES" --init "$START" $falling 'train.crops=[[24,24]]' ;;
    on_scaled) stage "$name" "$MINUTES" --init "$START" $falling train.downscale=0.5 ;;
    on_fine) stage "$name" "$MINUTES" --init "$START" $gently transform.fine_blocks=2 ;;
    on_synthesis) stage "$name" "$MINUTES" --init "$START" $falling train.part=synthesis ;;
    # The transforms with a small entropy model first, then a large one on their tokens, then everything.
    staged)
        stage staged_small $((MINUTES / 2)) $small
        stage staged_entropy $((MINUTES / 4)) --init "$folder/staged_small/model.safetensors" train.part=entropy
        stage staged_all $((MINUTES / 4)) --init "$folder/staged_entropy/model.safetensors" $falling
        ;;
    *) echo "arm.sh: unknown arm $name" >&2 && exit 1 ;;
esac
if [ "$ON" != cost ]; then
    length=()
    [ "$ON" != gpu ] || length=(--minutes "$minutes")
    python -m research.training.outcome "${runs[@]}" "${length[@]}" --images checkpoints/validation.txt \
        --out "$OUT/$name.json"
    [ "$ON" != gpu ] || rm -r "${runs[@]}"
fi
