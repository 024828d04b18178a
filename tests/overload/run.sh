#!/usr/bin/env bash
# What strangers without a key may not do to those who have one, part of `make test`. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${BUILD:-build/release}"
[ -x "$build/bin/feedmill" ] || tools/build.sh "$build" "${JOBS:-2}" feedmill feedmill-train
BUILD="$(realpath "$build")" exec /usr/bin/python3 tests/overload/strangers.py "$@"
