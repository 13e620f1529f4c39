#!/usr/bin/env bash
# Recipes (runs/arm.sh), trained for equally long and judged on photographs that none has seen. The machine should have
# nothing else to do. DATA as for train_light.sh. Arms that go on from weights do so from START (by default the shipped ones).
#     runs/search.sh DATA ARM ...            results/training/ARM.json: 20 minutes of a core each, two at once
#     ON=cost runs/search.sh DATA ARM ...    results/training/cost.json: seconds of a step with two threads
#     ON=gpu runs/search.sh DATA ARM ...     results/training/gpu/ARM.json: as many steps as two cores do in 40 minutes,
#                                            by cost.json, on a GPU, AT_ONCE of them (by default 14) at a time
set -euo pipefail
cd "$(dirname "$0")/.."

export ON="${ON:-cores}" START="${START:-src/m2t/weights/light.safetensors}" MINUTES OUT=results/training
case "$ON" in
    cores) MINUTES="${MINUTES:-20}" at_once=2 ;;
    cost) MINUTES=0 at_once=1 ;;
    gpu) MINUTES="${MINUTES:-40}" at_once="${AT_ONCE:-14}" OUT=results/training/gpu ;;
esac
runs/lists.sh "$1"
printf '%s\n' "${@:2}" | xargs -P "$at_once" -n 1 --process-slot-var=SLOT runs/arm.sh
