#!/bin/bash
# A mail provider for tests, on loopback only: Dovecot for reading (IMAP) and aiosmtpd for sending (SMTP).
#
# Usage: email.sh install | start | stop | status
#   HEARTHLIGHT_EMAIL_DIR   where the installed parts live (default: build/servers/email of this checkout)
#   HEARTHLIGHT_EMAIL_PORT  first of five ports (default 28640): IMAP with STARTTLS, IMAPS, submission with
#                           STARTTLS, submission with TLS, LMTP
#
# `start` installs what is missing first (about a minute, once); starting takes two seconds. Every start is a
# new, empty provider with its own certificate authority. Needs root: Dovecot gives its parts to other users.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${HEARTHLIGHT_EMAIL_DIR:-$(cd "$HERE/../.." && pwd)/build/servers/email}
PORT=${HEARTHLIGHT_EMAIL_PORT:-28640}
AIOSMTPD_VERSION=1.4.6
VENV=$ROOT/venv
# Dovecot's own users may not be able to reach a checkout, and the paths of its sockets must be short.
DATA=/var/tmp/hearthlight-email-$(echo "$ROOT" | cksum | cut -d' ' -f1)

say() { echo "email: $*" >&2; }
fail() { say "$*"; exit 1; }

# ---- installing ----------------------------------------------------------------------------------

missing_packages() {
  [ -x /usr/lib/dovecot/imap ] || echo dovecot-imapd
  [ -x /usr/lib/dovecot/lmtp ] || echo dovecot-lmtpd
  command -v openssl >/dev/null || echo openssl
  command -v python3 >/dev/null || echo python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

need_packages() {
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  [ -z "$missing" ] && return
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: $missing
email: install them with: sudo apt-get install -y --no-install-recommends $missing"
  say "installing Debian packages: $missing"
  apt-get update -q >/dev/null || fail "apt-get update failed; see the lines above"
  # No unit may start: this provider runs on its own ports, with its own configuration.
  # shellcheck disable=SC2086 # one word per package is meant
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $missing >/dev/null \
    || fail "apt could not install: $missing"
}

installed() { [ -z "$(missing_packages)" ] && [ -f "$ROOT/installed-$AIOSMTPD_VERSION" ]; }

install() {
  need_packages
  if installed; then say "already installed in $ROOT"; return; fi
  mkdir -p "$ROOT" && echo "*" > "$ROOT/.gitignore"  # nothing here belongs to the project
  rm -rf "$VENV"
  if ! { python3 -m venv "$VENV" && "$VENV/bin/pip" install --quiet "aiosmtpd==$AIOSMTPD_VERSION"; } \
    > "$ROOT/install.log" 2>&1; then
    tail -30 "$ROOT/install.log" >&2
    fail "pip could not install aiosmtpd; the whole log is $ROOT/install.log"
  fi
  touch "$ROOT/installed-$AIOSMTPD_VERSION"
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
  kill_ours "$DATA/smtp.pid" "$DATA"
  [ -f "$DATA/run/master.pid" ] && cp "$DATA/run/master.pid" "$DATA/dovecot.pid"
  kill_ours "$DATA/dovecot.pid" "$DATA/dovecot.conf"
  rm -f "$DATA/network.json"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

running() {
  [ -s "$DATA/network.json" ] && kill -0 "$(cat "$DATA/smtp.pid" 2>/dev/null)" 2>/dev/null \
    && answers "$PORT" && answers $((PORT + 2))
}

make_certificates() { # an authority of our own and a certificate for this machine
  cd "$DATA"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=Mail tests" -keyout ca.key -out ca.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout key.pem -out request.pem
  openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out cert.pem -extfile \
    <(printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n')
}

configure() {
  cat > "$DATA/dovecot.conf" <<CONF
base_dir = $DATA/run
log_path = $DATA/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <$DATA/cert.pem
ssl_key = <$DATA/key.pem
mail_location = maildir:$DATA/mail/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 200
auth_mechanisms = plain login
auth_failure_delay = 0
auth_cache_size = 0
service anvil {
  client_limit = 2000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN $DATA/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$DATA/mail/%u
}
service imap-login {
  inet_listener imap {
    port = $PORT
  }
  inet_listener imaps {
    port = $((PORT + 1))
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $((PORT + 4))
  }
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
    auto = create
  }
  mailbox Junk {
    special_use = \\Junk
    auto = create
  }
  mailbox Trash {
    special_use = \\Trash
    auto = create
  }
  mailbox Archive {
    special_use = \\Archive
    auto = create
  }
  mailbox Drafts {
    special_use = \\Drafts
    auto = create
  }
}
CONF
}

start() {
  install
  if running; then say "already running"; cat "$DATA/network.json"; return; fi
  [ "$(id -u)" = 0 ] || fail "Dovecot has to be started as root"
  stop
  local offset
  for offset in 0 1 2 3 4; do
    answers $((PORT + offset)) && fail "port $((PORT + offset)) is taken by a program that this script did not start.
email: end that program, or choose other ports with HEARTHLIGHT_EMAIL_PORT=<first port>"
  done
  rm -rf "$DATA" && mkdir -p "$DATA/run" "$DATA/mail" && chown mail:mail "$DATA/mail" && chmod 755 "$DATA"
  : > "$DATA/users"
  (make_certificates) > "$DATA/openssl.log" 2>&1 || { tail -5 "$DATA/openssl.log" >&2; fail "openssl failed"; }
  configure
  # It would keep our standard error open, and whoever reads that would wait for it for ever.
  dovecot -c "$DATA/dovecot.conf" > "$DATA/start.log" 2>&1 || { tail -5 "$DATA/start.log" >&2; fail "Dovecot does not start"; }
  cp "$HERE/smtp_server.py" "$DATA/"
  setsid nohup "$VENV/bin/python" "$DATA/smtp_server.py" "$DATA" "$PORT" > "$DATA/smtp.log" 2>&1 < /dev/null &
  local pid=$!
  echo "$pid" > "$DATA/smtp.pid"
  for _ in $(seq 1 100); do
    if answers $((PORT + 2)) && answers $((PORT + 3)) && answers "$PORT"; then
      echo "{\"folder\": \"$DATA\", \"port\": $PORT}" > "$DATA/network.json"
      say "ready"
      cat "$DATA/network.json"
      return
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  tail -20 "$DATA/smtp.log" "$DATA/dovecot.log" >&2 || true
  stop
  fail "the mail servers did not start; their logs are in $DATA"
}

status() {
  if installed; then say "installed in $ROOT"; else say "not installed"; fi
  if running; then say "running"; cat "$DATA/network.json"; else say "not running"; return 3; fi
}

case "${1:-}" in
  install | start | stop | status) "$1" ;;
  *) echo "usage: $0 install|start|stop|status" >&2; exit 2 ;;
esac
