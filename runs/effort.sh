#!/usr/bin/env bash
# Makes results/effort/eye_EFFORT.json: rate, quality and time of m2t on Kodak at other efforts than the default; prints
# how all of them, and the default of results/kodak_light.json, compare with effort 0.
#   runs/effort.sh [EFFORT ...]     0, 2, 4 and 9 if none is named; an hour, alone on the machine
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- 0 2 4 9
mkdir -p results/effort
for effort in "$@"; do
    m2t eval "${M2T_KODAK:-../shared/data/kodak}" --name kodak --codecs m2t --effort "$effort" \
        --anchors results/anchors --out "build/effort_$effort"
    cp "build/effort_$effort/m2t.json" "results/effort/eye_$effort.json"
done
python -m m2t.eval.table results/kodak_light.json results/effort/eye_*.json --against results/effort/eye_0.json --metric ssimulacra2
