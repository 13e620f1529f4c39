#!/usr/bin/env bash
# Makes results/large.json: what memory pictures of 100 megapixels take, square and wide, and how long. About 4 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.speed.large "${M2T_KODAK:-../shared/data/kodak}" --out results/large.json
