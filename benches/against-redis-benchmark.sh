#!/bin/sh
# `wirelab bench` beside `redis-benchmark`, on one redis-server with a port for plaintext and one for TLS: SET and GET
# of 256 bytes, 50 connections, pipelines of 1 and 16. In each round redis-benchmark runs without TLS, with, and after
# `wirelab bench`, which takes turns too, with TLS and without: what comes and goes on the machine meets all. The server
# has one processor and the programs another, where there are two. redis-benchmark counts its handshakes as time of its
# requests: a second figure is without the time of a run with one pipeline for each connection, which is rather too
# much, since the first connections work while the last ones still shake hands. Prints Markdown: medians, the
# ratio of the two programs, and what TLS costs by each, with 95 % confidence intervals.
#
#   benches/against-redis-benchmark.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/.."
rounds="${1:-10}"
[ -n "${WIRELAB:-}" ] || cargo build --locked --release --bin wirelab
folder="$(mktemp -d)"
plain=7614
tls=7615
(
    cd "$folder"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
        -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.crt 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout server.key -out server.csr 2>/dev/null
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >ext
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext \
        -out server.crt 2>/dev/null
)
first= second=
if [ "$(nproc)" -ge 2 ]; then
    first="taskset -c 0" second="taskset -c 1"
fi
$first redis-server --bind 127.0.0.1 --port $plain --tls-port $tls --save "" --dir "$folder" --tls-auth-clients no \
    --tls-cert-file "$folder/server.crt" --tls-key-file "$folder/server.key" --tls-ca-cert-file "$folder/ca.crt" \
    >/dev/null &
server=$!
trap 'kill $server 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
until redis-cli -p $plain ping 2>/dev/null | grep -q PONG; do :; done
WIRELAB="${WIRELAB:-target/release/wirelab}" $second python3 - "$folder/ca.crt" $plain $tls "$rounds" $server <<'PYTHON'
import csv, json, math, os, resource, statistics, subprocess, sys, time

authority, plain, tls, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
server = sys.argv[5]
loads = [(operation, pipeline) for pipeline in (1, 16) for operation in ("SET", "GET")]
rates = {}  # (program, transport, operation, pipeline): operations per second in each round
busy = {}  # (program, transport, pipeline): share of a processor that the client used, and the server


def output(words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def keep(program, transport, operation, pipeline, rate):
    rates.setdefault((program, transport, operation, pipeline), []).append(rate)


def server_seconds():
    with open(f"/proc/{server}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def child_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def benchmark(transport, pipeline, requests):
    """Operations per second that redis-benchmark reports, by operation."""
    port, more = (plain, []) if transport == "plain" else (tls, ["--tls", "--cacert", authority, "--sni", "localhost"])
    text = output(["redis-benchmark", "-h", "127.0.0.1", "-p", port, "-t", "set,get", "-d", "256", "-c", "50", "-P",
                   str(pipeline), "-n", str(requests), "--csv"] + more)
    return {row["test"]: float(row["rps"]) for row in csv.DictReader(text.splitlines())}


def run_theirs(transport, pipeline, found):
    requests, few = {1: (60_000, 50), 16: (1_000_000, 800)}[pipeline]
    before = time.monotonic(), child_seconds(), server_seconds()
    many = benchmark(transport, pipeline, requests)
    took, client, served = (
        now - then for now, then in zip((time.monotonic(), child_seconds(), server_seconds()), before))
    busy.setdefault(("redis-benchmark", transport, pipeline), []).append((client / took, served / took))
    first = benchmark(transport, pipeline, few)
    for operation, rate in many.items():
        start = few / first[operation]
        starts.setdefault((transport, pipeline), []).append(start)
        found.setdefault((transport, operation), []).append((rate, (requests - few) / (requests / rate - start)))


def run_ours(pipeline):
    before = time.monotonic(), server_seconds()
    record = json.loads(output(
        [os.environ["WIRELAB"], "bench", "--target", f"127.0.0.1:{plain}", "--tls-target", f"localhost:{tls}",
         "--cacert", authority, "--rounds", "4", "--duration", "100", "--no-handshakes", "--pipeline", str(pipeline),
         "--json"]))
    for cell in record["cells"]:
        for transport in ("plain", "TLS"):
            side = cell[transport.lower()]
            keep("wirelab", transport, cell["operation"].upper(), pipeline, statistics.fmean(side["rounds"]))
            busy.setdefault(("wirelab", transport, pipeline), []).append((side["client_busy"],))


starts = {}  # (transport, pipeline): seconds until each connection of redis-benchmark was opened and had a reply
for number in range(rounds):
    for pipeline in (1, 16):
        found = {}
        run_theirs("plain", pipeline, found)
        run_theirs("TLS", pipeline, found)
        run_ours(pipeline)
        run_theirs("TLS", pipeline, found)
        run_theirs("plain", pipeline, found)
        for (transport, operation), pairs in found.items():
            keep("as reported", transport, operation, pipeline, statistics.fmean(pair[0] for pair in pairs))
            keep("redis-benchmark", transport, operation, pipeline, statistics.fmean(pair[1] for pair in pairs))
    print(f"round {number + 1} of {rounds}", file=sys.stderr)


def estimate(above, below):
    """As wirelab does: geometric mean of the ratios without a fifth at either end, and Yuen's interval."""
    logs = [math.log(a / b) for a, b in zip(above, below)]
    out = len(logs) // 5
    kept = sorted(logs)[out:len(logs) - out]
    moved = [min(max(log, kept[0]), kept[-1]) for log in logs]
    mean, freedom = statistics.fmean(kept), len(kept) - 1
    center = statistics.fmean(moved)
    squares = sum((log - center) ** 2 for log in moved)
    r = sum((a - center) * (b - center) for a, b in zip(moved, moved[1:])) / squares
    kinship = (1 + r) / (1 - r) if 0 < r < 0.9 else 19 if r > 0 else 1
    z = 1.959964
    t = (z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
         + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3))
    half = t * math.sqrt(squares * kinship / (len(kept) * freedom))
    return [math.exp(mean + part) for part in (0, -half, half)]


def change(ratio):
    middle, low, high = ((one - 1) * 100 for one in ratio)
    return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"


place = "server and programs on a processor each" if os.cpu_count() >= 2 else "one processor for all"
print(f"{rounds} rounds, {place}; operations per second are medians.\n")
print("| load | transport | redis-benchmark op/s | wirelab op/s | wirelab / redis-benchmark |")
print("| --- | --- | ---: | ---: | ---: |")
for operation, pipeline in loads:
    for transport in ("plain", "TLS"):
        theirs = rates["redis-benchmark", transport, operation, pipeline]
        ours = rates["wirelab", transport, operation, pipeline]
        middle, low, high = estimate(ours, theirs)
        print(f"| {operation} 256 B, pipeline {pipeline} | {transport} | {statistics.median(theirs):,.0f} "
              f"| {statistics.median(ours):,.0f} | {middle:.3f} ({low:.3f} to {high:.3f}) |")
print("\n| load | throughput with TLS, as redis-benchmark reports it | without its handshakes | by wirelab |")
print("| --- | ---: | ---: | ---: |")
for operation, pipeline in loads:
    costs = [change(estimate(rates[program, "TLS", operation, pipeline], rates[program, "plain", operation, pipeline]))
           for program in ("as reported", "redis-benchmark", "wirelab")]
    print(f"| {operation} 256 B, pipeline {pipeline} | {' | '.join(costs)} |")
print("\n| share of a processor in use, medians | redis-benchmark | its server | wirelab | until all 50 connections of redis-benchmark had a reply |")
print("| --- | ---: | ---: | ---: | ---: |")
for pipeline in (1, 16):
    for transport in ("plain", "TLS"):
        theirs, ours = (busy[program, transport, pipeline] for program in ("redis-benchmark", "wirelab"))
        shares = [statistics.median(one[place] for one in values) for values, place in ((theirs, 0), (theirs, 1), (ours, 0))]
        start = 1000 * statistics.median(starts[transport, pipeline])
        print(f"| pipeline {pipeline}, {transport} | " + " | ".join(f"{share:.0%}" for share in shares) + f" | {start:.0f} ms |")
PYTHON
