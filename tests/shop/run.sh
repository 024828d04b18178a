#!/usr/bin/env bash
# An app of another kind, by files only: tests/shop/run.sh (BUILD = build folder)
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/shop.py" "$@"
