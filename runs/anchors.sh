#!/usr/bin/env bash
# Makes the measured files of results/anchors/: classical codecs on Kodak. About an hour, alone on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

codecs=jpeg,mozjpeg,jpeg2000,webp,avif,avif_default,jxl,heic
m2t eval --ssimulacra2 "${M2T_KODAK:-../shared/data/kodak}" --name kodak --codecs "$codecs" --out build/anchors
cp build/anchors/*.json results/anchors/
