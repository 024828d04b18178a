#!/usr/bin/env bash
# One event followed all the way round, and what a user does at once: tests/walk/run.sh (BUILD = build folder)
# FEEDMILL_VERIFY_REQUESTS = feed requests whose logged features are computed again (default 250).
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/walk.py" "$@"
