#!/usr/bin/env bash
# Makes docs/images/playground.png, the picture in the README, from the demo server of a build: tools/screenshot.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/env.sh
web/build.sh install
export FEEDMILL_DEMO_SERVER="${FEEDMILL_DEMO_SERVER:-${FEEDMILL_BUILD:-build/release}/tests/console_demo_server}"
exec node tests/browser/screenshot.mjs "${1:-docs/images}"
