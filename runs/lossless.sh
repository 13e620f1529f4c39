#!/usr/bin/env bash
# Makes results/lossless.{json,svg}: bytes of lossless files, and what it takes to choose; "--images N": of fewer photographs.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.lossless "${M2T_KODAK:-../shared/data/kodak}" \
    --results results/lossless.json --plot results/lossless.svg "$@"
