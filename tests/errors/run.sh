#!/usr/bin/env bash
# The wrong-input tour, part of `make test`: every error is clear and the server stays up. The last line is `N passed, N failed`.
# `tests/errors/run.sh --write` writes the messages into docs/guides/errors.md; without it the page must be equal.
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${BUILD:-build/release}"
[ -x "$build/bin/feedmill" ] || tools/build.sh "$build" "${JOBS:-2}" feedmill feedmill-train
BUILD="$(realpath "$build")" exec /usr/bin/python3 tests/errors/tour.py "$@"
