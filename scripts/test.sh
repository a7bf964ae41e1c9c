#!/bin/sh
# All set-up, then every check.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --tests
cargo fmt --all --check
# Programs and tests in one go: on its own, the program would be built with other features, and all of it twice.
cargo test --locked --workspace --no-run
wirelab="${CARGO_TARGET_DIR:-target}/debug/wirelab"
# The clients are set up beside this: most of that is waiting for downloads.
log=$(mktemp)
scripts/clients.sh install "$wirelab" >"$log" 2>&1 &
clients=$!
counter_log=$(mktemp)
nice -n 19 benches/instructions.sh --build >"$counter_log" 2>&1 &
counter=$!
cargo clippy --locked --workspace --all-targets -- -D warnings
wait "$clients" || { cat "$log"; echo "a client could not be set up: see above"; exit 1; }
grep -e "^skipped" -e "set up in" "$log" || true
# Tests wait a lot: what they leave of the processors builds the fuzzers.
nice -n 19 scripts/fuzz.sh --build >"$log" 2>&1 &
fuzzers=$!
# The same cases each time, so that what this says of a commit stays true. `cargo test` alone draws new ones.
PROPTEST_RNG_SEED=1 cargo test --locked --workspace
scripts/clients.sh run "$wirelab"
wait "$counter" || { cat "$counter_log"; echo "the counter of instructions could not be built: see above"; exit 1; }
benches/instructions.sh --development >"$counter_log" 2>&1 || { cat "$counter_log"; exit 1; }
grep -e "^Gungraun result" "$counter_log"
wait "$fuzzers" || { cat "$log"; echo "the fuzzers could not be built: see above"; exit 1; }
scripts/fuzz.sh 30 1
