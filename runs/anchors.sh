#!/usr/bin/env bash
# Makes the measured files of results/anchors/: classical codecs on Kodak, by all metrics; those made for the eye without
# times. Two hours, alone on the machine. Butteraugli comes from Debian: apt-get install butteraugli libjxl-devtools.
set -euo pipefail
cd "$(dirname "$0")/.."

# evaluate CODECS [--OPTION ...]
evaluate() {
    m2t eval "${M2T_KODAK:-../shared/data/kodak}" --name kodak --codecs "$@" \
        --metrics ssimulacra2,psnr,ms_ssim,butteraugli,butteraugli_3,flip --out build/anchors
    cp build/anchors/*.json results/anchors/
}
evaluate jpeg,mozjpeg,jpeg2000,webp,heic,jxl,avif,avif_default
evaluate avif_iq,avif_ssimulacra2,avif_ssimulacra2_420,jxl_effort9,jpegli --no-timing
