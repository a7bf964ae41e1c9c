#!/bin/sh
# Sets every client of clients/registry.toml up, and runs each of them against the headline attacks, and where a cluster or a
# Sentinel sends it to a port without TLS. One that cannot run fails this; those for .NET are left out, aloud, where no SDK
# is installed.
#
#   scripts/clients.sh [all|install|run] [PROGRAM]
#
# `install` only sets them up, `run` only runs them. PROGRAM is a wirelab that is there; without one it is built.
set -eu
cd "$(dirname "$0")/.."
what="${1:-all}"
wirelab="${2:-${CARGO_TARGET_DIR:-target}/debug/wirelab}"
[ $# -ge 2 ] || cargo build --locked -q -p wirelab-cli

dotnet=1
if ! command -v dotnet >/dev/null 2>&1; then
    dotnet=0
    echo "skipped: the clients for .NET, for there is no .NET SDK (dotnet) here"
fi
# Names of clients that connect to this.
clients_of() {
    awk -F '"' -v dotnet="$dotnet" -v topology="\"$1\"" '
        /^name = / { name = $2 }
        /^language = / { runs = $2 != "csharp" || dotnet == 1 }
        /^topologies = / && runs && index($0, topology) { print name }
    ' clients/registry.toml
}

# Each is named, so that one that cannot run is a failure and not only told of.
run() {
    topology="$1"
    shift
    out=$(mktemp -d)
    "$wirelab" run "$@" $(printf -- '--client %s ' $(clients_of "$topology")) --jobs 4 --out "$out/run"
    rm -r "$out"
}

if [ "$what" != run ]; then
    all=$(for topology in standalone cluster sentinel; do clients_of "$topology"; done | sort -u)
    "$wirelab" clients $(printf -- '--install %s ' $all)
fi
if [ "$what" != install ]; then
    run standalone --tag headline
    run cluster redis/map-plaintext
    run sentinel redis/sentinel-plaintext
fi
