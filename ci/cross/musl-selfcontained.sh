#!/bin/bash
# What a static program for musl is linked with, after build-sysroot.sh: from
# Debian's musl-tools and libunwind-14-dev. usage: musl-selfcontained.sh SYSROOT_DIR
set -euo pipefail
into=$1/lib/rustlib/x86_64-unknown-linux-musl/lib/self-contained
mkdir -p "$into"
cp /usr/lib/x86_64-linux-musl/{crt1.o,rcrt1.o,Scrt1.o,crti.o,crtn.o,libc.a} "$into/"
for object in crtbegin.o crtbeginS.o crtend.o crtendS.o; do
  cp "$(gcc -print-file-name=$object)" "$into/"
done
cp "$(ls /usr/lib/llvm-*/lib/libunwind.a | head -1)" "$into/libunwind.a"
# Debian's libunwind.a is built with fortify: it wants one function of glibc
# that musl has not.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/fprintf.c" <<'C'
#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *f, int flag, const char *fmt, ...) { va_list a; int r; va_start(a, fmt); r = vfprintf(f, fmt, a); va_end(a); return r; }
C
musl-gcc -O2 -U_FORTIFY_SOURCE -c "$work/fprintf.c" -o "$work/fprintf.o"
ar r "$into/libunwind.a" "$work/fprintf.o"
