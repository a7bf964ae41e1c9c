#!/bin/sh
# Runs the whole catalogue with the built-in client N times (20 unless told otherwise), and compares the verdicts:
#     scripts/steady.sh [N]
# WIRELAB names the program to run; otherwise a release build is made.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${WIRELAB:-}" ]; then
    cargo build --locked --release -p wirelab-cli
    WIRELAB=target/release/wirelab
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for run in $(seq "${1:-20}"); do
    if ! "$WIRELAB" run --out "$folder/$run" >"$folder/said" 2>&1; then
        echo "run $run is not as expected:"
        cat "$folder/said"
        exit 1
    fi
    # One line an arm, without what differs from run to run: times and sentences.
    python3 - "$folder/$run/run.json" "$folder/verdicts-$run" <<'END'
import json, sys
run = json.load(open(sys.argv[1]))
lines = sorted(f"{arm['scenario']} {arm['arm']} {arm['client']} {arm['verdict']} {arm['got']}\n" for arm in run["arms"])
open(sys.argv[2], "w").writelines(lines)
print(f"{len(lines)} arms in {run['duration_ms'] / 1000:.1f} s")
END
    rm -rf "${folder:?}/$run"
    cmp "$folder/verdicts-1" "$folder/verdicts-$run" || {
        diff "$folder/verdicts-1" "$folder/verdicts-$run"
        exit 1
    }
done
echo "all verdicts are the same"
