#!/bin/sh
# Fuzzes each target for so many seconds (30), from the captures of the repository on; with `--runs N` always
# the same N inputs, for CI. Needs no nightly
# compiler: the coverage that libFuzzer steers by comes from LLVM, which the stable compiler passes flags to.
set -eu
cd "$(dirname "$0")/.."
limit="-max_total_time=${1:-30}"
[ "${1:-}" != "--runs" ] || limit="-runs=$2 -seed=1"
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1"
export RUSTFLAGS
target="$(rustc -vV | sed -n 's/^host: //p')"
# With a target of its own, build scripts and macros are not instrumented.
cargo build --locked --release --manifest-path fuzz/Cargo.toml --target "$target"
for name in files packets resp; do
    mkdir -p "fuzz/corpus/$name"
    "fuzz/target/$target/release/$name" "fuzz/corpus/$name" "fuzz/seeds/$name" captures \
        $limit -max_len=20000 -timeout=5 -rss_limit_mb=512 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="fuzz/$name-"
done
