#!/usr/bin/env bash
# A private Dovecot for tests: `dovecot.sh start FOLDER` makes one in FOLDER on free loopback ports
# and prints `PLAIN_PORT TLS_PORT CA_FILE`; `restart FOLDER` starts it anew on the same ports;
# `stop FOLDER` ends it and removes FOLDER.
# Every name may sign in with the password `rig-password`; its mail is the Maildir FOLDER/mail/NAME.
# Mail for NAME at any domain is taken by LMTP on the port in FOLDER/lmtp-port.
# With RIG_INTROSPECTION=URL a name may also sign in with a token that the service at URL says is good
# (RFC 7662), in the ways of RIG_TOKEN_WAYS (`xoauth2 oauthbearer`).
set -euo pipefail

usage() { echo "usage: $0 start|restart|stop FOLDER" >&2; exit 2; }
[ $# -eq 2 ] || usage
folder=$2
server=$(command -v dovecot || ls /usr/sbin/dovecot 2>/dev/null || true)

# Dovecot wants users of its own for what faces the net; without root there is only one.
if [ "$(id -u)" -eq 0 ]; then
    owner=mail group=$(id -gn mail) login=nobody internal=nobody
else
    owner=$(id -un) group=$(id -gn) login=$owner internal=$owner
fi

certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=rig CA" \
        -addext basicConstraints=critical,CA:TRUE -keyout "$folder/ca.key" -out "$folder/ca.pem"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout "$folder/server.key" -out "$folder/server.csr"
    openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
        -out "$folder/server.pem" -extfile <(printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n')
}

token_ways=
if [ -n "${RIG_INTROSPECTION:-}" ]; then token_ways=${RIG_TOKEN_WAYS:-xoauth2 oauthbearer}; fi

tokens() {
    [ -n "$token_ways" ] || return 0
    cat >"$folder/oauth2.conf" <<END
introspection_mode = post
introspection_url = $RIG_INTROSPECTION
active_attribute = active
active_value = true
username_attribute = username
username_format = %Ln
END
    cat <<END
passdb {
  driver = oauth2
  mechanisms = $token_ways
  args = $folder/oauth2.conf
}
END
}

configuration() { # PLAIN TLS LMTP
    cat <<END
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <$folder/server.pem
ssl_key = <$folder/server.key
disable_plaintext_auth = no
mail_location = maildir:$folder/mail/%n
mail_uid = $owner
mail_gid = $group
first_valid_uid = 1
first_valid_gid = 1
default_login_user = $login
default_internal_user = $internal
default_internal_group = $(id -gn "$internal")
mail_max_userip_connections = 50
$(tokens)
passdb {
  driver = static
  args = password=rig-password
}
userdb {
  driver = static
  args = uid=$owner gid=$group home=$folder/mail/%n allow_all_users=yes
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    special_use = \\Sent
    auto = create
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $1
  }
  inet_listener imaps {
    port = $2
    ssl = yes
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $3
  }
}
service auth {
  unix_listener auth-client {
    mode = 0666
  }
}
auth_mechanisms = plain login ${token_ways}
auth_username_format = %Ln
auth_failure_delay = 0
END
}

case $1 in
start)
    [ -n "$server" ] || { echo "no Dovecot here: apt-get install dovecot-imapd" >&2; exit 1; }
    mkdir -p "$folder"/{run,state,mail}
    chmod 0755 "$folder" "$folder/run"
    [ "$(id -u)" -ne 0 ] || chown "$owner:$group" "$folder/mail"
    certificate >"$folder/openssl.log" 2>&1 || { cat "$folder/openssl.log" >&2; exit 1; }
    for _ in 1 2 3 4 5; do # somebody else may have a port
        plain=$(shuf -i 20000-32000 -n 1)
        configuration "$plain" $((plain + 1)) $((plain + 2)) >"$folder/dovecot.conf"
        echo $((plain + 2)) >"$folder/lmtp-port"
        "$server" -c "$folder/dovecot.conf" >"$folder/start.log" 2>&1 || continue
        for _ in $(seq 50); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$plain") 2>/dev/null; then
                echo "$plain $((plain + 1)) $folder/ca.pem"
                exit 0
            fi
            sleep 0.1
        done
        "$server" -c "$folder/dovecot.conf" stop || true
    done
    cat "$folder/start.log" "$folder/log" >&2 || true
    exit 1
    ;;
restart)
    "$server" -c "$folder/dovecot.conf" stop
    for _ in $(seq 50); do
        [ -e "$folder/run/master.pid" ] || break
        sleep 0.1
    done
    "$server" -c "$folder/dovecot.conf"
    ;;
stop)
    if [ -f "$folder/dovecot.conf" ]; then
        "$server" -c "$folder/dovecot.conf" stop 2>/dev/null || true
        rm -rf "$folder"
    fi
    ;;
*) usage ;;
esac
