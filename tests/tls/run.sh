#!/usr/bin/env bash
# TLS as curl, a browser and the verbs meet it. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${BUILD:-build/release}"
[ -x "$build/bin/feedmill" ] || tools/build.sh "$build" "${JOBS:-2}" feedmill feedmill-train
BUILD="$(realpath "$build")" exec /usr/bin/python3 tests/tls/tls.py "$@"
