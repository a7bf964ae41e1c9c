#!/bin/sh
# `wirelab bench` beside `redis-benchmark`, on one redis-server with a port for plaintext and one for TLS: SET and GET
# of 256 bytes, 50 connections, pipelines of 1 and 16. Each round runs both programs without and with TLS, one after
# the other, so that noise meets all. Prints Markdown: medians, the ratio of the two programs, and what TLS costs by
# each, with 95 % confidence intervals (Student's t on the logarithms of the ratios of the rounds).
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
redis-server --bind 127.0.0.1 --port $plain --tls-port $tls --save "" --dir "$folder" --tls-auth-clients no \
    --tls-cert-file "$folder/server.crt" --tls-key-file "$folder/server.key" --tls-ca-cert-file "$folder/ca.crt" \
    >/dev/null &
server=$!
trap 'kill $server 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
until redis-cli -p $plain ping 2>/dev/null | grep -q PONG; do :; done
WIRELAB="${WIRELAB:-target/release/wirelab}" python3 - "$folder/ca.crt" $plain $tls "$rounds" $server <<'PYTHON'
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


for number in range(rounds):
    for pipeline in (1, 16):
        requests = {1: 100_000, 16: 1_000_000}[pipeline]
        for transport, port, more in (
            ("plain", plain, []),
            ("TLS", tls, ["--tls", "--cacert", authority, "--sni", "localhost"]),
        ):
            before = time.monotonic(), child_seconds(), server_seconds()
            text = output(["redis-benchmark", "-h", "127.0.0.1", "-p", port, "-t", "set,get", "-d", "256", "-c", "50"]
                          + ["-P", str(pipeline), "-n", str(requests), "--csv"] + more)
            took, client, served = (
                now - then for now, then in zip((time.monotonic(), child_seconds(), server_seconds()), before))
            busy.setdefault(("redis-benchmark", transport, pipeline), []).append((client / took, served / took))
            for row in csv.DictReader(text.splitlines()):
                keep("redis-benchmark", transport, row["test"], pipeline, float(row["rps"]))
        record = json.loads(output(
            [os.environ["WIRELAB"], "bench", "--target", f"127.0.0.1:{plain}", "--tls-target", f"localhost:{tls}",
             "--cacert", authority, "--rounds", "1", "--duration", "1000", "--warmup", "200", "--no-handshakes",
             "--pipeline", str(pipeline), "--json"]))
        for cell in record["cells"]:
            for transport in ("plain", "TLS"):
                rate = cell[transport.lower()]["rate"]
                keep("wirelab", transport, cell["operation"].upper(), pipeline, rate)
                busy.setdefault(("wirelab", transport, pipeline), []).append((cell[transport.lower()]["client_busy"],))
    print(f"round {number + 1} of {rounds}", file=sys.stderr)


def estimate(above, below):
    """Geometric mean of the ratios of the rounds, and its interval."""
    logs = [math.log(a / b) for a, b in zip(above, below)]
    mean, freedom = statistics.fmean(logs), len(logs) - 1
    z = 1.959964
    t = (z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
         + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3))
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return [math.exp(mean + part) for part in (0, -half, half)]


def change(ratio):
    middle, low, high = ((one - 1) * 100 for one in ratio)
    return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"


print(f"{rounds} rounds; operations per second are medians.\n")
print("| load | transport | redis-benchmark op/s | wirelab op/s | wirelab / redis-benchmark |")
print("| --- | --- | ---: | ---: | ---: |")
for operation, pipeline in loads:
    for transport in ("plain", "TLS"):
        theirs = rates["redis-benchmark", transport, operation, pipeline]
        ours = rates["wirelab", transport, operation, pipeline]
        middle, low, high = estimate(ours, theirs)
        print(f"| {operation} 256 B, pipeline {pipeline} | {transport} | {statistics.median(theirs):,.0f} "
              f"| {statistics.median(ours):,.0f} | {middle:.3f} ({low:.3f} to {high:.3f}) |")
print("\n| load | throughput with TLS, by redis-benchmark | by wirelab |")
print("| --- | ---: | ---: |")
for operation, pipeline in loads:
    both = [change(estimate(rates[program, "TLS", operation, pipeline], rates[program, "plain", operation, pipeline]))
            for program in ("redis-benchmark", "wirelab")]
    print(f"| {operation} 256 B, pipeline {pipeline} | {both[0]} | {both[1]} |")
print("\n| share of a processor in use, medians | redis-benchmark | its server | wirelab |")
print("| --- | ---: | ---: | ---: |")
for pipeline in (1, 16):
    for transport in ("plain", "TLS"):
        theirs, ours = (busy[program, transport, pipeline] for program in ("redis-benchmark", "wirelab"))
        shares = [statistics.median(one[place] for one in values) for values, place in ((theirs, 0), (theirs, 1), (ours, 0))]
        print(f"| pipeline {pipeline}, {transport} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")
PYTHON
