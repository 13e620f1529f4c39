#!/usr/bin/env bash
# Makes results/anchors/{jpeg,webp,avif,avif_default}.json: classical codecs on Kodak, about 3 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m m2t.eval.anchors "${M2T_KODAK:-../shared/data/kodak}" --dataset kodak --out results/anchors
