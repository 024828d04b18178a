#!/usr/bin/env bash
# Events as life sends them: old, late, ahead, anonymous, at one instant, of odd values; each night succeeds: tests/odd_events/run.sh (BUILD = build folder)
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/odd_events.py" "$@"
