#!/usr/bin/env bash
# make test-interop: foreign readers of our tables and published clients of our event API. The last lines are one JSON object and
# `N passed, N failed`. PROJECT names a project whose tables are read instead of those of a small world.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup.sh test interop
source tools/env.sh
build="$(realpath "${BUILD:-build/release}")"
export BUILD="$build"
folder="$build/interop"
mkdir -p "$folder/node"

# The Node and browser clients, as the lock file has them; a browser that runs the one.
web/build.sh install
cp tests/interop/node/package.json tests/interop/node/package-lock.json tests/interop/node/send.mjs "$folder/node/"
wanted="$(sha256sum <tests/interop/node/package-lock.json)"
if [ "$(cat "$folder/node/.installed" 2>/dev/null)" != "$wanted" ]; then
  (cd "$folder/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || { echo "interop: npm ci failed; is the network reachable?" >&2; exit 1; }
  echo "$wanted" >"$folder/node/.installed"
fi

exec "$FEEDMILL_INTEROP_VENV/bin/python" tests/interop/all.py "$folder"
