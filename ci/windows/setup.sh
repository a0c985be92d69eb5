#!/bin/bash
# Sets up what the tests for other systems need, on Debian 12 (amd64): a Rust
# standard library for each target, MinGW, and Wine with the shim. From Debian's
# archive and crates.io alone; as root, or where the packages are there already.
#
#   CROSS_HOME=DIR bash setup.sh [more targets, e.g. aarch64-apple-darwin]
#
# All of it lands in CROSS_HOME, and a second run takes seconds. Afterwards:
#
#   CROSS_HOME=DIR bash run.sh cargo test --target x86_64-pc-windows-gnu
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CROSS_HOME=${CROSS_HOME:?where to set up}
mkdir -p "$CROSS_HOME"
began=$(date +%s)
say() { echo "[$(($(date +%s) - began)) s] $*"; }

bash "$here/../cross/apt.sh" wine64 rust-web-clippy
bash "$here/../cross/ensure.sh" x86_64-pc-windows-gnu "$@"
say "compilers and standard libraries: $(/usr/bin/rustc --version), $(x86_64-w64-mingw32-gcc --version | head -1)"

. "$here/env.sh"
x86_64-w64-mingw32-gcc -shared -O2 -Wall -o "$CROSS_HOME/bcryptprimitives.dll" "$here/shim/bcryptprimitives.c" \
  -ladvapi32 -lntdll -static-libgcc -Wl,--exclude-all-symbols
if [ ! -f "$WINEPREFIX/.ready" ]; then
  rm -rf "$WINEPREFIX"
  WINE_STRICT=0 timeout 300 /usr/lib/wine/wine64 wineboot -i </dev/null >/dev/null 2>&1
  # Debian's Wine says that it is Windows 7, which node and Python refuse.
  WINE_STRICT=0 timeout 60 /usr/lib/wine/wine64 winecfg /v win10 </dev/null >/dev/null 2>&1
  /usr/lib/wine/wineserver -w || true
  touch "$WINEPREFIX/.ready"
fi
cp "$CROSS_HOME/bcryptprimitives.dll" "$WINEPREFIX/drive_c/windows/system32/"
say "Wine: $(/usr/lib/wine/wine64 --version)"

# Wine that does not run programs, or runs them without the shim, would make
# every test that follows say something else than it means.
smoke=$(mktemp -d)
trap 'rm -rf "$smoke"' EXIT
mkdir "$smoke/src"
printf '[package]\nname = "smoke"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >"$smoke/Cargo.toml"
cat >"$smoke/src/lib.rs" <<'R'
#[test]
fn windows() {
    assert!(cfg!(windows));
}
#[test]
fn the_shim_is_on() {
    let path = std::env::temp_dir().join("smoke-append");
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    assert_eq!(file.lock().unwrap_err().raw_os_error(), Some(5));
}
R
(cd "$smoke" && CARGO_TARGET_DIR=$smoke/target bash "$here/run.sh" cargo test -q --lib --target x86_64-pc-windows-gnu)
say "smoke test passed"
