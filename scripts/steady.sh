#!/bin/sh
# Runs the same N times, and compares the verdicts of all arms:
#
#   scripts/steady.sh [N [ARGUMENTS...]]                 N runs (20) of the whole catalogue with the built-in client
#   scripts/steady.sh 5 --client all --jobs 8            the matrix of all clients
#
# ARGUMENTS go to `wirelab run`. WIRELAB names the program; without it a release build is made. A run that is not as
# expected is told of, and the next one made all the same. KEEP names a folder for the run.json of each run.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${WIRELAB:-}" ]; then
    cargo build --locked --release -p wirelab-cli
    WIRELAB=target/release/wirelab
fi
runs="${1:-20}"
[ $# -eq 0 ] || shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
kept="${KEEP:-$folder}"
mkdir -p "$kept"
failed=0
for run in $(seq "$runs"); do
    code=0
    # All of them are removed at the end: ext4 looks for other inodes than those that were just freed, which takes the next run
    # up to two seconds.
    out="$folder/$run"
    "$WIRELAB" run "$@" --out "$out" >"$folder/said" 2>&1 || code=$?
    if [ ! -e "$out/run.json" ]; then
        cat "$folder/said"
        exit "$code"
    fi
    cp "$out/run.json" "$kept/run-$run.json"
    # Not all runs have one.
    cp "$out/matrix.md" "$kept/matrix-$run.md" 2>/dev/null || true
    python3 -c 'import json, sys
run = json.load(open(sys.argv[1]))
print(len(run["arms"]), "arms in", round(run["duration_ms"] / 1000, 1), "s:", run["outcome"])
for arm in run["arms"]:
    if not arm["as_expected"]:
        print("   ", arm["scenario"], arm["arm"], arm["client"], arm["verdict"], arm["why"][:300])' "$kept/run-$run.json"
    [ "$code" = 0 ] || failed="$code"
done
set --
for run in $(seq "$runs"); do
    set -- "$@" "$kept/run-$run.json"
done
scripts/steady.py "$@" || exit 1
exit "$failed"
