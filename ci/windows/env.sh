# To be sourced by bash, with CROSS_HOME set: what cargo and Wine need to know.
export WINEPREFIX=$CROSS_HOME/prefix WINEARCH=win64 WINEDEBUG=${WINEDEBUG--all} WINEDLLOVERRIDES="mscoree,mshtml="
export WINE_STRICT=${WINE_STRICT-1}
# Not rustup's: only Debian's compiler matches these standard libraries.
export PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc
unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
for target in X86_64_PC_WINDOWS_GNU X86_64_APPLE_DARWIN AARCH64_APPLE_DARWIN X86_64_UNKNOWN_LINUX_MUSL; do
  export "CARGO_TARGET_${target}_RUSTFLAGS=--sysroot $CROSS_HOME/sysroot" "CARGO_TARGET_${target}_RUSTDOCFLAGS=--sysroot $CROSS_HOME/sysroot"
done
unset target
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=/usr/lib/wine/wine64
# Built once and run: half the disk and time.
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
