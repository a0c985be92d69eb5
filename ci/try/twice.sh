#!/bin/bash
# Makes the packages of some platforms again, in a clone with another path, and compares each byte with what this
# checkout has made of the same commit. usage: twice.sh PLATFORM...
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q "$root" "$work/elsewhere"
cd "$work/elsewhere"
for platform in "$@"; do env -u CARGO_TARGET_DIR cargo xtask package --platform "$platform"; done
same=0
different=0
for file in dist/release/*; do
  if cmp -s "$file" "$root/$file"; then
    same=$((same + 1))
    continue
  fi
  different=$((different + 1))
  echo "differs: $file"
  # Which of its files; a wheel is a zip, all else a tar.
  for place in . "$root"; do
    mkdir -p "$work/unpacked"
    case $file in
      *.whl) python3 -m zipfile -e "$place/$file" "$work/unpacked" ;;
      *) tar -xzf "$place/$file" -C "$work/unpacked" ;;
    esac
    (cd "$work/unpacked" && find . -type f -exec sha256sum {} + | sort -k 2) >"$work/sums-${#place}"
    rm -rf "$work/unpacked"
  done
  diff "$work"/sums-* || true
done
echo "$same the same, $different different"
[ "$different" = 0 ]
