#!/bin/bash
# Uses the Python and the Node package on Windows, or under Wine. Neither is shipped
# for it yet, so what is imported is laid out by hand around the extension and the addon.
# usage: packages.sh DIR_WITH_THE_DLLS WORK_DIR PYTHON_WITH_PIP (in the environment of run.sh)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bindings=$here/../../bindings
built=$1 work=$2 pip="$3 -m pip --disable-pip-version-check"
bash "$here/interpreters.sh" "$work" "$3"
cd "$work"

rm -rf cp313
"$3" -m zipfile -e python.zip .
# It looks for modules beside python.exe, and nowhere else.
pins=$(grep -E '^(filelock|portalocker)==' "$here/../../xtask/python-tools.txt")
$pip install --no-deps --only-binary=:all: --platform=win_amd64 --python-version=3.13 --target cp313 $pins
cp -r "$bindings/python/python/untorn" cp313/
cp "$built/_untorn.dll" cp313/untorn/_untorn.pyd
# `untorn.__version__` is asked of what a wheel's installation leaves.
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -1)
mkdir "cp313/untorn-$version.dist-info"
printf 'Metadata-Version: 2.1\nName: untorn\nVersion: %s\n' "$version" >"cp313/untorn-$version.dist-info/METADATA"

rm -rf node
mkdir -p node/node_modules/untorn
cp -r "$bindings"/node/{package.json,index.js,lib} node/node_modules/untorn/
cp "$built/untorn_node.dll" node/node_modules/untorn/untorn.win32-x64-msvc.node
cp "$here/node.cjs" node/

# Under Wine 8 Python 3.13 does not start with a file for its streams, and Node
# not with a pipe.
echo "Python:"
timeout 300 wine64 cp313/python.exe "$here/python.py" </dev/null 2>&1 | cat
echo "Node:"
status=0
(cd node && timeout 300 wine64 ../node.exe node.cjs) </dev/null >node.out 2>&1 || status=$?
cat node.out
exit "$status"
