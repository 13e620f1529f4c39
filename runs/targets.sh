#!/usr/bin/env bash
# Makes results/targets.json: how near m2t comes to sizes and fidelities that are asked for, on Kodak.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.targets "${M2T_KODAK:-../shared/data/kodak}" --results results/targets.json
