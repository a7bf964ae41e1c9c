#!/bin/sh
# Fuzzes each target from the captures of the repository on, and says how many inputs were tried:
#
#   scripts/fuzz.sh [SECONDS]              each target for so long (30)
#   scripts/fuzz.sh --runs N [SECONDS]     the same N inputs each time, as CI does, and no longer than that (30)
#   scripts/fuzz.sh --build                only builds the targets
#
# With both limits, a slow machine tries fewer inputs, and the number at the end tells. Needs no nightly compiler: the
# coverage that libFuzzer steers by comes from LLVM, which the stable compiler passes flags to.
set -eu
cd "$(dirname "$0")/.."
limit="-max_total_time=${1:-30}"
[ "${1:-}" != "--runs" ] || limit="-runs=$2 -seed=1 -max_total_time=${3:-30}"
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1"
export RUSTFLAGS
target="$(rustc -vV | sed -n 's/^host: //p')"
# With a target of its own, build scripts and macros are not instrumented.
cargo build --locked --release --manifest-path fuzz/Cargo.toml --target "$target"
[ "${1:-}" != "--build" ] || exit 0
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
tried=
for name in files packets resp; do
    mkdir -p "fuzz/corpus/$name"
    status=0
    "fuzz/target/$target/release/$name" "fuzz/corpus/$name" "fuzz/seeds/$name" captures \
        $limit -max_len=20000 -timeout=5 -rss_limit_mb=512 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="fuzz/$name-" 2>"$log" || status=$?
    cat "$log" >&2
    [ "$status" = 0 ] || exit "$status"
    count="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    # A fuzzer that tried nothing found nothing.
    [ "${count:-0}" -gt 0 ] || { echo "$name tried no input" >&2; exit 1; }
    tried="$tried$name: $count inputs
"
done
printf '%s' "$tried"
