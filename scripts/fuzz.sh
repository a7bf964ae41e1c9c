#!/bin/sh
# Fuzzes each target from the captures of the repository on, and says how many inputs were tried:
#
#   scripts/fuzz.sh [SECONDS [SEED]]       each target for so long (30), as many at once as there are processors
#   scripts/fuzz.sh --build                only builds the targets
#
# With a seed, as in CI, the first inputs are the same each time, and a faster machine tries more of them. Needs no
# nightly compiler: the coverage that libFuzzer steers by comes from LLVM, which the stable compiler passes flags to.
set -eu
cd "$(dirname "$0")/.."
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1"
export RUSTFLAGS
target="$(rustc -vV | sed -n 's/^host: //p')"
# With a target of its own, build scripts and macros are not instrumented.
cargo build --locked --release --manifest-path fuzz/Cargo.toml --target "$target"
[ "${1:-}" != "--build" ] || exit 0
seconds="${1:-30}"
seed="${2:-0}"
logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT
targets="files packets resp"
for name in $targets; do
    mkdir -p "fuzz/corpus/$name"
done
# Beyond the time, each one ends after the input at hand.
failed=0
printf '%s\n' $targets | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I NAME sh -c \
    '"$1/NAME" fuzz/corpus/NAME fuzz/seeds/NAME captures -max_total_time="$2" -seed="$3" -max_len=20000 -timeout=5 \
        -rss_limit_mb=512 -print_final_stats=1 -verbosity=0 -artifact_prefix=fuzz/NAME- 2>"$4/NAME"' \
    fuzz "fuzz/target/$target/release" "$seconds" "$seed" "$logs" || failed=$?
for name in $targets; do
    cat "$logs/$name" >&2
done
[ "$failed" = 0 ] || exit "$failed"
for name in $targets; do
    count="$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/$name")"
    # A fuzzer that tried nothing found nothing.
    [ "${count:-0}" -gt 0 ] || { echo "$name tried no input" >&2; exit 1; }
    echo "$name: $count inputs in $seconds s"
done
