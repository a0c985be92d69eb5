#!/bin/bash
# Installs packages of Debian that are missing, where that may be done; else it names them.
# usage: apt.sh PACKAGE...
set -euo pipefail
missing=
for package in "$@"; do
  dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "these packages are missing:$missing; on Debian 12, as root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -20 "$log" >&2
  echo "apt-get could not install:$missing" >&2
  exit 1
fi
