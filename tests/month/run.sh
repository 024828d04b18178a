#!/usr/bin/env bash
# Seven nights with every disorder, as part of `make test`: tests/month/run.sh (BUILD = build folder). `make test-month` lives whole months.
set -euo pipefail
MONTH_COUNTS=1 exec /usr/bin/python3 "$(dirname "$0")/month.py" --nights 7 --people 60 "$@"
