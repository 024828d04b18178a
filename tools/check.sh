#!/usr/bin/env bash
# All checks of the tree, quick ones first. One line per check, then its findings; the last line counts checks.
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0 failed=0
for check in format rooms sizes names words links dead_files dependencies tidy; do
  start=$EPOCHREALTIME
  if output="$(/usr/bin/python3 "tools/check/$check.py" 2>&1)"; then
    verdict=ok passed=$((passed + 1))
  else
    verdict=FAILED failed=$((failed + 1))
  fi
  printf 'check %-12s %s (%d ms)\n' "$check" "$verdict" $(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
  [ -z "$output" ] || printf '%s\n' "$output"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
