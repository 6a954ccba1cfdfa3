#!/bin/bash
# A WordPress with a comment moderation queue for tests, on loopback only: Debian's package on PHP's own
# web server, with a database of its own.
#
# Usage: wordpress.sh install | start | stop | status
#   HEARTHLIGHT_WORDPRESS_DIR   where everything lives (default: build/servers/wordpress of this checkout)
#   HEARTHLIGHT_WORDPRESS_PORT  first of two ports (default 28660): web, database
#
# `start` installs what is missing first (some minutes, once); starting takes about fifteen seconds. Every
# start is a new, empty site.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${HEARTHLIGHT_WORDPRESS_DIR:-$(cd "$HERE/../.." && pwd)/build/servers/wordpress}
PORT=${HEARTHLIGHT_WORDPRESS_PORT:-28660}
DB_PORT=$((PORT + 1))
SITE=$ROOT/site
URL=http://127.0.0.1:$PORT
# The database's own user may not be able to reach a checkout.
DATA=/var/tmp/hearthlight-wordpress-$(echo "$ROOT" | cksum | cut -d' ' -f1)

say() { echo "wordpress: $*" >&2; }
fail() { say "$*"; exit 1; }

# ---- installing ----------------------------------------------------------------------------------

missing_packages() {
  [ -d /usr/share/wordpress ] || echo wordpress
  command -v mariadbd >/dev/null || echo mariadb-server
  command -v php >/dev/null || echo php-cli
  local found
  found=$(php -m 2>/dev/null || true)
  grep -qi '^mysqli$' <<< "$found" || echo php-mysql
  grep -qi '^xml$' <<< "$found" || echo php-xml
  command -v curl >/dev/null || echo curl
}

install() {
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  if [ -z "$missing" ]; then say "already installed"; return; fi
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: $missing
wordpress: install them with: sudo apt-get install -y --no-install-recommends $missing"
  say "installing Debian packages: $missing"
  # No unit may start: the site brings its own database on its own port.
  apt-get update -q >/dev/null || fail "apt-get update failed; see the lines above"
  # shellcheck disable=SC2086 # one word per package is meant
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $missing >/dev/null \
    || fail "apt could not install: $missing"
  say "installed"
}

# ---- starting and stopping -----------------------------------------------------------------------

kill_ours() { # pid-file mark: end that process, if it still is the one that we started
  local pid
  pid=$(head -1 "$1" 2>/dev/null || true)
  rm -f "$1"
  [[ "$pid" =~ ^[0-9]+$ ]] && tr '\0' ' ' 2>/dev/null < "/proc/$pid/cmdline" | grep -qF -- "$2" || return 0
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 1 100); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
}

stop() {
  local child parent
  parent=$(cat "$ROOT/php.pid" 2>/dev/null || true)
  if [ -n "$parent" ] && [ -d "/proc/$parent" ]; then  # its workers do not end with it
    for child in $(cat "/proc/$parent/task/$parent/children" 2>/dev/null); do
      echo "$child" > "$ROOT/worker.pid" && kill_ours "$ROOT/worker.pid" "$SITE"
    done
  fi
  kill_ours "$ROOT/php.pid" "$SITE"
  kill_ours "$ROOT/database.pid" "$DATA"
  rm -f "$ROOT/network.json"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

running() { [ -s "$ROOT/network.json" ] && curl -fsS -m 20 "$URL/wp-json/" >/dev/null 2>&1; }

as_database() { if [ "$(id -u)" = 0 ]; then runuser -u mysql -- "$@"; else "$@"; fi; }

start_database() {
  rm -rf "$DATA" && mkdir -p "$DATA"
  [ "$(id -u)" = 0 ] && chown mysql "$DATA"
  (cd / && as_database mariadb-install-db --no-defaults --datadir="$DATA/db" --skip-test-db \
    --auth-root-authentication-method=normal) > "$ROOT/database.log" 2>&1 || return 1
  (cd / && exec setsid nohup $( [ "$(id -u)" = 0 ] && echo runuser -u mysql -- ) mariadbd --no-defaults \
    --datadir="$DATA/db" --socket="$DATA/socket" --port="$DB_PORT" --bind-address=127.0.0.1 \
    --pid-file="$DATA/pid" --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=32M \
    >> "$ROOT/database.log" 2>&1 < /dev/null) &
  for _ in $(seq 1 240); do
    if sql "select 1" >/dev/null 2>&1; then cp "$DATA/pid" "$ROOT/database.pid"; return 0; fi
    sleep 0.25
  done
  return 1
}

sql() { mariadb --no-defaults -S "$DATA/socket" -uroot -e "$1"; }

make_site() {
  rm -rf "$SITE" && mkdir -p "$SITE"
  cp -rL /usr/share/wordpress/. "$SITE/" 2>/dev/null || true  # some links of the package lead nowhere
  cat > "$SITE/wp-config.php" <<CONF
<?php
define('DB_NAME', 'wp'); define('DB_USER', 'wp'); define('DB_PASSWORD', 'wp');
define('DB_HOST', '127.0.0.1:$DB_PORT'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as \$name) {
  define(\$name . '_KEY', 'tests-' . \$name); define(\$name . '_SALT', 'tests-salt-' . \$name);
}
define('WP_ENVIRONMENT_TYPE', 'local');  // application passwords without https, on loopback only
define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
\$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
CONF
  # Tests write faster than people: no limit on how often somebody may comment.
  mkdir -p "$SITE/wp-content/mu-plugins"
  echo "<?php add_filter('wp_is_comment_flood', '__return_false', 99);
add_filter('comment_flood_filter', '__return_false', 99);" > "$SITE/wp-content/mu-plugins/no-flood.php"
  cp "$HERE/wordpress_router.php" "$HERE/wordpress_accounts.php" "$SITE/"
}

start() {
  install
  if running; then say "already running"; cat "$ROOT/network.json"; return; fi
  mkdir -p "$ROOT" && echo "*" > "$ROOT/.gitignore"  # nothing here belongs to the project
  stop
  local port
  for port in "$PORT" "$DB_PORT"; do
    answers "$port" && fail "port $port is taken by a program that this script did not start.
wordpress: end that program, or choose other ports with HEARTHLIGHT_WORDPRESS_PORT=<first port>"
  done
  say "starting (about fifteen seconds)"
  start_database || { tail -20 "$ROOT/database.log" >&2; stop; fail "the database does not start"; }
  sql "create database wp; create user wp@localhost identified by 'wp'; create user wp@127.0.0.1 identified by
    'wp'; grant all on wp.* to wp@localhost; grant all on wp.* to wp@127.0.0.1"
  make_site
  (cd "$SITE" && PHP_CLI_SERVER_WORKERS=4 exec setsid nohup php -d display_errors=0 -d sendmail_path=/bin/true \
    -S "127.0.0.1:$PORT" -t "$SITE" "$SITE/wordpress_router.php" > "$ROOT/php.log" 2>&1 < /dev/null) &
  echo $! > "$ROOT/php.pid"
  for _ in $(seq 1 120); do answers "$PORT" && break; sleep 0.25; done
  curl -fsS -m 120 -o "$ROOT/installed.html" "$URL/wp-admin/install.php?step=2" \
    --data-urlencode "weblog_title=Peer help" --data "user_name=admin&admin_password=pw-admin&pw_weak=1" \
    --data "admin_password2=pw-admin&admin_email=admin%40example.test&blog_public=0" \
    || { tail -20 "$ROOT/php.log" >&2; stop; fail "WordPress could not be set up"; }
  (umask 077 && cd "$SITE" && DATABASE_SOCKET="$DATA/socket" php -d display_errors=0 wordpress_accounts.php "$PORT" admin administrator > "$ROOT/network.json") \
    || { stop; fail "the accounts could not be made"; }
  running || { tail -20 "$ROOT/php.log" >&2; stop; fail "WordPress does not answer; see $ROOT/php.log"; }
  say "ready"
  cat "$ROOT/network.json"
}

status() {
  if [ -z "$(missing_packages)" ]; then say "installed"; else say "not installed"; fi
  if running; then say "running"; cat "$ROOT/network.json"; else say "not running"; return 3; fi
}

case "${1:-}" in
  install | start | stop | status) "$1" ;;
  *) echo "usage: $0 install|start|stop|status" >&2; exit 2 ;;
esac
