#!/bin/sh
# How long `wirelab sniff` takes for each of the files that the test of hostile files makes, and its peak memory. Goal:
# at most 2 s and 64 MiB for each.
#
#   benches/hostile.sh
set -eu
cd "$(dirname "$0")/.."
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
WIRELAB_HOSTILE_FILES="$folder" cargo test --locked -q -p wirelab-cli --test cli hostile >/dev/null
cargo build --locked --release --bin wirelab
exec python3 - "$folder" <<'PYTHON'
import os, subprocess, sys, time

for file in sorted(os.scandir(sys.argv[1]), key=lambda entry: entry.name):
    for words in ["--summary"], ["--json"], []:
        begun = time.monotonic()
        process = subprocess.Popen(
            ["target/release/wirelab", "sniff", "-r", file.path, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took, peak = time.monotonic() - begun, usage.ru_maxrss / 1024
        verdict = "" if took <= 2 and peak <= 64 and process.returncode in (0, 3) else "  TOO MUCH"
        size = file.stat().st_size / 1e6
        print(
            f"{file.name:<18} {size:6.1f} MB {' '.join(words) or 'text':<10} exit {process.returncode}"
            f" {took:6.2f} s {peak:6.1f} MiB{verdict}"
        )
PYTHON
