#!/usr/bin/env bash
# Configures a build folder if needed (PRESET, default release) and builds targets: tools/build.sh FOLDER JOBS target...
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/env.sh
folder="$1" jobs="$2"
shift 2
if [ ! -f "$folder/build.ninja" ]; then
  output="$(cmake --preset "${PRESET:-release}" -B "$folder" 2>&1)" || { echo "$output" >&2; exit 1; }
fi
ninja -C "$folder" -j "$jobs" "$@"
