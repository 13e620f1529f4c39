#!/usr/bin/env bash
# Makes results/kodak_MODEL{,_psnr}.json and the plots: rate, quality by all metrics, and time of m2t on Kodak, by real
# files. Butteraugli comes from Debian: apt-get install butteraugli libjxl-devtools.
set -euo pipefail
cd "$(dirname "$0")/.."

model="${1:-light}"
name="kodak_$(basename "$model" .safetensors)"
m2t eval "${M2T_KODAK:-../shared/data/kodak}" --name kodak --codecs m2t,m2t_psnr --model "$model" \
    --metrics ssimulacra2,psnr,ms_ssim,butteraugli,butteraugli_3,flip \
    --anchors results/anchors --out "build/$name"
cp "build/$name/m2t.json" "results/$name.json"
cp "build/$name/m2t_psnr.json" "results/${name}_psnr.json"
cp "build/$name/psnr.svg" "results/$name.svg"
cp "build/$name/ssimulacra2.svg" "results/${name}_ssimulacra2.svg"
