#!/bin/sh
# Installs what wirelab needs on Debian and Ubuntu: libpcap's headers, and with `--tests` the foreign
# programs that the tests hold wirelab against. Says so, and does nothing where all is there.
set -eu
packages="libpcap-dev build-essential"
wanted="cc"
if [ "${1:-}" = "--tests" ]; then
    packages="$packages tshark openssl redis-server redis-tools stunnel4 python3"
    wanted="$wanted tshark openssl redis-server redis-cli stunnel python3"
fi
missing=""
[ -e /usr/include/pcap/pcap.h ] || missing="libpcap-dev"
for program in $wanted; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -z "$missing" ] && exit 0
echo "wirelab needs:$missing; installing with apt-get: $packages"
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
