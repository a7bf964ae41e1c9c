#!/bin/sh
# Puts one version of redis-py into a virtual environment of its own: sh setup.sh VERSION
set -eu
version=$1
[ -x ".venv-$version/bin/pip" ] || python3 -m venv ".venv-$version"
".venv-$version/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "requirements-$version.txt"
