#!/usr/bin/env bash
# An app's own words: every name replaced by nonsense, and an action that the app adds: tests/own_words/run.sh (BUILD = build folder)
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/own_words.py" "$@"
