#!/usr/bin/env bash
# Everything below the log is thrown away and made again, and is equal: tests/rebuild/run.sh (BUILD = build folder)
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/rebuild.py" "$@"
