#!/bin/sh
# Runs the cases of conformance/*.json through the C library that is installed
# in UNTORN_PREFIX (default: dist/c, as `cargo xtask package` makes it).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/run.py" --prefix "${UNTORN_PREFIX:-$here/../../dist/c}" "$@"
