#!/usr/bin/env bash
# make test-readme: README.md followed word by word. `tests/readme/run.sh tour` leaves out `make demo`, which takes the longest.
# The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD="$(realpath "${BUILD:-build/release}")" exec /usr/bin/python3 tests/readme/readme.py "$@"
