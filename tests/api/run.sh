#!/usr/bin/env bash
# The API against its description, docs/reference/openapi.json. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${BUILD:-build/release}"
[ -x "$build/bin/feedmill" ] || tools/build.sh "$build" "${JOBS:-2}" feedmill feedmill-train
BUILD="$(realpath "$build")" exec /usr/bin/python3 tests/api/api.py "$@"
