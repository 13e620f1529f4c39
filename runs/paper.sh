#!/usr/bin/env bash
# Makes results/experiments/ and docs/results.md: the paper's experiments, each or those that are named.
#   runs/paper.sh                   all, on the small scale: about an hour on two cores
#   runs/paper.sh small figure5     one of them
#   runs/paper.sh medium            ten times as long: five minutes of a GPU, which trains all models at once, and an hour of two
#                                   cores; models in build/experiments are found there, so the two need not be one machine
#   runs/paper.sh paper             as published: days on a GPU
set -euo pipefail
cd "$(dirname "$0")/.."

scale="${1:-small}"
experiments=("${@:2}")
if [ ${#experiments[@]} -eq 0 ]; then
    experiments=(table1 figure5 masking extremes mixtures windows)
fi
paper=(python -m research.paper "${experiments[@]}" --scale "$scale"
    --train "${M2T_PHOTOS:-../shared/data/train}" --test "${M2T_KODAK:-../shared/data/kodak}")
if [ "$scale" = medium ] && nvidia-smi > /dev/null 2>&1; then
    seq 0 13 | xargs -P 14 -I {} "${paper[@]}" --share {}/14
fi
"${paper[@]}"
python -m research.results_page --scale "$scale"
