#!/bin/sh
# Writes docs/tls-cost.md: runs `wirelab bench`, `wirelab bench plan` and benches/against-redis-benchmark.sh, and puts
# what they print between the words of benches/tls-cost.md. For a quiet machine; takes some nine minutes.
#
#   benches/tls-cost.sh [ROUNDS BESIDE REDIS-BENCHMARK]
set -eu
cd "$(dirname "$0")/.."
[ -n "${WIRELAB:-}" ] || cargo build --locked --release --bin wirelab
export WIRELAB="${WIRELAB:-target/release/wirelab}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"$WIRELAB" bench --precision 1 --duration 50 --time 60 --markdown --save "$folder/run.json" >"$folder/BENCH"
"$WIRELAB" bench plan --from "$folder/run.json" --markdown --connections 20000 --reconnects-per-second 500 \
    --operations-per-second 200000 >"$folder/PLAN"
"$WIRELAB" bench --precision 1 --time 60 --markdown --no-handshakes --payload 16,1024,16384 --pipeline 1,16 --operation get \
    >"$folder/PAYLOADS.all"
# Its set-up is the same, and is not said twice: only the first table.
sed -n '/^| load/,/^$/p' "$folder/PAYLOADS.all" >"$folder/PAYLOADS"
benches/against-redis-benchmark.sh "${1:-24}" >"$folder/AGAINST"
python3 - "$folder" <<'PYTHON'
import pathlib, sys

folder = pathlib.Path(sys.argv[1])
text = pathlib.Path("benches/tls-cost.md").read_text()
for name in ("BENCH", "PLAN", "PAYLOADS", "AGAINST"):
    text = text.replace("{" + name + "}", (folder / name).read_text().strip())
pathlib.Path("docs/tls-cost.md").write_text(text)
PYTHON
