#!/usr/bin/env bash
# All benches, or those named: bench/run.sh [collect] [feed] [flat_table] [score] ... Results go to bench/results/*.json.
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILD="${BUILD:-build/release}"
mkdir -p bench/results
wanted=("$@")

wants() { [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]; }

wants collect && python3 bench/collect.py
wants feed && python3 bench/feed.py
wants feed_beside_import && python3 bench/feed_beside_import.py
for program in "$BUILD"/bench/*_bench; do
  name="$(basename "$program" _bench)"
  wants "$name" || continue
  echo "bench: $name" >&2
  "$program" | tee /dev/stderr | tail -n 1 >"bench/results/${name}_bench.json"
done
