#!/bin/bash
# A server that speaks Mastodon's interface, for tests, on loopback only. It is not Mastodon, which no
# registry of packages has, but `mastodon_mock`, which somebody else wrote after Mastodon's documentation.
#
# Usage: mastodon.sh install | start | stop | status
#   HEARTHLIGHT_MASTODON_DIR   where everything lives (default: build/servers/mastodon of this checkout)
#   HEARTHLIGHT_MASTODON_PORT  the port (default 28670)
#
# `start` installs what is missing first (about half a minute, once); starting takes some seconds. Every start
# is a new server in memory, with a moderator, and with somebody who lives on another server.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${HEARTHLIGHT_MASTODON_DIR:-$(cd "$HERE/../.." && pwd)/build/servers/mastodon}
PORT=${HEARTHLIGHT_MASTODON_PORT:-28670}
VERSION=0.6.1
VENV=$ROOT/venv
URL=http://127.0.0.1:$PORT

say() { echo "mastodon: $*" >&2; }
fail() { say "$*"; exit 1; }

# ---- installing ----------------------------------------------------------------------------------

missing_packages() {
  command -v python3 >/dev/null || echo python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  command -v curl >/dev/null || echo curl
}

need_packages() {
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  [ -z "$missing" ] && return
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: $missing
mastodon: install them with: sudo apt-get install -y --no-install-recommends $missing"
  say "installing Debian packages: $missing"
  apt-get update -q >/dev/null || fail "apt-get update failed; see the lines above"
  # shellcheck disable=SC2086 # one word per package is meant
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null \
    || fail "apt could not install: $missing"
}

installed() { [ -f "$ROOT/installed-$VERSION" ] && [ -x "$VENV/bin/python" ]; }

install() {
  need_packages
  if installed; then say "already installed in $ROOT"; return; fi
  mkdir -p "$ROOT" && echo "*" > "$ROOT/.gitignore"  # nothing here belongs to the project
  say "installing mastodon_mock $VERSION with pip: about half a minute"
  rm -rf "$VENV"
  if ! { python3 -m venv "$VENV" && "$VENV/bin/pip" install --quiet "mastodon_mock==$VERSION"; } \
    > "$ROOT/install.log" 2>&1; then
    tail -30 "$ROOT/install.log" >&2
    fail "pip could not install the server; the whole log is $ROOT/install.log"
  fi
  touch "$ROOT/installed-$VERSION"
  say "installed"
}

# ---- starting and stopping -----------------------------------------------------------------------

kill_ours() { # pid-file mark: end that process, if it still is the one that we started
  local pid
  pid=$(head -1 "$1" 2>/dev/null || true)
  rm -f "$1"
  [[ "$pid" =~ ^[0-9]+$ ]] && tr '\0' ' ' 2>/dev/null < "/proc/$pid/cmdline" | grep -qF -- "$2" || return 0
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 1 50); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
}

stop() {
  kill_ours "$ROOT/server.pid" "$ROOT/server.toml"
  rm -f "$ROOT/network.json"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }

running() {
  [ -s "$ROOT/network.json" ] && kill -0 "$(cat "$ROOT/server.pid" 2>/dev/null)" 2>/dev/null \
    && curl -fsS -m 5 "$URL/api/v2/instance" >/dev/null 2>&1
}

configure() { # token of the moderator, token of the person on another server
  cat > "$ROOT/server.toml" <<TOML
[database]
path = ":memory:"
[auth]
permissive = false
enforce_scopes = true
[ratelimit]
enabled = true
limit = 1000000
window_seconds = 300
[[seed.accounts]]
username = "keeper"
access_token = "$1"
role = "admin"
[[seed.accounts]]
username = "faraway"
domain = "far.example"
access_token = "$2"
TOML
}

secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

start() {
  install
  if running; then say "already running"; cat "$ROOT/network.json"; return; fi
  stop
  answers && fail "port $PORT is taken by a program that this script did not start.
mastodon: end that program, or choose another port with HEARTHLIGHT_MASTODON_PORT=<port>"
  local keeper faraway
  keeper=$(secret) faraway=$(secret)
  (umask 077 && configure "$keeper" "$faraway")
  say "starting (some seconds)"
  (cd "$ROOT" && exec setsid nohup "$VENV/bin/python" -m mastodon_mock serve --config "$ROOT/server.toml" \
    --in-memory --host 127.0.0.1 --port "$PORT" --log-level warning > "$ROOT/server.log" 2>&1 < /dev/null) &
  local pid=$!
  echo "$pid" > "$ROOT/server.pid"
  for _ in $(seq 1 120); do
    if curl -fsS -m 5 "$URL/api/v2/instance" >/dev/null 2>&1; then
      (umask 077 && echo "{\"url\": \"$URL\", \"keeper\": \"$keeper\", \"faraway\": \"$faraway\"}" \
        > "$ROOT/network.json")
      say "ready"
      cat "$ROOT/network.json"
      return
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.5
  done
  tail -30 "$ROOT/server.log" >&2 || true
  stop
  fail "the server did not start; the whole log is $ROOT/server.log"
}

status() {
  if installed; then say "installed in $ROOT"; else say "not installed"; fi
  if running; then say "running"; cat "$ROOT/network.json"; else say "not running"; return 3; fi
}

case "${1:-}" in
  install | start | stop | status) "$1" ;;
  *) echo "usage: $0 install|start|stop|status" >&2; exit 2 ;;
esac
