#!/bin/bash
# Tests the C library on Windows, or under Wine: builds the programs that are
# not of Unix with MinGW, against the DLL and the static library, and runs them.
# usage: windows.sh DIR_WITH_THE_LIBRARIES  (in the environment of ci/windows/run.sh)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
libraries=$1
# The others are about fork, signals and modes.
programs="consumer document header journal rewrite threads"
system="-lws2_32 -luserenv -lntdll -lsynchronization -ladvapi32"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Windows looks for it beside the program.
cp "$libraries/untorn.dll" "$work/"
passed=0
failed=0
for program in $programs; do
  for kind in shared static; do
    case $kind in
      shared) link="-L$libraries -l:libuntorn.dll.a" ;;
      static) link="-DUNTORN_STATIC $libraries/libuntorn.a $system" ;;
    esac
    if x86_64-w64-mingw32-gcc -std=gnu11 -g -Wall -Wextra -Werror -I"$here/../../include" "$here/c/$program.c" \
      -o "$work/$program-$kind.exe" $link -static-libgcc -Wl,-Bstatic -lpthread &&
      (mkdir "$work/$program-$kind" && cd "$work/$program-$kind" && timeout 300 wine64 "$work/$program-$kind.exe"); then
      passed=$((passed + 1))
      echo "ok      $program, $kind"
    else
      failed=$((failed + 1))
      echo "FAILED  $program, $kind"
    fi
  done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
