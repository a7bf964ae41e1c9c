#!/bin/sh
# All set-up, then the main job. Arguments go to `wirelab demo`.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo build --locked --release --bin wirelab
exec target/release/wirelab demo "$@"
