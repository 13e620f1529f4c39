#!/usr/bin/env bash
# Makes results/bench_light.jsonl and results/{coder,startup}.json: where the time goes, on a machine with nothing else to do. About 3 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

for megapixels in 0.4 1 3 12; do
    m2t bench examples/photo.png --megapixels "$megapixels" --json
done > results/bench_light.jsonl
python -m m2t.eval.coder --out results/coder.json
python -m m2t.eval.startup "${M2T_KODAK:-../shared/data/kodak}/kodim01.png" --out results/startup.json
