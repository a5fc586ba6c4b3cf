#!/usr/bin/env bash
# A private PostgreSQL for tests: `postgres.sh start FOLDER` makes one in FOLDER, listening on a
# free loopback port, and prints its url; `postgres.sh stop FOLDER` ends it and removes FOLDER.
# Where root runs it, the server is the user `postgres`, who must be able to reach FOLDER.
set -euo pipefail

usage() { echo "usage: $0 start|stop FOLDER" >&2; exit 2; }
[ $# -eq 2 ] || usage
folder=$2

# The newest server installed; its programs are not on PATH in Debian.
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || true)")
[ -x "$bin/initdb" ] || { echo "no PostgreSQL here: apt-get install postgresql" >&2; exit 1; }

# The server refuses to run as root.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$folder" PATH="$PATH" "$@"
    else
        "$@"
    fi
}

case $1 in
start)
    mkdir -p "$folder"
    chmod 0711 "$folder"
    [ "$(id -u)" -ne 0 ] || chown postgres "$folder"
    cd "$folder"
    as_postgres "$bin/initdb" -D "$folder/data" -U desk -A trust -E UTF8 --no-sync >"$folder/initdb.log" 2>&1 \
        || { cat "$folder/initdb.log" >&2; exit 1; }
    for _ in 1 2 3 4 5; do # somebody else may have the port
        port=$(shuf -i 20000-32000 -n 1)
        if as_postgres "$bin/pg_ctl" -D "$folder/data" -l "$folder/data/log" -w -t 60 \
            -o "-p $port -h 127.0.0.1 -c unix_socket_directories= -c max_connections=200" start >"$folder/start.log" 2>&1; then
            echo "postgres://desk@127.0.0.1:$port/postgres"
            exit 0
        fi
    done
    cat "$folder/start.log" "$folder/data/log" >&2 || true
    exit 1
    ;;
stop)
    if [ -d "$folder/data" ]; then
        cd "$folder"
        as_postgres "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null || true
        cd /
        rm -rf "$folder/data" "$folder/initdb.log" "$folder/start.log"
        rmdir "$folder" 2>/dev/null || true
    fi
    ;;
*) usage ;;
esac
