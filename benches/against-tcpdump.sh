#!/bin/sh
# `wirelab sniff` beside `tcpdump -r FILE -w /dev/null`, the floor that libpcap's own reader sets: in turn, so that
# noise meets both, and as ratios of medians. Without a file it makes one: redis-benchmark against redis-server on
# loopback, SET and GET of 256 bytes, 50 connections, pipelines of 1 and 16. Needs root to capture.
#
#   benches/against-tcpdump.sh [FILE] [ROUNDS]
set -eu
cd "$(dirname "$0")/.."
file="${1:-}"
rounds="${2:-7}"
if [ -z "$file" ]; then
    folder="$(mktemp -d)"
    file="$folder/load.pcap"
    port=7613
    redis-server --port $port --save "" --requirepass pw >/dev/null &
    server=$!
    tcpdump -i lo -B 262144 -w "$file" "tcp port $port" 2>"$folder/tcpdump.log" &
    dump=$!
    trap 'kill $server $dump 2>/dev/null || true; rm -rf "$folder"' EXIT
    until redis-cli -p $port -a pw --no-auth-warning ping 2>/dev/null | grep -q PONG && [ -s "$file" ]; do :; done
    redis-benchmark -p $port -a pw -q -t set,get -d 256 -n 240000 -c 50 -P 1 -r 10000 >/dev/null
    redis-benchmark -p $port -a pw -q -t set,get -d 256 -n 400000 -c 50 -P 16 -r 10000 >/dev/null
    kill -INT $dump
    wait $dump || true
fi
cargo build --locked --release --bin wirelab
exec python3 - "$file" "$rounds" <<'PYTHON'
import os, statistics, subprocess, sys, time

file, rounds = sys.argv[1], int(sys.argv[2])
wirelab = "target/release/wirelab"
jobs = {
    "tcpdump -r FILE -w /dev/null": ["tcpdump", "-r", file, "-w", "/dev/null"],
    "wirelab sniff --summary": [wirelab, "sniff", "-r", file, "--summary"],
    "wirelab sniff --summary --no-data": [wirelab, "sniff", "-r", file, "--summary", "--no-data"],
    "wirelab sniff --json": [wirelab, "sniff", "-r", file, "--json"],
    "wirelab sniff --json --no-data": [wirelab, "sniff", "-r", file, "--json", "--no-data"],
}
times = {name: [] for name in jobs}
for _ in range(rounds):
    for name, words in jobs.items():
        begun = time.monotonic()
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times[name].append(time.monotonic() - begun)
floor = statistics.median(times["tcpdump -r FILE -w /dev/null"])
print(f"{os.path.getsize(file) / 1e6:.0f} MB, {os.cpu_count()} cores, medians of {rounds} rounds")
for name, seconds in times.items():
    median = statistics.median(seconds)
    print(f"{name:<36} {median:6.2f} s  {median / floor:5.2f} x tcpdump")
PYTHON
