#!/bin/bash
# Sees to it that the standard libraries of some targets are there, on Debian 12: from its archive and
# crates.io alone. usage: CROSS_HOME=DIR bash ensure.sh TARGET...
# They land in CROSS_HOME/sysroot; a minute or two for each, the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${CROSS_HOME:?where to set up}
mkdir -p "$home"
# It serves every checkout. Another that sets it up now is waited for: it makes the same files.
exec 9>"$home/ensure.lock"
flock 9

packages="gcc rustc-web cargo-web rust-web-src ca-certificates"
for target in "$@"; do
  case $target in
    *-windows-gnu) packages="$packages gcc-mingw-w64-x86-64" ;;
    aarch64-*-linux-gnu) packages="$packages libgcc-s1-arm64-cross binutils-aarch64-linux-gnu" ;;
    x86_64-*-musl) packages="$packages musl-tools libunwind-14-dev" ;;
  esac
done
bash "$here/apt.sh" $packages

sysroot=$home/sysroot
build=$here/build-sysroot.sh
if [ -d "$sysroot" ] && [ "$(cat "$sysroot/key" 2>/dev/null)" != "$(bash "$build" --key)" ]; then
  rm -rf "$sysroot"
fi
for target in "$@"; do
  if ! ls "$sysroot/lib/rustlib/$target/lib"/libstd-*.rlib >/dev/null 2>&1; then
    bash "$build" "$sysroot" "$target"
    case $target in x86_64-*-musl) bash "$here/musl-selfcontained.sh" "$sysroot" ;; esac
  fi
  echo "std for $target: there"
done
