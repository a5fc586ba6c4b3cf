#!/usr/bin/env bash
# A private Postfix for tests beside the Dovecot in FOLDER (dovecot.sh start FOLDER):
# `postfix.sh start FOLDER` prints `PLAIN_PORT SUBMISSION_PORT TLS_PORT`; `stop FOLDER` ends it.
# Everything it takes is delivered into that Dovecot, whoever it is for, but for these domains:
#   reject.test  refused at RCPT with 550      later.test  put off at RCPT with 450
#   bounce.test  taken, then a report comes back to the sender
# PLAIN_PORT takes mail from anybody; the other two want the Dovecot's names and passwords.
# Its master wants root.
set -euo pipefail

usage() { echo "usage: $0 start|stop FOLDER" >&2; exit 2; }
[ $# -eq 2 ] || usage
folder=$2
place=$folder/postfix
conf=$place/conf
export PATH=$PATH:/usr/sbin

main() { # LMTP_PORT
    cat <<END
compatibility_level = 3.6
queue_directory = $place/queue
data_directory = $place/data
maillog_file = $place/log
maillog_file_prefixes = $place
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.rig.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
biff = no
smtputf8_enable = yes
message_size_limit = 67108864
default_transport = lmtp:inet:127.0.0.1:$1
transport_maps = inline:{ { bounce.test = nobody: } }
disable_dns_lookups = yes
smtpd_delay_reject = yes
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access inline:{ { reject.test = 550 5.1.1 Nobody of that name }, { later.test = 450 4.2.0 Come again } }, permit_mynetworks, reject
smtpd_tls_cert_file = $folder/server.pem
smtpd_tls_key_file = $folder/server.key
smtpd_sasl_type = dovecot
smtpd_sasl_path = $folder/run/auth-client
END
}

services() { # PLAIN SUBMISSION TLS
    cat <<END
127.0.0.1:$1 inet n - n - - smtpd
127.0.0.1:$2 inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:$3 inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
nobody unix - n n - - pipe
  user=nobody argv=/bin/sh -c { cat >/dev/null; echo nobody of that name; exit 67 }
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
END
}

case $1 in
start)
    command -v postfix >/dev/null || { echo "no Postfix here: apt-get install postfix" >&2; exit 1; }
    [ "$(id -u)" -eq 0 ] || { echo "Postfix's master wants root: run the tests against real servers as root" >&2; exit 1; }
    lmtp=$(cat "$folder/lmtp-port")
    mkdir -p "$conf" "$place/queue" "$place/data"
    chown postfix "$place/data"
    for _ in 1 2 3 4 5; do # somebody else may have a port
        plain=$(shuf -i 33000-45000 -n 1)
        main "$lmtp" >"$conf/main.cf"
        services "$plain" $((plain + 1)) $((plain + 2)) >"$conf/master.cf"
        postfix -c "$conf" start >"$place/start.log" 2>&1 || continue
        for _ in $(seq 50); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$((plain + 2))") 2>/dev/null &&
                (exec 3<>"/dev/tcp/127.0.0.1/$plain") 2>/dev/null; then
                echo "$plain $((plain + 1)) $((plain + 2))"
                exit 0
            fi
            sleep 0.1
        done
        postfix -c "$conf" stop >/dev/null 2>&1 || true
    done
    cat "$place/start.log" "$place/log" >&2 || true
    exit 1
    ;;
stop)
    if [ -d "$conf" ]; then
        postfix -c "$conf" stop >/dev/null 2>&1 || true
        rm -rf "$place"
    fi
    ;;
*) usage ;;
esac
