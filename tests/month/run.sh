#!/usr/bin/env bash
# Seven nights with every disorder on a data folder of the first release, as part of `make test`: tests/month/run.sh (BUILD = build folder).
# `make test-month` lives whole months.
set -euo pipefail
MONTH_COUNTS=1 exec /usr/bin/python3 "$(dirname "$0")/month.py" --seed 4 --nights 7 --people 60 "$@"
