#!/usr/bin/env bash
# Makes results/effort/eye_EFFORT.json: rate and quality of m2t on Kodak by effort, at four qualities; prints how they
# compare with effort 0, which has to be among them.
#   runs/effort.sh [EFFORT ...]     0, 1, 4 and 9 if none is named; a quarter of an hour
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- 0 1 4 9
mkdir -p results/effort
for effort in "$@"; do
    m2t eval "${M2T_KODAK:-../shared/data/kodak}" --name kodak --codecs m2t --effort "$effort" --no-timing \
        --qualities 20,40,60,80 --metrics ssimulacra2,psnr,ms_ssim --out "build/effort_$effort"
    cp "build/effort_$effort/m2t.json" "results/effort/eye_$effort.json"
done
for metric in ssimulacra2 ms_ssim; do
    python -m m2t.eval.table results/effort/eye_*.json --against results/effort/eye_0.json --metric $metric
done
