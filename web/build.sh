#!/usr/bin/env bash
# Builds the console's pages: web/build.sh install | build OUT_DIR | test
# Node.js is the machine's, or the one that tools/setup.sh fetched when that is too old.
set -euo pipefail
cd "$(dirname "$0")"
source ../tools/env.sh
command -v npm >/dev/null || { echo "web/build.sh: there is no npm; run 'tools/setup.sh'" >&2; exit 1; }

# node_modules as the lock file has it; several builds may ask at once.
install() {
  local wanted found=""
  wanted="$(sha256sum <package-lock.json | cut -c1-64)"
  exec 8>.install.lock
  flock 8
  [ -f node_modules/.installed ] && found="$(cat node_modules/.installed)"
  if [ "$found" != "$wanted" ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
      { echo "web/build.sh: npm ci failed; is the network reachable?" >&2; exit 1; }
    echo "$wanted" >node_modules/.installed
  fi
  flock -u 8
}

install
case "${1:-}" in
  install) ;;
  build)
    node_modules/.bin/tsc --noEmit
    node_modules/.bin/vite build --outDir "$2" --emptyOutDir --logLevel warn ;;
  test) node_modules/.bin/vitest run ;;
  *) echo "web/build.sh: found '${1:-}', allowed: install, build OUT_DIR, test" >&2; exit 2 ;;
esac
