#!/usr/bin/env bash
# The whole loop at size: bench/loop.sh ROWS (10M) [--days 1] [--memory 1.5GiB] [--keep].
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILD="${BUILD:-build/release}"
python3 bench/loop.py "$@"
