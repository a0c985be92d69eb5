#!/bin/sh
# Tests the C library that is installed in UNTORN_PREFIX (default: dist/c, as
# `cargo xtask package` makes it). What is tested: see run_c.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/run_c.py" --prefix "${UNTORN_PREFIX:-$here/../../dist/c}" "$@"
