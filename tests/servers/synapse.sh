#!/bin/bash
# A Matrix homeserver (Synapse, on SQLite) for tests, on loopback only: it never speaks to other servers.
#
# Usage: synapse.sh install | start | stop | status
#   HEARTHLIGHT_SYNAPSE_DIR   where everything lives (default: build/servers/synapse of this checkout)
#   HEARTHLIGHT_SYNAPSE_PORT  the port (default 28620)
#
# `start` installs what is missing first (about a minute and a half, once); starting takes about ten seconds.
# Every start is a new, empty server. It sets no rate limits: tests set them for one account through the
# admin API.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${HEARTHLIGHT_SYNAPSE_DIR:-$(cd "$HERE/../.." && pwd)/build/servers/synapse}
PORT=${HEARTHLIGHT_SYNAPSE_PORT:-28620}
VERSION=1.163.2
VENV=$ROOT/venv
DATA=$ROOT/data
URL=http://127.0.0.1:$PORT

say() { echo "synapse: $*" >&2; }
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
synapse: install them with: sudo apt-get install -y --no-install-recommends $missing"
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
  say "installing Synapse $VERSION with pip: about a minute and a half"
  rm -rf "$VENV"
  if ! { python3 -m venv "$VENV" && "$VENV/bin/pip" install --quiet "matrix-synapse==$VERSION"; } \
    > "$ROOT/install.log" 2>&1; then
    tail -30 "$ROOT/install.log" >&2
    fail "pip could not install Synapse; the whole log is $ROOT/install.log"
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
  kill_ours "$ROOT/synapse.pid" "$DATA"
  rm -f "$ROOT/network.json"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }

running() {
  [ -s "$ROOT/network.json" ] && kill -0 "$(cat "$ROOT/synapse.pid" 2>/dev/null)" 2>/dev/null \
    && curl -fsS -m 5 "$URL/health" >/dev/null 2>&1
}

configure() { # secret: what lets tests make accounts
  local free="{per_second: 10000, burst_count: 10000}"
  rm -rf "$DATA" && mkdir -p "$DATA"
  cd "$DATA"  # it writes a log where it stands
  "$VENV/bin/python" -m synapse.app.homeserver --server-name hs.test --config-path "$DATA/homeserver.yaml" \
    --generate-config --report-stats=no --data-directory "$DATA" > "$ROOT/generate.log" 2>&1 \
    || { tail -20 "$ROOT/generate.log" >&2; fail "the configuration could not be made"; }
  cat > "$DATA/ours.yaml" <<YAML
listeners:
  - {port: $PORT, bind_addresses: ['127.0.0.1'], type: http, tls: false, x_forwarded: false,
     resources: [{names: [client], compress: false}]}
public_baseurl: "$URL/"
registration_shared_secret: "$1"
bcrypt_rounds: 4
refreshable_access_token_lifetime: 5m
federation_domain_whitelist: []
trusted_key_servers: []
suppress_key_server_warning: true
url_preview_enabled: false
presence: {enabled: false}
report_stats: false
limit_remote_rooms: {enabled: false}
forget_rooms_on_leave: false
experimental_features: {msc3381_polls_enabled: true}
rc_message: $free
rc_registration: $free
rc_admin_redaction: $free
rc_reports: $free
rc_login: {address: $free, account: $free, failed_attempts: $free}
rc_joins: {local: $free, remote: $free}
rc_joins_per_room: $free
rc_room_creation: $free
rc_invites: {per_room: $free, per_user: $free, per_issuer: $free}
YAML
}

start() {
  install
  if running; then say "already running"; cat "$ROOT/network.json"; return; fi
  stop
  answers && fail "port $PORT is taken by a program that this script did not start.
synapse: end that program, or choose another port with HEARTHLIGHT_SYNAPSE_PORT=<port>"
  local secret
  secret=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  configure "$secret"
  say "starting (about ten seconds)"
  (cd "$DATA" && exec setsid nohup "$VENV/bin/python" -m synapse.app.homeserver -c "$DATA/homeserver.yaml" \
    -c "$DATA/ours.yaml" > "$ROOT/synapse.log" 2>&1 < /dev/null) &
  local pid=$!
  echo "$pid" > "$ROOT/synapse.pid"
  for _ in $(seq 1 240); do
    if curl -fsS -m 5 "$URL/health" >/dev/null 2>&1; then
      (umask 077 && echo "{\"url\": \"$URL\", \"secret\": \"$secret\"}" > "$ROOT/network.json")
      say "ready"
      cat "$ROOT/network.json"
      return
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.5
  done
  tail -30 "$ROOT/synapse.log" "$DATA/homeserver.log" >&2 || true
  stop
  fail "the server did not start; the whole log is $ROOT/synapse.log"
}

status() {
  if installed; then say "installed in $ROOT"; else say "not installed"; fi
  if running; then say "running"; cat "$ROOT/network.json"; else say "not running"; return 3; fi
}

case "${1:-}" in
  install | start | stop | status) "$1" ;;
  *) echo "usage: $0 install|start|stop|status" >&2; exit 2 ;;
esac
