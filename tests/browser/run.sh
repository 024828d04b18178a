#!/usr/bin/env bash
# Browser tests of the console: tests/browser/run.sh [words of one check]
# The demo server is taken from the build folder ($FEEDMILL_BUILD, default build/release); FEEDMILL_CONSOLE_URL tests a running server.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/env.sh
web/build.sh install
export FEEDMILL_DEMO_SERVER="${FEEDMILL_DEMO_SERVER:-${FEEDMILL_BUILD:-build/release}/tests/console_demo_server}"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || { echo "tests/browser: no chromium; run 'tools/setup.sh test'" >&2; exit 1; }
exec node tests/browser/console.test.mjs "$@"
