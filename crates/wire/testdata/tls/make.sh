#!/bin/sh
# Makes the captures of this folder anew: openssl s_client against redis-server (TLS 1.2 and 1.3) or
# openssl s_server, captured on loopback by dumpcap, each with its key log beside it.
# Needs root, redis-server built with TLS, openssl 3, dumpcap. Keys are thrown away.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
server= dump=
trap 'kill $server $dump 2>/dev/null; rm -rf "$tmp"' EXIT
port=26390
cd "$tmp"

issue() { # name, subject, extension
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -subj "$2" -out "$1.csr" 2>/dev/null
    printf '%s\n' "$3" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -subj "/CN=Test authority" \
    -days 3650 -out ca.pem 2>/dev/null
issue server "/O=Wirelab/CN=redis.example" "subjectAltName=DNS:redis.example,IP:127.0.0.1,URI:spiffe://redis"
issue client "/CN=client one" "subjectAltName=email:one@client.example"

until_listening() {
    until openssl s_client -connect "127.0.0.1:$port" -cert client.pem -key client.key </dev/null >/dev/null 2>&1; do
        kill -0 "$server"
    done
}
serve_redis() {
    redis-server --port 0 --tls-port $port --bind 127.0.0.1 --save '' --dir "$tmp" --tls-cert-file server.pem \
        --tls-key-file server.key --tls-ca-cert-file ca.pem "$@" >redis.log 2>&1 &
    server=$!
    until_listening
}
serve_openssl() {
    openssl s_server -accept "127.0.0.1:$port" -cert server.pem -key server.key -rev "$@" >server.log 2>&1 &
    server=$!
    until_listening
}
stop() { kill "$server"; wait "$server" || true; server=; }

# name, what is typed, arguments of s_client. What is typed ends with a line that has 'END' in its answer.
record() {
    name=$1 typed=$2
    shift 2
    rm -f dumpcap.log
    dumpcap -q -P -i lo -f "tcp port $port" -w "$tmp/$name.pcap" 2>dumpcap.log &
    dump=$!
    until grep -q 'File:' dumpcap.log 2>/dev/null; do kill -0 $dump; done
    rm -f "$name.keys" in
    mkfifo in
    openssl s_client -connect "127.0.0.1:$port" -servername redis.example -CAfile ca.pem -keylogfile "$name.keys" "$@" \
        <in >"$name.txt" 2>&1 &
    client=$!
    exec 9>in
    # What s_client reads at once is one command of its own or data: pause at each '|'.
    printf '%s\n' "$typed" | tr '|' '\n' | while IFS= read -r piece; do
        printf "$piece" >&9
        sleep 0.2
    done
    tries=0
    until grep -aq 'END\|DNE' "$name.txt" || [ $tries -gt 500 ]; do tries=$((tries + 1)); sleep 0.01; done
    exec 9>&-
    wait $client || true
    # Until the last FIN is in the file.
    sleep 1
    kill -INT $dump
    wait $dump || true
    dump=
    install -m 644 "$name.pcap" "$out/"
    grep -v '^#' "$name.keys" > "$out/$name.keys"
}

resp='*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n*2\r\n$4\r\nECHO\r\n$3\r\nEND\r\n'
for suite in AES_128_GCM_SHA256 AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256; do
    serve_redis --tls-auth-clients no --tls-protocols TLSv1.3 --tls-ciphersuites TLS_$suite
    record tls13-$suite "$resp" -quiet -no_ign_eof
    [ $suite != AES_128_GCM_SHA256 ] ||
        record tls13-key-update 'PING\n|K\n|PING\n|k\n|SET a b\n|K\n|PING\n|ECHO END\n' -sess_out s13
    [ $suite != AES_128_GCM_SHA256 ] || record tls13-psk "$resp" -quiet -no_ign_eof -sess_in s13
    stop
done
for suite in ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305; do
    serve_redis --tls-auth-clients no --tls-protocols TLSv1.2 --tls-ciphers $suite
    record tls12-$suite "$resp" -quiet -no_ign_eof -sess_out s12
    [ $suite != ECDHE-ECDSA-AES128-GCM-SHA256 ] || record tls12-ticket "$resp" -quiet -no_ign_eof -sess_in s12
    stop
done
serve_redis --tls-auth-clients yes --tls-protocols TLSv1.2 --tls-ciphers ECDHE-ECDSA-AES128-GCM-SHA256
record tls12-mutual "$resp" -quiet -no_ign_eof -cert client.pem -key client.key
stop
serve_openssl -groups P-384 -alpn redis
record tls13-retry 'END\n' -quiet -no_ign_eof -groups X25519:P-384 -alpn "odd,redis"
stop
serve_openssl -tls1_2 -alpn redis -cipher ECDHE-ECDSA-AES128-SHA -Verify 1
record tls12-cbc-alpn 'END\n' -quiet -no_ign_eof -alpn "odd,redis" -tls1_2
stop
serve_openssl -tls1_2 -no_ticket -cipher ECDHE-ECDSA-AES128-GCM-SHA256
record tls12-first 'END\n' -quiet -no_ign_eof -no_ticket -sess_out sid
record tls12-session-id 'END\n' -quiet -no_ign_eof -no_ticket -sess_in sid
rm "$out"/tls12-first.*
stop
# With early data s_server does not answer by itself; it ends at the end of its input.
mkfifo hold
exec 8<>hold
openssl s_server -accept "127.0.0.1:$port" -cert server.pem -key server.key -tls1_3 -early_data -no_anti_replay \
    <&8 >server.log 2>&1 &
server=$!
until_listening
echo early >early.txt
record tls13-first 'END\n' -sess_out early
record tls13-early-data 'END\n' -sess_in early -early_data early.txt
rm "$out"/tls13-first.*
stop
