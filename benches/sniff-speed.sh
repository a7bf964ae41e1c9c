#!/bin/sh
# Writes docs/sniff-speed.md: makes a capture of plain Redis and one of Redis over TLS, runs benches/against-tcpdump.sh on
# each and benches/live-drops.sh, and puts what they print between the words of benches/sniff-speed.md. For a quiet
# machine; takes some minutes. Needs root to capture.
#
#   benches/sniff-speed.sh [ROUNDS [LIVE_ROUNDS]]
#
# WIRELAB=PROGRAM takes that one and builds none. PLAIN=FILE and TLS=FILE are captures that benches/load-capture.sh made.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${WIRELAB:-}" ]; then
    cargo build --locked --release --bin wirelab
    WIRELAB=target/release/wirelab
fi
export WIRELAB
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
if [ -z "${PLAIN:-}" ]; then
    PLAIN="$folder/plain.pcap"
    benches/load-capture.sh "$PLAIN"
fi
if [ -z "${TLS:-}" ]; then
    TLS="$folder/tls.pcap"
    benches/load-capture.sh --tls "$TLS"
fi
benches/against-tcpdump.sh --markdown "$PLAIN" "${1:-11}" >"$folder/SPEED"
cat "$folder/SPEED" >&2
benches/against-tcpdump.sh --markdown --tls "$TLS" "${1:-11}" >"$folder/ENCRYPTED"
cat "$folder/ENCRYPTED" >&2
benches/live-drops.sh --markdown "${2:-5}" >"$folder/LIVE"
cat "$folder/LIVE" >&2
python3 - "$folder" <<'PYTHON'
import os, pathlib, platform, subprocess, sys

folder = pathlib.Path(sys.argv[1])
first = lambda words: (lambda done: (done.stdout + done.stderr).splitlines()[0])(
    subprocess.run(words, capture_output=True, text=True)
)
names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
setup = [
    f"machine: {names[0] if names else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
    f"wirelab: {first([os.environ['WIRELAB'], '--version'])}, release build",
    f"tcpdump: {first(['tcpdump', '--version'])}",
    f"load: {first(['redis-server', '--version']).split(' sha')[0]}, and its redis-benchmark, on loopback",
    "files in the page cache, output to /dev/null",
]
(folder / "SETUP").write_text("\n".join(f"- {line}" for line in setup))
text = pathlib.Path("benches/sniff-speed.md").read_text()
for name in ("SETUP", "SPEED", "ENCRYPTED", "LIVE"):
    text = text.replace("{" + name + "}", (folder / name).read_text().strip())
pathlib.Path("docs/sniff-speed.md").write_text(text)
PYTHON
