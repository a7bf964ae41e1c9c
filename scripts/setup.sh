#!/bin/sh
# Installs what wirelab needs on Debian and Ubuntu: libpcap's headers, and with `--tests` the foreign
# programs that the tests hold wirelab against, and the languages of the clients in clients/registry.toml.
# Go, Rust and .NET are taken as they are there. Says so, and does nothing where all is there.
set -eu
packages=""
# need PACKAGE TEST...: the package is missing unless the test succeeds.
need() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 && return
    packages="$packages $package"
}
has() {
    need "$1" command -v "$2"
}
need libpcap-dev test -e /usr/include/pcap/pcap.h
has build-essential cc
if [ "${1:-}" = "--tests" ]; then
    has tshark tshark
    has openssl openssl
    has valgrind valgrind
    has redis-server redis-server
    has redis-tools redis-cli
    has stunnel4 stunnel
    has python3 python3
    need python3-venv python3 -c "import ensurepip, venv"
    has nodejs node
    has npm npm
    has default-jdk-headless javac
    has maven mvn
    has php-cli php
    need php-redis php -r 'exit(extension_loaded("redis") ? 0 : 1);'
    need php-predis test -e /usr/share/php/Predis/autoload.php
    has ruby ruby
    need ruby-redis ruby -e "require 'redis'"
fi
[ -z "$packages" ] && exit 0
echo "wirelab needs:$packages; installing them with apt-get"
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
