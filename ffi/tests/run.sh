#!/bin/sh
# Tests the C library that is installed in UNTORN_PREFIX (default: dist/c, as
# `cargo xtask package` makes it). With UNTORN_TEST_POSTGRES, the URL of a server, what
# needs one. What is tested: see run_c.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
set -- "$@" ${UNTORN_TEST_POSTGRES:+--postgres "$UNTORN_TEST_POSTGRES"}
exec python3 "$here/run_c.py" --prefix "${UNTORN_PREFIX:-$here/../../dist/c}" "$@"
