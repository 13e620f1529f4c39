#!/usr/bin/env bash
# Trains `light` on a GPU that one has for a quarter of an hour. Here, PACK puts what goes there into build/gpu, in parts of
# at most 60 MiB; there, in a copy of this folder, START checks the GPU and trains in the background as soon as it is told
# for how many minutes; MORE brings further photographs meanwhile; COLLECT shows how far it is, and copies weights and logs
# to OUT, in files of at most 15 MiB, which JOIN puts together here.
#     runs/gpu.sh pack WEIGHTS LIST
#     runs/gpu.sh start [KEY=VALUE ...]
#     runs/gpu.sh minutes MINUTES
#     runs/gpu.sh more PART
#     runs/gpu.sh collect OUT [SECONDS_TO_WAIT_FOR_THE_END]
#     runs/gpu.sh join FOLDER WEIGHTS
set -euo pipefail
cd "$(dirname "$0")/.."
away=${GPU_FOLDER:-/tmp/m2t-gpu}
export PYTHONPATH=$away/site:$PWD/src:$PWD PYTHONUNBUFFERED=1
gpu=(python3 -m research.training.gpu)

case $1 in
pack)
    rm -rf build/gpu/photos-* build/gpu/start.safetensors
    "${gpu[@]}" pack "$2" "$3" build/gpu
    ;;
start)
    mkdir -p "$away"
    cp build/gpu/start.safetensors "$away"
    [[ ! -d build/gpu/wheels ]] ||
        python3 -m pip install -q --no-index --no-deps --no-compile --upgrade --target "$away/site" build/gpu/wheels/*.whl
    [[ ! -f build/gpu/fonts.tar.xz ]] || tar xJf build/gpu/fonts.tar.xz -C /
    "$0" more build/gpu/photos-1.tar
    cp -r src research runs "$away"  # what is sent later may replace what is here
    setsid nohup "$away/runs/gpu.sh" background "${@:2}" >"$away/output" 2>&1 </dev/null &
    ;;
background)
    data=("$away/start.safetensors" "$away/cache" "$away/run")
    how=(train.graphs=true train.batch_tokens=16384)
    "${gpu[@]}" check "${data[@]}" train.batch_tokens=16384 || how=(train.graphs=false train.batch_tokens=32768)
    until [[ -s $away/minutes ]]; do sleep 0.2; done
    "${gpu[@]}" train "${data[@]}" "${how[@]}" "train.total_minutes=$(cat "$away/minutes")" "${@:2}"
    ;;
minutes) echo "$2" >"$away/minutes" ;;
more) "${gpu[@]}" unpack "$2" "$away/cache" ;;
collect)
    for ((i = 0; i < ${3:-0}; i++)); do
        [[ ! -e $away/run/done ]] || break
        pgrep -f research.training.gpu >/dev/null || break
        sleep 1
    done
    tail -n 60 "$away/output"
    tail -n 4 "$away/run/log.jsonl" | cut -c1-250 || true
    cp "$away/output" "$away"/run/{log.jsonl,config.json,check.json,profile-*.txt} "$2" 2>/dev/null || true
    [[ ! -f $away/run/model.safetensors ]] || split -n 4 -d "$away/run/model.safetensors" "$2/model-"
    ;;
join) cat "$2"/model-0* >"$3" ;;
esac
