#!/usr/bin/env bash
# Makes results/fuzz.json: fuzzing of the core (libFuzzer, with AddressSanitizer and UndefinedBehaviorSanitizer) and of
# the layers in Python (Atheris). A target runs for SECONDS_EACH=60, or with RUNS=N for N executions. TARGETS are some
# of core, parse, decode, weights, pillow (default: all). Fails on a finding, whose input is in build/fuzz. Needs clang
# (`apt-get install clang`). `python -m research.attacks.corpus build/fuzz/corpus --keep` keeps what was found out.
set -euo pipefail
cd "$(dirname "$0")/.."
work=build/fuzz
mkdir -p "$work"
python -m research.attacks.corpus "$work/corpus"

limits=(-print_final_stats=1 -timeout=10 -rss_limit_mb=2000)
if [ -n "${RUNS:-}" ]; then limits+=(-runs="$RUNS"); else limits+=(-max_total_time="${SECONDS_EACH:-60}"); fi

# run TARGET COMMAND ...: its log becomes numbers, whether it fails or not.
run() {
    local target="$1" corpus="$work/corpus/$1" status=0
    shift
    "$@" "${limits[@]}" -artifact_prefix="$work/$target-" "$corpus" > "$work/$target.log" 2>&1 || status=$?
    [ "$status" = 0 ] || tail -n 30 "$work/$target.log" >&2
}

for target in ${TARGETS:-core parse decode weights pillow}; do
    if [ "$target" = core ]; then
        flags=(-w -g -O1 -ffp-contract=off -Icore)
        clang "${flags[@]}" -fsanitize=fuzzer-no-link,address -fwrapv -c tests/attacks/fuzz_core.c -o "$work/fuzz_core.o"
        clang "${flags[@]}" -fsanitize=fuzzer,address,undefined,float-cast-overflow -fno-sanitize-recover=undefined \
            core/*.c "$work/fuzz_core.o" -lm -o "$work/core"
        run core "$work/core" -max_len=4096
    else
        run "$target" python -m research.attacks.fuzz "$target" --weights tests/tiny.safetensors -max_len=20000
    fi
done
python -m research.attacks.counts "$work"/*.log --out results/fuzz.json
