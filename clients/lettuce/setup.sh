#!/bin/sh
# Fetches one version of the library, holds it against locks/VERSION.sha256, and compiles: sh setup.sh VERSION
set -eu
version=$1
classes="target/$version/classes"
mvn -q -B dependency:copy-dependencies "-Dlibrary.version=$version" "-DoutputDirectory=target/$version/lib" >&2
sha256sum --quiet --check "locks/$version.sha256"
mkdir -p "$classes"
javac -d "$classes" -cp "target/$version/lib/*" ../jvm-shared/*.java Adapter.java
