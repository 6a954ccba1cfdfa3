#!/usr/bin/env bash
# Make the environment in .venv: checks Python and Qt's system libraries, installs the locked packages.
# Says what is missing in a sentence; where it runs as root on Debian or Ubuntu, it installs that itself.
# Usage: packaging/setup.sh [run|test]   (test also wants a virtual screen and a keyring to test with)
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}

# Nothing that is made here belongs to the project's files.
mkdir -p build && echo '*' > build/.gitignore

say() { printf '%s\n' "$*"; }
stop() { printf '\n%s\n' "$*" >&2; exit 1; }

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  if [ -z "${apt_fresh:-}" ]; then apt-get update -q >/dev/null && apt_fresh=1; fi
  apt-get install -q -y --no-install-recommends "$@" >/dev/null
}

# want WHAT PACKAGE...: install the packages where we may, else say the exact line.
want() {
  local what=$1; shift
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Installing $what: $*"
    apt_install "$@" || stop "The packages for $what could not be installed. Check the network and run this again."
  elif command -v apt-get >/dev/null; then
    stop "Hearthlight needs $what. Please run:

  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*

and then this command again."
  else
    stop "Hearthlight needs $what. On Debian these are the packages: $*. Install their like and run this again."
  fi
}

find_python() {
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      command -v "$candidate"; return 0
    fi
  done
  return 1
}

say "[1/3] Python"
python=$(find_python) || { want "Python 3.11 or newer with venv" python3 python3-venv; python=$(find_python) ||
  stop "This system's Python is older than 3.11. Debian 12 and Ubuntu 24.04 have a newer one."; }
"$python" -c 'import ensurepip, venv' 2>/dev/null || want "Python's venv module" python3-venv

say "[2/3] System libraries"
missing=()
lib() { ldconfig -p 2>/dev/null | grep -q "$1" || missing+=("$2"); }
PATH=$PATH:/sbin:/usr/sbin
lib libglib-2.0.so.0 libglib2.0-0
lib libGL.so.1 libgl1
lib libEGL.so.1 libegl1
lib libX11.so.6 libx11-6
lib libdbus-1.so.3 libdbus-1-3
lib libfontconfig.so.1 libfontconfig1
lib libxkbcommon.so.0 libxkbcommon0
if [ -n "${DISPLAY:-}" ] || [ "$purpose" = test ]; then
  lib libxcb-cursor.so.0 libxcb-cursor0
  lib libxcb-icccm.so.4 libxcb-icccm4
  lib libxcb-keysyms.so.1 libxcb-keysyms1
  lib libxcb-shape.so.0 libxcb-shape0
  lib libxkbcommon-x11.so.0 libxkbcommon-x11-0
fi
if [ "$purpose" = test ]; then
  command -v Xvfb >/dev/null || missing+=(xvfb xauth)
  command -v gnome-keyring-daemon >/dev/null || missing+=(gnome-keyring)
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  command -v dbus-run-session >/dev/null || missing+=(dbus)
fi
[ ${#missing[@]} = 0 ] || want "some system libraries" "${missing[@]}"

say "[3/3] Python packages"
stamp=.venv/.made-from
now=$(cat packaging/locked.txt pyproject.toml | sha256sum)
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import sys' 2>/dev/null; then
  rm -rf .venv
  "$python" -m venv .venv
  echo '*' > .venv/.gitignore
fi
if [ "$(cat "$stamp" 2>/dev/null)" != "$now" ]; then
  say "      installing (several minutes the first time)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r packaging/locked.txt ||
    stop "The Python packages could not be installed. Check the network and run this again; what was fetched is kept."
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ||
    stop "Hearthlight itself could not be installed into .venv; the lines above say why."
  printf '%s' "$now" > "$stamp"
fi
say "Ready."
