#!/usr/bin/env bash
# Writes checkpoints/train.txt and checkpoints/validation.txt: the photographs of the folders DATA to train on, and those of
# runs/validation.txt, which are to choose by.
#     runs/lists.sh DATA ...
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p checkpoints
find "${@/%//}" -type f ! -name '*.tsv' -exec realpath {} + | sort > checkpoints/all.txt
grep -vFf runs/validation.txt checkpoints/all.txt > checkpoints/train.txt
grep -Ff runs/validation.txt checkpoints/all.txt > checkpoints/validation.txt
rm checkpoints/all.txt
