#!/bin/sh
# `wirelab sniff` beside `tcpdump -r FILE -w /dev/null`, the floor that libpcap's own reader sets: in turn, so that
# noise meets both, and as ratios of medians. Without a file it makes one: redis-benchmark against redis-server on
# loopback, SET and GET of 256 bytes, 50 connections, pipelines of 1 and 16; with --tls the same over TLS. Needs root
# to capture. Wall time and processor time: tcpdump has one thread; `wirelab sniff` reads the file on a second one, and
# with --summary looks for data of known classes, and counts keys, on a third. Wall times hold for idle processors, two
# at least.
#
#   benches/against-tcpdump.sh [--tls] [FILE] [ROUNDS]
set -eu
cd "$(dirname "$0")/.."
tls=
if [ "${1:-}" = --tls ]; then
    tls=yes
    shift
fi
file="${1:-}"
rounds="${2:-7}"
if [ -z "$file" ]; then
    folder="$(mktemp -d)"
    file="$folder/load.pcap"
    port=7613
    if [ "$tls" ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
            -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
        set -- --tls --insecure
        redis-server --port 0 --tls-port $port --tls-cert-file "$folder/cert.pem" --tls-key-file "$folder/key.pem" \
            --tls-ca-cert-file "$folder/cert.pem" --tls-auth-clients no --save "" --requirepass pw >/dev/null &
    else
        set --
        redis-server --port $port --save "" --requirepass pw >/dev/null &
    fi
    server=$!
    tcpdump -i lo -B 262144 -w "$file" "tcp port $port" 2>"$folder/tcpdump.log" &
    dump=$!
    trap 'kill $server $dump 2>/dev/null || true; rm -rf "$folder"' EXIT
    until redis-cli "$@" -p $port -a pw --no-auth-warning ping 2>/dev/null | grep -q PONG && [ -s "$file" ]; do :; done
    redis-benchmark "$@" -p $port -a pw -q -t set,get -d 256 -n 240000 -c 50 -P 1 -r 10000 >/dev/null
    redis-benchmark "$@" -p $port -a pw -q -t set,get -d 256 -n 400000 -c 50 -P 16 -r 10000 >/dev/null
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
walls = {name: [] for name in jobs}
works = {name: [] for name in jobs}
peaks = {}
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
        peaks[name] = max(peaks.get(name, 0), usage.ru_maxrss / 1024)
floors = [statistics.median(times["tcpdump -r FILE -w /dev/null"]) for times in (walls, works)]
print(f"{os.path.getsize(file) / 1e6:.0f} MB, {os.cpu_count()} cores, medians of {rounds} rounds")
for name in jobs:
    wall, work = statistics.median(walls[name]), statistics.median(works[name])
    print(
        f"{name:<36} {wall:6.2f} s {wall / floors[0]:5.2f} x tcpdump"
        f"   processor {work:6.2f} s {work / floors[1]:5.2f} x   {peaks[name]:4.0f} MiB"
    )
PYTHON
