#!/bin/sh
# `wirelab sniff` beside `tcpdump -r FILE -w /dev/null`, the floor that libpcap's own reader sets: in turn, so that
# noise meets both, and as ratios of medians. Without a file it makes one: benches/load-capture.sh, with --tls over TLS.
# Wall times hold for idle processors, two at least: `wirelab sniff` reads the file on a second thread, and with
# --summary looks for data of known classes, and counts keys, on a third; tcpdump has one. WIRELAB=PROGRAM takes that
# one and builds none.
#
#   benches/against-tcpdump.sh [--markdown] [--tls] [FILE [ROUNDS]]
set -eu
cd "$(dirname "$0")/.."
style=text
tls=
while :; do
    case "${1:-}" in
        --markdown) style=markdown && shift ;;
        --tls) tls=--tls && shift ;;
        *) break ;;
    esac
done
file="${1:-}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
if [ -z "$file" ]; then
    file="$folder/load.pcap"
    benches/load-capture.sh $tls "$file"
fi
if [ -z "${WIRELAB:-}" ]; then
    cargo build --locked --release --bin wirelab
    WIRELAB=target/release/wirelab
fi
python3 - "$WIRELAB" "$file" "${2:-7}" "$style" "$folder/tenth.pcap" "$tls" <<'PYTHON'
import json, os, statistics, subprocess, sys, time

wirelab, file, rounds, style, tenth, tls = sys.argv[1:]
rounds = int(rounds)
summary = json.loads(subprocess.check_output([wirelab, "sniff", "-r", file, "--summary", "--json"]))
words = ["tcpdump", "-r", file, "-c", str(summary["packets"] // 10), "-w", tenth]
subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
jobs = {
    "tcpdump -r FILE -w /dev/null": ["tcpdump", "-r", file, "-w", "/dev/null"],
    "wirelab sniff -r FILE --summary": [wirelab, "sniff", "-r", file, "--summary"],
    "wirelab sniff -r FILE --summary --no-data": [wirelab, "sniff", "-r", file, "--summary", "--no-data"],
    "wirelab sniff -r FILE --json": [wirelab, "sniff", "-r", file, "--json"],
    "wirelab sniff -r FILE --json --no-data": [wirelab, "sniff", "-r", file, "--json", "--no-data"],
    "wirelab sniff -r TENTH --summary": [wirelab, "sniff", "-r", tenth, "--summary"],
    "wirelab sniff -r TENTH --json": [wirelab, "sniff", "-r", tenth, "--json"],
}
if tls:
    # Nothing in it can be read, so there are no values.
    jobs = {name: job for name, job in jobs.items() if "--no-data" not in name}
floor = next(iter(jobs))
walls = {name: [] for name in jobs}
works = {name: [] for name in jobs}
peaks = {name: 0 for name in jobs}
for _ in range(rounds):
    for name, words in jobs.items():
        begun = time.monotonic()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        walls[name].append(time.monotonic() - begun)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{name} ended with {process.returncode}")
        works[name].append(usage.ru_utime + usage.ru_stime)
        peaks[name] = max(peaks[name], usage.ru_maxrss / 1024)


def ratio(times, name):
    """Of medians; and the least and the most of any round."""
    each = sorted(a / b for a, b in zip(times[name], times[floor]))
    return statistics.median(times[name]) / statistics.median(times[floor]), each[0], each[-1]


flows = summary["flows"]
print(
    f"{os.path.getsize(file) / 1e6:.0f} MB, {summary['packets']:,} packets, {summary['commands']:,} readable commands,"
    f" {sum(flows.values())} connections, {flows['tls']} of them TLS; medians of {rounds} rounds"
)
if style == "markdown":
    print("\n| | wall time | by tcpdump's | in single rounds | processor time | by tcpdump's | peak memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
for name in jobs:
    wall, work, peak = statistics.median(walls[name]), statistics.median(works[name]), peaks[name]
    (by, least, most), (by_work, _, _) = ratio(walls, name), ratio(works, name)
    if style == "markdown":
        print(
            f"| `{name}` | {wall:.2f} s | {by:.2f} | {least:.2f} to {most:.2f} | {work:.2f} s | {by_work:.2f}"
            f" | {peak:.0f} MiB |"
        )
    else:
        print(
            f"{name:<42} {wall:6.2f} s {by:5.2f} x tcpdump ({least:.2f} to {most:.2f})"
            f"   processor {work:6.2f} s {by_work:5.2f} x   {peak:4.0f} MiB"
        )
PYTHON
