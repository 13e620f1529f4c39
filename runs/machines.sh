#!/usr/bin/env bash
# Makes results/machines.json: wheels, run on this machine and on others that QEMU imitates, one of them with the other
# order of bytes. Fails if one computes other integers, writes other bytes or paints other pixels. Ten minutes, as root,
# after `make wheels` (for its compiler) and `apt-get install qemu-user-static debootstrap`. Debian's Python for these
# machines goes into build/machines.
set -euo pipefail
cd "$(dirname "$0")/.."
folder="$PWD/build/machines" out=results/machines.json
mkdir -p "$folder"
rm -f "$out"

# system ARCHITECTURE RELEASE: packages of Debian in a folder, unpacked and not installed, for no more is needed.
system() {
    [ ! -e "$folder/$1.done" ] || return 0
    rm -rf "${folder:?}/$1"
    local package packages=python3-numpy,python3-pil,python3-click,python3-tqdm,python3-pytest
    debootstrap --arch="$1" --foreign --variant=minbase --include="$packages" "$2" "$folder/$1" > "$folder/$1.log"
    for package in "$folder/$1"/var/cache/apt/archives/*.deb; do
        dpkg-deb --extract "$package" "$folder/$1"
    done
    touch "$folder/$1.done"
}

# machine NAME WHEEL COMMAND ...: the command, run there, starts Python.
machine() {
    local name="$1" site="$folder/$2" python=("${@:3}")
    export PYTHONPATH="$site"
    "${python[@]}" -m research.determinism.machine "$name" examples/photo.png --out "$out"
    "${python[@]}" -m pytest --noconftest -p no:cacheprovider tests/engine tests/test_golden.py
}

# emulated NAME WHEEL PROCESSOR ARCHITECTURE: the same on a processor that QEMU knows, with the system for it.
emulated() {
    local kind="${2##*17_}" root="$folder/$4"
    machine "$1" "$2" "qemu-$kind-static" -cpu "$3" -L "$root" \
        -E "LD_LIBRARY_PATH=/usr/lib/$kind-linux-gnu/blas:/usr/lib/$kind-linux-gnu/lapack" "$root/usr/bin/python3"
}

wheels=(manylinux_2_17_{x86_64,aarch64,s390x})
python runs/wheels.py "${wheels[@]}"
for wheel in "${wheels[@]}"; do
    rm -rf "${folder:?}/$wheel"
    python -m zipfile --extract "$PWD"/build/wheels/m2t-*-"$wheel.whl" "$folder/$wheel"
done
system arm64 trixie
system s390x bookworm # newer ones lack packages for it

machine "this one" manylinux_2_17_x86_64 python
machine "x86-64 with AVX2" manylinux_2_17_x86_64 qemu-x86_64-static -cpu Haswell "$(command -v python)"
machine "x86-64 without AVX" manylinux_2_17_x86_64 qemu-x86_64-static -cpu Nehalem "$(command -v python)"
emulated "ARM with dot products" manylinux_2_17_aarch64 neoverse-n1 arm64
emulated "ARM without" manylinux_2_17_aarch64 cortex-a57 arm64
emulated "IBM Z, most significant byte first" manylinux_2_17_s390x max s390x
