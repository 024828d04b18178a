#!/usr/bin/env bash
# make test-faults: KILLS=400 kills of a server under load with nightlies, promotions and maintenance beside, and CRASH_STATES=20000 crashes of
# the log and of lake commits over the harsh twin of the file system. SEED=1 says which. The last line is one JSON object; the exit status is
# not 0 when anything was lost, came twice, or did not happen at all, or a start took longer than READY_S_MAX=2 seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${BUILD:-build/release}" kills="${KILLS:-400}" states="${CRASH_STATES:-20000}" seed="${SEED:-1}"
folder="$build/faults"
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"

tools/build.sh "$build" "${JOBS:-2}" feedmill feedmill-train ingest_test lake_test >"$folder/build.log" || { tail -n 30 "$folder/build.log" >&2; exit 1; }

# crash_states PROGRAM FILTER STATES: the line of JSON that the test prints.
crash_states() {
  echo "faults: $3 crash states of $2" >&2
  FEEDMILL_CRASH_STATES="$3" FEEDMILL_CRASH_SEED="$seed" "$build/tests/$1" --gtest_filter="$2" >"$folder/$1.log" 2>&1 || true
  grep '^{"crash_states"' "$folder/$1.log" | tee /dev/stderr || { tail -n 30 "$folder/$1.log" >&2; echo '{"broken":1}'; }
  grep -q '^\[  PASSED  \] 1 test' "$folder/$1.log" || { grep -vE '^(\[|Running|Note)' "$folder/$1.log" >&2; echo '{"broken":1}'; }
}

echo "faults: $kills kills of a server under load" >&2
BUILD="$build" python3 tests/faults/kill_server.py --kills "$kills" --seed "$seed" --folder "$folder/server" >"$folder/kills.json"
{
  crash_states ingest_test LogCrashTest.WhatWasAcknowledgedIsThereOnceAfterAnyCrash $((states / 2))
  crash_states lake_test CommitCrash.EveryCrashLeavesOneWholeVersion $((states - states / 2))
} >"$folder/states.jsonl"
python3 tests/faults/summary.py "$folder/kills.json" "$folder/states.jsonl" "${READY_S_MAX:-2}"
