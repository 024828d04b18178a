#!/usr/bin/env bash
# The commands of docs/guides, given in a project of their own as they stand there.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD="$(realpath "${BUILD:-build/release}")" exec /usr/bin/python3 tests/guides/guides.py
