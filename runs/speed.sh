#!/usr/bin/env bash
# Makes results/bench_light.jsonl and results/{coder,layers,processes,against}.json: where the time goes, and how fast
# this code is beside an earlier commit, on a machine with nothing else to do. About 10 minutes.
#     runs/speed.sh [COMMIT]
set -euo pipefail
cd "$(dirname "$0")/.."

bench() { m2t bench examples/photo.png --megapixels "$1" --runs "$2" --warmup "$3" --json; }
{ bench 0.4 10 2; bench 1 10 2; bench 3 10 2; bench 12 3 1; } > results/bench_light.jsonl
python -m research.speed.range_coder --out results/coder.json
python -m research.speed.layers --out results/layers.json
python -m research.speed.processes "${M2T_KODAK:-../shared/data/kodak}/kodim01.png" --out results/processes.json
python -m research.speed.against "${1:-c1bd397}" --out results/against.json
