#!/usr/bin/env bash
# Makes results/endurance.json: whether killed processes, full disks and SECONDS of use (default: 3600) lose or leak
# anything. Fails if so. Root can mount the small disks that it needs; without, it leaves them out.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.endurance.kills --count 100 --out results/endurance.json
python -m research.endurance.disks --out results/endurance.json
python -m research.endurance.long_use --seconds "${1:-3600}" --out results/endurance.json
