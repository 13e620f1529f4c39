#!/usr/bin/env bash
# Makes docs/inside/: what `m2t inspect` finds in the example photograph, for docs/how.md.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m m2t inspect examples/photo.png --out build/inside -q 50 -f
python -m research.inside build/inside --out docs/inside
