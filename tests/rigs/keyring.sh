#!/usr/bin/env bash
# Runs a command with a keyring of its own: a private session bus, a private home, gnome-keyring.
#
#   tests/rigs/keyring.sh [unlocked|locked|empty|none] COMMAND...
#
#   unlocked  a collection that is open (the default)
#   locked    a collection that is there but locked, and nobody to type its password
#   empty     a service without any collection
#   none      no session bus at all
#
# Needs gnome-keyring and dbus (Debian packages of those names); exits 69 if they are not there.
set -euo pipefail

state=unlocked
case "${1:-}" in
    unlocked | locked | empty | none) state=$1 && shift ;;
esac
[ $# -gt 0 ] || { echo "usage: $0 [unlocked|locked|empty|none] COMMAND..." >&2; exit 64; }

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
for tool in dbus-run-session gnome-keyring-daemon; do
    command -v "$tool" > /dev/null || { echo "$tool is missing: apt install gnome-keyring dbus" >&2; exit 69; }
done

# The daemon must be open before anything talks to the service: the bus would start a locked one.
unlock='printf rig | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1'
lock='gnome-keyring-daemon --start --components=secrets > /dev/null 2>&1'
# The bus ends with its command; the daemon it started ends with the bus.
case $state in
    unlocked) dbus-run-session -- bash -c "$unlock; exec \"\$@\"" rig "$@" ;;
    empty) dbus-run-session -- bash -c "$lock; exec \"\$@\"" rig "$@" ;;
    locked)
        # One session makes the collection, the next finds it locked.
        dbus-run-session -- bash -c "$unlock; for _ in \$(seq 50); do \
            [ -e \"$XDG_DATA_HOME/keyrings/login.keyring\" ] && break; sleep 0.1; done"
        dbus-run-session -- bash -c "$lock; exec \"\$@\"" rig "$@"
        ;;
esac
