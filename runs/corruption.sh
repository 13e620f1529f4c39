#!/usr/bin/env bash
# Makes results/corruption.json: how many random corruptions of small files are noticed. Fails if one is not. COUNT of
# them (default: 100,000), half a minute of a core.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m research.attacks.corruption --count "${1:-100000}" --out results/corruption.json
