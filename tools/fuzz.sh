#!/usr/bin/env bash
# Builds every fuzzer and runs each for SECONDS_EACH from its seeds in tests/fuzz/<name>/; arguments name fuzzers to run alone.
# What a fuzzer finds is left in build/fuzz/found/<name>/ with the command that replays it. The last line is one JSON object.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/env.sh
seconds="${SECONDS_EACH:-20}" jobs="${JOBS:-2}"
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
ninja -C build/fuzz -j "$jobs" feedmill_fuzz

run=0 failed=0
for program in build/fuzz/fuzz/*_fuzz; do
  name="$(basename "$program")"
  [ "$#" = 0 ] || [[ " $* " == *" $name "* ]] || continue
  corpus="build/fuzz/corpus/$name" found="build/fuzz/found/$name" seeds="tests/fuzz/$name"
  mkdir -p "$corpus" "$found"
  folders=("$corpus")
  [ ! -d "$seeds" ] || folders+=("$seeds")
  run=$((run + 1))
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$found/" "${folders[@]}" \
    >"$found/log" 2>&1; then
    echo "$name: ok, $(grep -oE 'Done [0-9]+ runs' "$found/log" || echo 'Done'), $(find "$corpus" -type f | wc -l) inputs kept"
  else
    failed=$((failed + 1))
    grep -E 'ERROR|SUMMARY|Test unit written' "$found/log" | sed 's/^/  /'
    echo "$name: FAILED; replay: $program $found/<file>"
  fi
done
echo "{\"fuzzers\":$run,\"failed\":$failed,\"seconds_each\":$seconds}"
[ "$failed" = 0 ] && [ "$run" -gt 0 ]
