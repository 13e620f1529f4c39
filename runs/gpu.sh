#!/usr/bin/env bash
# Trains `light` on a GPU that one has for a quarter of an hour. Here, PACK puts what goes there into build/gpu, in parts of
# at most 60 MiB; there, in a copy of this folder, START checks the GPU and trains in the background as soon as it is told
# for how many minutes; MORE brings further photographs meanwhile; COLLECT shows how far it is, and copies weights and logs
# to OUT, in files of at most 15 MiB, which JOIN puts together here. KEEP lets the next START go on from what COLLECT
# brought: which way to compute is the fastest, and what was compiled for it. ARMS compares models or recipes instead: each
# line of LIST is a name and settings, all train side by side for so many minutes, and COLLECT brings their logs alone.
#     runs/gpu.sh pack WEIGHTS LIST
#     runs/gpu.sh start [KEY=VALUE ...]
#     runs/gpu.sh arms MINUTES LIST [KEY=VALUE ...]
#     runs/gpu.sh minutes MINUTES
#     runs/gpu.sh more PART
#     runs/gpu.sh collect OUT [SECONDS_TO_WAIT_FOR_THE_END]
#     runs/gpu.sh join FOLDER WEIGHTS
#     runs/gpu.sh keep FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
away=${GPU_FOLDER:-/tmp/m2t-gpu}
export PYTHONPATH=$away/site:$PWD/src:$PWD PYTHONUNBUFFERED=1
export TORCHINDUCTOR_CACHE_DIR=$away/inductor TRITON_CACHE_DIR=$away/inductor/triton TORCHINDUCTOR_COMPILE_THREADS=14
gpu=(python3 -m research.training.gpu)

# Puts what was sent where it stays.
settle() {
    mkdir -p "$away"
    cp build/gpu/start.safetensors "$away"
    [[ ! -d build/gpu/wheels ]] ||
        python3 -m pip install -q --no-index --no-deps --no-compile --upgrade --target "$away/site" build/gpu/wheels/*.whl
    [[ ! -f build/gpu/fonts.tar.xz ]] || tar xJf build/gpu/fonts.tar.xz -C /
    [[ ! -f build/gpu/how ]] || install -D build/gpu/how "$away/run/how"
    [[ ! -f build/gpu/inductor.tar ]] || tar xf build/gpu/inductor.tar -C "$away"
    "$0" more build/gpu/photos-1.tar
    cp -r src research runs "$away" # what is sent later may replace what is here
}

# behind COMMAND ...: runs it when this script has ended, too.
behind() {
    setsid nohup "$away/runs/gpu.sh" "$@" >"$away/output" 2>&1 </dev/null &
}

case $1 in
pack)
    rm -rf build/gpu/photos-* build/gpu/start.safetensors
    "${gpu[@]}" pack "$2" "$3" build/gpu
    ;;
start)
    settle
    behind background "${@:2}"
    ;;
arms)
    settle
    install -D "$3" "$away/arms/list"
    behind side_by_side "$2" "${@:4}"
    ;;
side_by_side)
    # Small steps of several programs fill a GPU that those of one leave idle.
    nvidia-cuda-mps-control -d || true
    while read -r name settings; do
        read -ra own <<<"$settings"
        data=("$away/start.safetensors" "$away/cache" "$away/arms/$name")
        "${gpu[@]}" train "${data[@]}" train.workers=4 "train.total_minutes=$2" "${@:3}" "${own[@]}" &
    done <"$away/arms/list"
    wait
    mkdir -p "$away/run"
    touch "$away/run/done"
    ;;
background)
    data=("$away/start.safetensors" "$away/cache" "$away/run")
    [[ -s $away/run/how ]] || timeout 100 "${gpu[@]}" check "${data[@]}" "${@:2}" train.batch_tokens=16384 || true
    how=(train.graphs=false train.batch_tokens=32768)  # where even the check failed, or single kernels won
    ! grep -qs graphs=true "$away/run/how" || read -ra how <<<"$(cat "$away/run/how") train.batch_tokens=16384"
    until [[ -s $away/minutes ]]; do sleep 0.2; done
    how+=("train.total_minutes=$(cat "$away/minutes")" "${@:2}")
    # What cannot be compiled after all goes on from its last checkpoint without.
    "${gpu[@]}" train "${data[@]}" "${how[@]}" || "${gpu[@]}" train "${data[@]}" "${how[@]}" train.compile=false
    ;;
minutes) echo "$2" >"$away/minutes" ;;
more) "${gpu[@]}" unpack "$2" "$away/cache" ;;
collect)
    for ((i = 0; i < ${3:-0}; i++)); do
        [[ ! -e $away/run/done ]] || break
        pgrep -f 'research\.training\.gpu|gpu\.sh (background|side_by_side)' >/dev/null || break
        sleep 1
    done
    tail -n 60 "$away/output"
    tail -n 4 "$away/run/log.jsonl" | cut -c1-250 || true
    mkdir -p "$away/told"
    cp "$away/output" "$away"/run/{log.jsonl,config.json,check.json,how,profile-*.txt} "$away/told" 2>/dev/null || true
    for arm in "$away"/arms/*/; do
        [[ ! -f $arm/log.jsonl ]] || cp "$arm/log.jsonl" "$away/told/$(basename "$arm").jsonl"
    done
    tar cf "$2/told.tar" -C "$away/told" .
    if [[ -d $away/inductor ]]; then
        tar czf "$2/inductor.tar" -C "$away" inductor || true
        (($(stat -c %s "$2/inductor.tar") < 15000000)) || rm "$2/inductor.tar"
    fi
    [[ ! -f $away/run/model.safetensors ]] || split -n 4 -d "$away/run/model.safetensors" "$2/model-"
    ;;
join) cat "$2"/model-0* >"$3" ;;
keep)
    mkdir -p build/gpu
    tar xf "$2/told.tar" -C build/gpu ./how
    [[ ! -f $2/inductor.tar ]] || cp "$2/inductor.tar" build/gpu
    ;;
esac
