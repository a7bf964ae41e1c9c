#!/bin/sh
# All set-up, then every check.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --tests
cargo fmt --all --check
cargo clippy --locked --workspace --all-targets -- -D warnings
# The same cases each time, so that what this says of a commit stays true. `cargo test` alone draws new ones.
PROPTEST_RNG_SEED=1 cargo test --locked --workspace
scripts/fuzz.sh --runs 15000
