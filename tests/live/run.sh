#!/usr/bin/env bash
# Live events and a thousand who do not read them. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${BUILD:-build/release}"
[ -x "$build/bin/feedmill" ] || tools/build.sh "$build" "${JOBS:-2}" feedmill feedmill-train
BUILD="$(realpath "$build")" exec /usr/bin/python3 tests/live/live.py "$@"
