#!/usr/bin/env bash
# Makes results/bulk.json: what runs over archives add to the engine, on a machine with nothing else to do. Then does
# 2,000 small pictures on a cluster of three nodes whose workers, driver and nodes get killed. About 5 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.speed.bulk "${M2T_KODAK:-../shared/data/kodak}" --out results/bulk.json
M2T_BULK_PICTURES=2000 pytest tests/cli/test_bulk_cluster.py
