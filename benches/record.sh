#!/bin/sh
# Runs all criterion benches to their end (some twelve minutes, on a quiet machine) and writes docs/benches.md from the
# estimates that criterion leaves in target/criterion. With --only-write it takes the estimates that are there, from
# `cargo bench -p wirelab-benches --bench NAME`.
#
#   benches/record.sh [--only-write]
set -eu
cd "$(dirname "$0")/.."
export CRITERION_HOME="$PWD/target/criterion"
if [ "${1:-}" != --only-write ]; then
    rm -rf "$CRITERION_HOME"
    for bench in hot_paths handshake load scenario; do
        cargo bench --locked --workspace --bench $bench
    done
fi
exec python3 - "$CRITERION_HOME" <<'PYTHON'
import json, os, pathlib, platform, re, subprocess, sys

home = pathlib.Path(sys.argv[1])
found = {}  # full name: nanoseconds for an iteration (mean, low, high), bytes of an iteration or None
begun = None
for file in sorted(home.rglob("new/benchmark.json")):
    bench = json.loads(file.read_text())
    mean = json.loads((file.parent / "estimates.json").read_text())["mean"]
    interval = mean["confidence_interval"]
    name = f"{bench['group_id']}/{bench['function_id']}"
    throughput = bench["throughput"] or {}
    found[name] = (mean["point_estimate"], interval["lower_bound"], interval["upper_bound"]), throughput.get("Bytes")
    begun = min(begun or file.stat().st_mtime, file.stat().st_mtime)
if not found:
    sys.exit(f"{home} has no estimates of criterion: run benches/record.sh")
used = set()


def take(name):
    used.add(name)
    return found[name][0]


def digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def micros(estimate):
    """A time with the larger half of its interval."""
    mean, low, high = (one / 1e3 for one in estimate)
    return f"{digits(mean)} ± {digits(max(high - mean, mean - low))}"


def ratio(above, below):
    """Of two times, with the ends that are furthest apart."""
    return f"{above[0] / below[0]:.2f} ({above[1] / below[2]:.2f} to {above[2] / below[1]:.2f})"


lines = []


def table(head, rows):
    lines.extend(["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)])
    lines.extend("| " + " | ".join(row) + " |" for row in rows)
    lines.append("")


cpu = next((line.split(": ")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
rustc = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1]
server = subprocess.run(["redis-server", "--version"], stdout=subprocess.PIPE, text=True).stdout
server = re.search(r"v=(\S+)", server)
lines += [
    "# What the benches say", "",
    "Written by `benches/record.sh` from what criterion left of a whole run of `cargo bench -p wirelab-benches`: means of",
    "an iteration with their 95 % intervals. Plain and TLS were measured one after the other, so a ratio has the slower and",
    "quicker minutes of the machine in it, which its interval (that of the ends furthest apart) does not know of. For what",
    "TLS costs, `wirelab bench` takes turns: [tls-cost.md](tls-cost.md).", "",
    f"- machine: {cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
    f"- rustc {rustc}, optimised build; rustls with aws-lc on both sides of handshakes and in the embedded server",
    f"- redis-server {server[1] if server else 'was not there'}; client and server on loopback"
    + (", on a processor each" if os.cpu_count() == 2 else ", on processors of their own" if os.cpu_count() > 2 else ""),
    f"- {len(found)} benches", "",
]

lines += ["## Handshakes", "", "Both sides in memory, from the hello to the last ticket: µs for client and server together.", ""]
kinds = [("TLS1.2", "X25519"), ("TLS1.3", "X25519"), ("TLS1.3", "X25519MLKEM768")]
rows, keys = [], ["P-256", "RSA-2048", "RSA-3072", "Ed25519"]
names = [name.split("/") for name in found if name.startswith("handshake/")]
keys = list(dict.fromkeys(parts[3] for parts in names))
for kind in ("full", "resumed", "mutual"):
    for key in sorted(keys, key=lambda key: take(f"handshake/TLS1.3/full/{key}/X25519")[0]):
        rows.append([f"{kind}, {key}"] + [micros(take(f"handshake/{version}/{kind}/{key}/{group}")) for version, group in kinds])
table(["handshake, key of the server"] + [f"{version.replace('TLS', 'TLS ')}, {group}" for version, group in kinds], rows)

number = lambda text: int(re.search(r"\d+", text)[0])
for server in ("embedded", "redis-server"):
    loads = sorted({name.rsplit("/", 1)[0] for name in found if name.startswith(f"{server}/") and name.split("/")[1] in ("round-trip", "throughput", "pipeline")},
                   key=lambda name: [name.split("/")[1] == "pipeline", number(name.split("/")[4]), number(name.split("/")[3]), number(name.split("/")[2]), name])
    if not loads:
        continue
    lines += [f"## Commands, {server}", "", "µs for a command, all connections busy: with one connection and no pipeline that is the round trip.", ""]
    rows = []
    for load in loads:
        plain, tls = take(f"{load}/plain"), take(f"{load}/TLS1.3")
        operation, pipeline, connections = load.split("/")[2:]
        rows.append([f"{operation.replace('-', ' ')}, {pipeline.replace('-', ' ')}, {number(connections)} connection{'s' * (number(connections) > 1)}",
                     micros(plain), micros(tls), ratio(tls, plain)])
    table(["load", "plain", "TLS 1.3", "TLS / plain"], rows)
    suites = ["AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"]
    rows = []
    for load in sorted({name.rsplit("/", 1)[0] for name in found if name.startswith(f"{server}/suite/")}, key=lambda name: (number(name.split("/")[2]), name)):
        plain = take(f"{load}/plain")
        rows.append([load.split("/")[2].replace("-", " "), micros(plain)]
                    + [ratio(take(f"{load}/{suite}"), plain) for suite in suites])
    lines += ["By cipher suite, pipeline 1, 50 connections, as ratios to plain:", ""]
    table(["load", "plain"] + suites, rows)
    rows = []
    for storm in sorted({name.rsplit("/", 1)[0] for name in found if name.startswith(f"{server}/reconnect-storm/")}):
        plain, full = take(f"{storm}/plain"), take(f"{storm}/TLS1.3-full")
        again = f"{storm}/TLS1.3-resumed"
        again = take(again) if again in found else None
        rows.append([storm.split("/")[2], micros(plain), micros(full), micros(again) if again else "–", ratio(full, plain),
                     ratio(again, full) if again else "–"])
    lines += ["Reconnect storms: eight connections at a time are opened, log in, get a PONG, and are closed; µs for one."
              + (" The embedded server gives no tickets." if server == "embedded" else ""), ""]
    table(["key of the server", "plain", "TLS 1.3, full", "resumed", "full / plain", "resumed / full"], rows)

lines += ["## The lab's own hot paths", ""]
rows = []
for name in [name for name in found if name.split("/")[0] in ("wire", "certificates", "scenario")]:
    (mean, _, _), size = found[name]
    rows.append([f"`{name}`", micros(take(name)), f"{size / mean * 1e3:,.0f} MB/s" if size else "–"])
table(["bench", "µs for an iteration", "throughput"], rows)
lines += ["## Does it make sense?", "",
          "What must be so, and how often it is. An exception is told where the two intervals do not even touch.", ""]


def rule(what, pairs):
    """The first of each pair takes less time than the second."""
    against = [f"`{less}` {micros(found[less][0])} and `{more}` {micros(found[more][0])}"
               for less, more in pairs if found[less][0][1] > found[more][0][2]]
    lines.append(f"- {what}: {len(pairs) - len(against)} of {len(pairs)}" + "".join(f"; not {one}" for one in against))


def swap(name, old, new):
    """The bench whose name differs in this part, where there is one."""
    other = name.replace(old, new)
    return other if other != name and other in found else None


def pairs(old, new, among=lambda name: True):
    return [(swap(name, old, new), name) for name in found if among(name) and swap(name, old, new)]


shakes = lambda name: name.startswith("handshake/")
rule("resumed takes less than full", pairs("/full/", "/resumed/") + pairs("TLS1.3-full", "TLS1.3-resumed"))
rule("full takes less than mutual", pairs("/mutual/", "/full/"))
rule("X25519 takes less than with ML-KEM beside it", pairs("X25519MLKEM768", "X25519", shakes))
rule("a whole handshake with P-256 takes less than with RSA-2048", pairs("rsa2048", "p256", lambda name: "full" in name))
rule("and with RSA-2048 less than with RSA-3072", pairs("rsa3072", "rsa2048", lambda name: "full" in name))
rule("plain takes less than TLS", [one for tls in ("TLS1.3", "TLS1.3-full", "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305")
                                   for one in pairs(f"/{tls}", "/plain", lambda name: name.endswith(f"/{tls}") and not shakes(name))])
rule("a command takes less in a deeper pipeline", pairs("pipeline-16/", "pipeline-128/"))
sizes = ["16B", "256B", "4096B", "65536B", "1048576B"]
rule("a smaller value takes less", [one for less, more in zip(sizes, sizes[1:]) for one in pairs(f"-{more}/", f"-{less}/")])
lines += ["", pathlib.Path("benches/record.md").read_text().strip(), ""]
forgotten = sorted(set(found) - used)
if forgotten:
    sys.exit("no place in the document for " + ", ".join(forgotten))
pathlib.Path("docs/benches.md").write_text("\n".join(lines).rstrip() + "\n")
PYTHON
