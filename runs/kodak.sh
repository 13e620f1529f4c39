#!/usr/bin/env bash
# Makes results/kodak_MODEL{,_psnr}.json and the plots: rate, quality by all metrics, and time of m2t on Kodak, by real
# files. Butteraugli comes from Debian: apt-get install butteraugli libjxl-devtools.
set -euo pipefail
cd "$(dirname "$0")/.."

model="${1:-light}"
name="kodak_$(basename "$model" .safetensors)"
# The first codec is the one that is compared with all others; what was measured already is taken as it is.
evaluate() {
    m2t eval "${M2T_KODAK:-../shared/data/kodak}" --name kodak --codecs "$1" --model "$model" \
        --metrics ssimulacra2,psnr,ms_ssim,butteraugli,butteraugli_3,flip \
        --anchors results/anchors --out "build/$name"
}
evaluate m2t_psnr,m2t > /dev/null
cp "build/$name/m2t_psnr.json" "results/${name}_psnr.json"
evaluate m2t,m2t_psnr
cp "build/$name/m2t.json" "results/$name.json"
cp "build/$name/psnr.svg" "results/$name.svg"
cp "build/$name/ssimulacra2.svg" "results/${name}_ssimulacra2.svg"
