#!/usr/bin/env bash
# Makes results/determinism.json: Kodak files decoded under every setting of this machine. About 10 minutes, alone on it.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.determinism.check "${M2T_KODAK:-../shared/data/kodak}" --qualities 13 51 87 \
    --out results/determinism.json
