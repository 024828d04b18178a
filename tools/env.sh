# Where set-up put its files. Source it: `source tools/env.sh` (bash), or run it to see the values.
# CMake needs none of this: cmake/fetched.cmake finds the same folders by itself.
feedmill_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export FEEDMILL_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/feedmill"

# The folder of one name in downloads.txt; the hash is over its lines, as in cmake/fetched.cmake.
feedmill_fetched_dir() {
  local hash
  hash="$(grep "^$1 " "$feedmill_root/tools/downloads.txt" | sha256sum | cut -c1-16)"
  echo "$FEEDMILL_CACHE/$1-$hash"
}

# True when the machine's own Node.js is new enough for the console's build (20.19 or later).
feedmill_node_is_new_enough() {
  local version
  version="$(node --version 2>/dev/null)" || return 1
  [ "$(printf '%s\n' v20.19.0 "$version" | sort -V | head -n 1)" = v20.19.0 ] && command -v npm >/dev/null
}

FEEDMILL_DUCKDB_DIR="$(feedmill_fetched_dir duckdb)"
FEEDMILL_LIGHTGBM_DIR="$(feedmill_fetched_dir lightgbm)"
FEEDMILL_NODE_DIR="$(feedmill_fetched_dir node)"
FEEDMILL_INTEROP_VENV="$FEEDMILL_CACHE/interop-$(sha256sum <"$feedmill_root/tools/requirements-interop.txt" | cut -c1-16)"
export FEEDMILL_DUCKDB_DIR FEEDMILL_LIGHTGBM_DIR FEEDMILL_NODE_DIR FEEDMILL_INTEROP_VENV
if ! feedmill_node_is_new_enough && [ -x "$FEEDMILL_NODE_DIR/bin/node" ]; then
  export PATH="$FEEDMILL_NODE_DIR/bin:$PATH"
fi

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  env | grep '^FEEDMILL_' | sort
fi
