#!/bin/sh
# All set-up, then every check.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --tests
cargo fmt --all --check
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo test --locked --workspace
scripts/fuzz.sh --runs 15000
