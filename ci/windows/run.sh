#!/bin/bash
# Runs a command with what setup.sh made: CROSS_HOME=DIR bash run.sh cargo …,
# or wine64 PROGRAM.EXE.
set -euo pipefail
export CROSS_HOME=${CROSS_HOME:?where setup.sh has set up}
. "$(dirname "$0")/env.sh"
export PATH=$PATH:/usr/lib/wine
exec "$@"
