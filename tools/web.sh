#!/usr/bin/env bash
# The console's packages and pages: tools/web.sh install | build. Does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/env.sh
command -v npm >/dev/null || { echo "web: Node.js is missing; run 'tools/setup.sh'" >&2; exit 1; }

exec 9>"web/.lock"
flock 9

install() {
  local wanted; wanted="$(sha256sum <web/package-lock.json)"
  [ "$(cat web/node_modules/.lock-hash 2>/dev/null)" = "$wanted" ] && return
  echo "web: npm ci"
  (cd web && npm ci --silent --no-audit --no-fund) || { echo "web: npm ci failed; is the network reachable?" >&2; exit 1; }
  echo "$wanted" >web/node_modules/.lock-hash
}

build() {
  local wanted
  install
  wanted="$(find web/src web/public web/index.html web/*.json web/*.ts -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)"
  [ "$(cat web/dist/.sources-hash 2>/dev/null)" = "$wanted" ] && return
  echo "web: npm run build"
  (cd web && npm run --silent build)
  echo "$wanted" >web/dist/.sources-hash
}

case "${1:-}" in
  install) install ;;
  build) build ;;
  *) echo "usage: tools/web.sh install | build" >&2; exit 2 ;;
esac
