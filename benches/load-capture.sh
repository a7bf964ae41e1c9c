#!/bin/sh
# Captures redis-benchmark against redis-server on loopback: SET and GET of 256 bytes, 50 connections, 240,000 requests of
# each one by one and 400,000 of each in pipelines of 16; with --tls the same over TLS 1.3. Needs root to capture.
#
#   benches/load-capture.sh [--tls] FILE
set -eu
port=7613
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
if [ "$1" = --tls ]; then
    file="$2"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
    set -- --tls --insecure
    redis-server --port 0 --tls-port $port --tls-cert-file "$folder/cert.pem" --tls-key-file "$folder/key.pem" \
        --tls-ca-cert-file "$folder/cert.pem" --tls-auth-clients no --save "" --requirepass pw >"$folder/server.log" &
else
    file="$1"
    set --
    redis-server --port $port --save "" --requirepass pw >"$folder/server.log" &
fi
server=$!
tcpdump -i lo -B 262144 -w "$file" "tcp port $port" 2>"$folder/tcpdump.log" &
dump=$!
trap 'kill $server $dump 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
until redis-cli "$@" -p $port -a pw --no-auth-warning ping 2>/dev/null | grep -q PONG && [ -s "$file" ]; do
    # One of the two may be unable to start: its port is taken, or it may not capture.
    kill -0 $server $dump 2>/dev/null || { cat "$folder"/*.log >&2; exit 1; }
done
redis-benchmark "$@" -p $port -a pw -q -t set,get -d 256 -n 240000 -c 50 -P 1 -r 10000 >/dev/null
redis-benchmark "$@" -p $port -a pw -q -t set,get -d 256 -n 400000 -c 50 -P 16 -r 10000 >/dev/null
kill -INT $dump
wait $dump || true
grep -q '^0 packets dropped' "$folder/tcpdump.log" || { cat "$folder/tcpdump.log" >&2; exit 1; }
