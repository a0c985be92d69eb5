#!/bin/sh
# Runs the cases of conformance/*.json through the C library that is installed
# in UNTORN_PREFIX (default: dist/c, as `cargo xtask package` makes it). With
# UNTORN_TEST_POSTGRES, the URL of a server, they run on stores there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
set -- "$@" ${UNTORN_TEST_POSTGRES:+--postgres "$UNTORN_TEST_POSTGRES"}
exec python3 "$here/run.py" --prefix "${UNTORN_PREFIX:-$here/../../dist/c}" "$@"
