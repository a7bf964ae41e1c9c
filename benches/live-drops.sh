#!/bin/sh
# `wirelab sniff` live on loopback beside tcpdump with a buffer of the same size, while redis-benchmark sends as much as it
# can to a redis-server: SET and GET of 256 bytes, 50 connections, pipelines of 1 and 16. Prints how many packets each of
# the two saw and how many the kernel dropped for it. Goal: no drop that tcpdump would not have had. Needs root. The four
# processes share the processors, and whatever else runs takes its part: say what the machine was.
#
#   benches/live-drops.sh [--markdown] [ROUNDS [REQUESTS]]      WIRELAB=PROGRAM takes that one and builds none
set -eu
cd "$(dirname "$0")/.."
style=text
[ "${1:-}" != --markdown ] || { style=markdown && shift; }
if [ -z "${WIRELAB:-}" ]; then
    cargo build --locked --release --bin wirelab
    WIRELAB=target/release/wirelab
fi
exec python3 - "$WIRELAB" "${1:-5}" "${2:-400000}" "$style" <<'PYTHON'
import json, os, re, signal, subprocess, sys, time

wirelab, rounds, requests, style = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
port = "7614"
# KiB, as `wirelab sniff` asks for.
buffer = str(64 << 10)


def until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def captures(pid):
    """Whether a process has a packet socket that is bound to an interface."""
    rows = [line.split() for line in open("/proc/net/packet").read().splitlines()[1:]]
    inodes = {row[8] for row in rows if row[4] != "0"}
    try:
        held = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    except FileNotFoundError:
        # One of them was closed meanwhile: the caller asks again.
        return False
    return bool(inodes & {re.sub(r"\D", "", link) for link in held})


def spent(pid):
    return sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))


def settle(pid):
    """Waits until a process has read what the kernel holds for it: it takes no time any more."""
    last = [spent(pid), time.monotonic()]

    def idle():
        now = spent(pid)
        if now > last[0] + 1:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > 1

    until("reading what was captured", idle, 120)


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)


quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
server = subprocess.Popen(["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", ""], **quiet)
running = [server]
try:
    ping = ["redis-cli", "-p", port, "ping"]
    until("redis-server", lambda: subprocess.run(ping, capture_output=True).stdout == b"PONG\n")
    worse = 0
    if style == "markdown":
        print("| pipeline | requests a second | tcpdump saw | dropped | wirelab saw | dropped | bytes never seen |")
        print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for pipeline in "1", "16":
        for _ in range(rounds):
            both = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            dump = subprocess.Popen(["tcpdump", "-i", "lo", "-B", buffer, "-w", "/dev/null", f"tcp port {port}"], **both)
            sniff = subprocess.Popen(
                [wirelab, "sniff", "-i", "lo", "-p", port, "--filter", f"tcp port {port}", "--json", "--summary"], **both
            )
            running += [dump, sniff]
            until("capturing", lambda: captures(dump.pid) and captures(sniff.pid))
            # The filter is set after that, and throws away what came before it.
            settle(sniff.pid)
            settle(dump.pid)
            words = ["redis-benchmark", "-p", port, "-t", "set,get", "-d", "256", "-c", "50", "-P", pipeline]
            begun = time.monotonic()
            subprocess.run([*words, "-n", requests, "-r", "10000", "-q"], check=True, **quiet)
            rate = 2 * int(requests) / (time.monotonic() - begun)
            settle(sniff.pid)
            settle(dump.pid)
            told = stop(dump)[1]
            seen, lost = (int(re.search(rf"(\d+) packets {what}", told)[1]) for what in ("captured", "dropped by kernel"))
            summary = json.loads(stop(sniff)[0].splitlines()[-1])
            # Less seen than tcpdump saw is a loss too, whatever is counted.
            short = max(0, seen - summary["packets"])
            more = max(summary["dropped"] - lost, short - lost)
            worse += more > 0
            if style == "markdown":
                numbers = seen, lost, *(summary[name] for name in ("packets", "dropped", "gaps"))
                print(f"| {pipeline} | {rate:,.0f} | {' | '.join(f'{number:,}' for number in numbers)} |", flush=True)
                continue
            print(
                f"-P {pipeline:<2} {rate:8.0f} requests/s   tcpdump saw {seen:8} dropped {lost:6}"
                f"   wirelab saw {summary['packets']:8} dropped {summary['dropped']:6} gaps {summary['gaps']:8}"
                f"{'   MORE' if more > 0 else ''}",
                flush=True,
            )
    print(f"\nmore lost than by tcpdump in {worse} of {2 * rounds} rounds, {os.cpu_count()} processors")
finally:
    for process in running:
        if process.poll() is None:
            process.terminate()
            process.wait(10)
PYTHON
