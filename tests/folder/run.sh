#!/usr/bin/env bash
# A project that is copied, moved, forked, restored and damaged: tests/folder/run.sh (BUILD = build folder)
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/folder.py" "$@"
