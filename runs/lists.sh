#!/usr/bin/env bash
# Writes checkpoints/train.txt and checkpoints/validation.txt: the photographs of the folder DATA to train on, and those of
# runs/validation.txt, which are to choose by.
#     runs/lists.sh DATA
set -euo pipefail
cd "$(dirname "$0")/.."

data="$(realpath "$1")"
mkdir -p checkpoints
find "$data" -type f ! -name '*.tsv' -printf '%p\n' | sort > checkpoints/all.txt
grep -vFf runs/validation.txt checkpoints/all.txt > checkpoints/train.txt
grep -Ff runs/validation.txt checkpoints/all.txt > checkpoints/validation.txt
rm checkpoints/all.txt
