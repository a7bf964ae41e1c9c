#!/bin/sh
# Sets every client of clients/registry.toml up, and runs each of them against the headline attacks. One that cannot run
# fails this; those for .NET are left out, aloud, where no SDK is installed.
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
clients=$(awk -F '"' -v dotnet="$dotnet" '
    /^name = / { name = $2 }
    /^language = / && ($2 != "csharp" || dotnet == 1) { print name }
' clients/registry.toml)

if [ "$what" != run ]; then
    "$wirelab" clients $(printf -- '--install %s ' $clients)
fi
if [ "$what" != install ]; then
    # Each is named, so that one that cannot run is a failure and not only told of.
    out=$(mktemp -d)
    "$wirelab" run --tag headline $(printf -- '--client %s ' $clients) --jobs 4 --out "$out/run"
    rm -r "$out"
fi
