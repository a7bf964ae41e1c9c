#!/bin/sh
# redis-cli with an authority to trust and no --tls: plaintext.
set -eu
export REDISCLI_AUTH="$WIRELAB_PASSWORD"
cli="redis-cli -h $WIRELAB_HOST -p $WIRELAB_PORT --user $WIRELAB_USERNAME --cacert $WIRELAB_CA"
$cli SET "$WIRELAB_KEY" "$WIRELAB_VALUE"
test "$($cli GET "$WIRELAB_KEY")" = "$WIRELAB_VALUE"
