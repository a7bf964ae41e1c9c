#!/bin/sh
# All set-up, then every check.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --tests
cargo fmt --all --check
# The clients are set up beside a build: most of that is waiting for downloads.
cargo build --locked -p wirelab-cli
log=$(mktemp)
scripts/clients.sh install "${CARGO_TARGET_DIR:-target}/debug/wirelab" >"$log" 2>&1 &
clients=$!
cargo clippy --locked --workspace --all-targets -- -D warnings
wait "$clients" || { cat "$log"; echo "a client could not be set up: see above"; exit 1; }
grep -e "^skipped" -e "set up in" "$log" || true
# The benches have no tests, and much that only they need.
cargo test --locked --workspace --exclude wirelab-benches --no-run
# Tests wait a lot: what they leave of the processors builds the fuzzers.
nice -n 19 scripts/fuzz.sh --build >"$log" 2>&1 &
fuzzers=$!
# The same cases each time, so that what this says of a commit stays true. `cargo test` alone draws new ones.
PROPTEST_RNG_SEED=1 cargo test --locked --workspace --exclude wirelab-benches
scripts/clients.sh run
wait "$fuzzers" || { cat "$log"; echo "the fuzzers could not be built: see above"; exit 1; }
scripts/fuzz.sh --runs 15000
