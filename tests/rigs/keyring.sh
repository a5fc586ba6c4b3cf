#!/usr/bin/env bash
# Runs a command with a keyring of its own: a private session bus, a private home, gnome-keyring.
#
#   tests/rigs/keyring.sh [run|unlocked|locked|empty|none] COMMAND...
#
#   unlocked  a collection that is open (the default; `run` is the same)
#   locked    a collection that is there but locked, and nobody to type its password
#   empty     a service without any collection
#   none      no session bus at all
#
# Needs gnome-keyring and dbus (Debian packages of those names); exits 69 if they are not there.
set -euo pipefail

state=unlocked
case "${1:-}" in
    run) shift ;;
    unlocked | locked | empty | none) state=$1 && shift ;;
esac
[ $# -gt 0 ] || { echo "usage: $0 [run|unlocked|locked|empty|none] COMMAND..." >&2; exit 64; }

rig=$(mktemp -d)
trap 'rm -rf "$rig"' EXIT
# Cargo finds its own things in the real home.
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export HOME=$rig/home XDG_RUNTIME_DIR=$rig/run
export XDG_DATA_HOME=$HOME/.local/share XDG_CONFIG_HOME=$HOME/.config XDG_STATE_HOME=$HOME/.local/state
export XDG_CACHE_HOME=$HOME/.cache
mkdir -p "$XDG_DATA_HOME/keyrings" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS GNOME_KEYRING_CONTROL
export DESKHAND_KEYRING_RIG=$state

if [ "$state" = none ]; then
    "$@"
    exit
fi
for tool in dbus-run-session dbus-send gnome-keyring-daemon; do
    command -v "$tool" > /dev/null ||
        { echo "$tool is missing: apt install gnome-keyring dbus dbus-bin" >&2; exit 69; }
done

# Runs inside a session: HOW (--unlock or --start) COMMAND...
# The daemon must own the service's name before anything asks for it: else the bus starts another,
# which is locked. It stays in front, so that its end can be waited for.
cat > "$rig/session" << 'SESSION'
how=$1 && shift
printf rig | gnome-keyring-daemon --foreground "$how" --components=secrets > /dev/null 2>&1 &
daemon=$!
for _ in $(seq 100); do
    dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2> /dev/null |
        grep -q 'boolean true' && break
    sleep 0.1
done
code=0
"$@" || code=$?
kill "$daemon" 2> /dev/null || true
wait "$daemon" 2> /dev/null || true
exit "$code"
SESSION

# A session has a run folder of its own: two daemons would meet in one.
session() {
    XDG_RUNTIME_DIR=$(mktemp -d "$rig/run.XXXXXX")
    export XDG_RUNTIME_DIR
    # The bus complains about its limits where nobody is root; that is none of the test's business.
    dbus-run-session -- bash "$rig/session" "$@" 2> >(grep -v '^dbus-daemon\[' >&2 || true)
}

case $state in
    unlocked) session --unlock "$@" ;;
    empty) session --start "$@" ;;
    locked)
        # One session makes the collection, the next finds it locked.
        session --unlock true
        session --start "$@"
        ;;
esac
