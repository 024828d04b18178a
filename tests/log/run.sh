#!/usr/bin/env bash
# The event log cut, deleted, damaged, out of space and gone: tests/log/run.sh (BUILD = build folder)
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/accidents.py" "$@"
