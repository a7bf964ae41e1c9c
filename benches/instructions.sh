#!/bin/sh
# Counts the instructions of the hot paths under Valgrind and holds them against the limits in
# benches/benches/instructions.rs. Ends with an error where one is passed. Other arguments go to gungraun:
#
#   benches/instructions.sh --save-baseline=before     # then change the code
#   benches/instructions.sh --baseline=before
#   benches/instructions.sh --development              # of a development build, as CI does
#   benches/instructions.sh --build                    # only builds the program that counts
set -eu
cd "$(dirname "$0")/.."
profile=bench
case "${1:-}" in
    --development) profile=dev && shift ;;
    --build) profile= ;;
esac
command -v valgrind >/dev/null 2>&1 || {
    echo "benches/instructions.sh needs valgrind: apt-get install valgrind" >&2
    exit 4
}
# The runner has to be of the very version of the library.
version="$(sed -n '/^name = "gungraun"$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)"
cargo install --quiet --locked --debug --root target/tools "gungraun-runner@$version"
[ "$profile" ] || exit 0
# With the features of the whole workspace, which tests have too: nothing is built twice.
GUNGRAUN_RUNNER="$PWD/target/tools/bin/gungraun-runner" \
    cargo bench --locked --workspace --profile "$profile" --bench instructions -- "$@"
