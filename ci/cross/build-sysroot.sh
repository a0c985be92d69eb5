#!/bin/bash
# Builds Rust's standard library for other targets, from Debian's rust-web-src.
# usage: build-sysroot.sh SYSROOT_DIR TARGET [TARGET...]
#        build-sysroot.sh --key   prints what the result depends on
set -euo pipefail
rustc=/usr/bin/rustc
# Only the compiler that a standard library was built by can use it.
key() {
  "$rustc" -vV
  sha256sum <"$0"
}
if [ "$1" = --key ]; then
  key
  exit
fi
sysroot=$1
shift
host=$("$rustc" --print sysroot)
if [ ! -d "$host/lib/rustlib/src/rust/library" ]; then
  echo "$host has no sources of the standard library: apt-get install rust-web-src" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
cat >"$work/Cargo.toml" <<'T'
[package]
name = "sysroot_dummy"
version = "0.0.0"
edition = "2024"
[lib]
[workspace]
[profile.release]
panic = "unwind"
debug = "line-tables-only"
opt-level = 2
[profile.release.package.compiler_builtins]
codegen-units = 10000
debug = 0
T
echo '#![no_std]' >"$work/src/lib.rs"
# No path of this machine gets into what is built: two machines make the same bytes.
cargo="env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTUP_TOOLCHAIN -u CARGO_TARGET_DIR RUSTC=$rustc RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0 /usr/bin/cargo"
std=-Zbuild-std=std,panic_unwind,panic_abort,proc_macro,test
(cd "$work" && $cargo fetch -q "$std")
flags="--remap-path-prefix=$host/lib/rustlib/src/rust=/rustc"
for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  flags="$flags --remap-path-prefix=$crates=/crates"
done
for target in "$@"; do
  (
    cd "$work"
    # The bootstrap variable allows -Zbuild-std with a stable compiler. Without bitcode no
    # release build links: it optimises across crates, and cargo leaves bitcode out here.
    export CARGO_TARGET_"$(echo "$target" | tr a-z- A-Z_)"_RUSTFLAGS="$flags -C embed-bitcode=yes"
    $cargo build -q --release --target "$target" "$std"
  )
  lib=$sysroot/lib/rustlib/$target/lib
  rm -rf "$lib"
  mkdir -p "$lib"
  cp "$work/target/$target"/release/deps/*.rlib "$lib/"
  rm -f "$lib"/libsysroot_dummy-*
  echo "std for $target: $(ls "$lib" | wc -l) rlibs, $(du -sh "$lib" | cut -f1)"
done
# The host's own beside them, so that one --sysroot serves all.
for dir in "$host"/lib/rustlib/*; do
  name=$(basename "$dir")
  [ -e "$sysroot/lib/rustlib/$name" ] || ln -s "$dir" "$sysroot/lib/rustlib/$name"
done
key >"$sysroot/key"
