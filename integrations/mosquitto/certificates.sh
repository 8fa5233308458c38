#!/bin/sh
# Makes a certificate authority of your own, and certificates signed by it, in the current folder.
#
# usage: certificates.sh ca             ca.pem and ca.key: keep ca.key off the broker and the boxes
#        certificates.sh server NAME... server.pem and server.key, for these names and addresses
#        certificates.sh client NAME    NAME.pem and NAME.key, for the user NAME
#
# DAYS=365 sets how long a certificate is valid; the authority is valid for ten years.
set -eu
umask 077

stop() { code=$1; shift; printf 'certificates: %s\n' "$*" >&2; exit "$code"; }
command -v openssl >/dev/null || stop 69 "openssl is not installed; install it with: apt install openssl"

days=${DAYS:-365}
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

no_overwriting() {
    for file in "$1.pem" "$1.key"; do
        [ ! -e "$file" ] || stop 73 "$file exists already; move it away first."
    done
}

signed() { # file name, subject, extensions
    no_overwriting "$1"
    [ -f ca.pem ] && [ -f ca.key ] || stop 66 "there is no ca.pem and ca.key here; run: $0 ca"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    printf '%s\n' "$3" "basicConstraints=critical,CA:FALSE" "subjectKeyIdentifier=hash" \
        "authorityKeyIdentifier=keyid" "keyUsage=critical,digitalSignature" >"$work/extensions"
    # shellcheck disable=SC2086  # a list of options
    openssl req -new $key -subj "/CN=$2" -keyout "$work/key" -out "$work/request" 2>/dev/null &&
        openssl x509 -req -in "$work/request" -CA ca.pem -CAkey ca.key -days "$days" \
            -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" \
            -out "$work/certificate" 2>/dev/null ||
        stop 73 "openssl could not make a certificate for $2 ($days days)."
    mv "$work/key" "$1.key"
    mv "$work/certificate" "$1.pem"
    chmod 644 "$1.pem"
}

goal=${1:-}
[ $# -gt 0 ] && shift
case $goal in
    ca)
        [ $# -eq 0 ] || stop 64 "ca takes no name."
        no_overwriting ca
        # shellcheck disable=SC2086
        openssl req -x509 $key -days 3650 -subj "/CN=edge-affect authority" \
            -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.pem 2>/dev/null ||
            stop 73 "openssl could not make an authority."
        chmod 644 ca.pem
        ;;
    server)
        [ $# -gt 0 ] || stop 64 "say the names and addresses under which boxes find the broker."
        names=""
        for name in "$@"; do
            case $name in
                *[!A-Za-z0-9.:-]* | "") stop 64 "$name is neither a host name nor an address." ;;
                *:* | *[0-9].*[0-9].*[0-9].*[0-9]) kind=IP ;;
                *) kind=DNS ;;
            esac
            names="$names${names:+,}$kind:$name"
        done
        signed server "$1" "subjectAltName=$names
extendedKeyUsage=serverAuth"
        ;;
    client)
        [ $# -eq 1 ] || stop 64 "say one user name, such as hall.one."
        case $1 in *[!A-Za-z0-9._-]* | "" | ca | server) stop 64 "'$1' is no user name." ;; esac
        signed "$1" "$1" "extendedKeyUsage=clientAuth"
        ;;
    *) stop 64 "say ca, server or client; see the top of this file." ;;
esac
