#!/usr/bin/env bash
# Nights as people have them: the first day, events meanwhile, two at once, no server, a rebuild beside one: tests/nights/run.sh
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/nights.py" "$@"
