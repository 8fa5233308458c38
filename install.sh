#!/bin/sh
# Installs edge-affect on Raspberry Pi OS, Debian or Ubuntu, upgrades it, goes back, or removes it.
#
# usage: sudo ./install.sh [options]      install, or upgrade what is installed
#        sudo ./install.sh --rollback     back to the release before
#        sudo ./install.sh --remove       take it away; configuration and own models stay
#        sudo ./install.sh --purge        take everything away
#
# --from DIR         a release folder as `make release` writes it, checked against its SHA256SUMS;
#                    default: the source tree that this file is in
# --signers FILE     public keys that may have signed it (ssh's allowed_signers format); default:
#                    /etc/edge-affect/allowed-signers where it exists. With one, a signature is required
# --set NAME=ANSWER  an answer of the first configuration; repeatable. Without a terminal, what has
#                    a default needs none. `edge-affect config ask --help` lists the names
# --answers FILE     a file of such lines
# --no-config        write no configuration; what is there is kept in any case
# --wheels DIR       take Python packages from this folder, without a network
# --models FILE      take model files from this package on disk; repeatable
# --no-packages      install no system packages
# --extras LIST      extras of the Python package, such as notice
# --no-start         do not start the services
#
# Each release is a folder of its own in /opt/edge-affect/releases; `current` points to the one that
# runs and `previous` to the one before. What does not pass the checks after an upgrade is undone.
# Exit codes: 0 done, 64 usage, 65 a release that is not what it says, 66 something is missing,
# 69 a package cannot be had, 73 cannot write, 75 finished in part or undone, 78 configuration,
# 80 refused by the deployment policy.
set -eu
umask 022

say() { printf '== %s\n' "$*"; }
stop() { code=$1; shift; printf 'install: %s\n' "$*" >&2; exit "$code"; }

here=$(cd "$(dirname "$0")" && pwd)
program=/opt/edge-affect
config=/etc/edge-affect
state=/var/lib/edge-affect
broker=/etc/mosquitto/edge-affect
answers_kept=$config/answers

goal=install
from=""
signers=""
answers=""
ask=yes
wheels=""
archives=""
system_packages=yes
extras=""
start=yes
while [ $# -gt 0 ]; do
    case $1 in
        --from | --signers | --answers | --wheels | --models | --extras | --set)
            [ $# -gt 1 ] || stop 64 "$1 needs something behind it; see the top of this file." ;;
    esac
    case $1 in
        --rollback | --remove | --purge) goal=${1#--} ;;
        --from) from=$2; shift ;;
        --signers) signers=$2; shift ;;
        --answers) answers=$2; shift ;;
        --no-config) ask=no ;;
        --wheels) wheels=$2; shift ;;
        --models) archives="$archives --from $2"; shift ;;
        --no-packages) system_packages=no ;;
        --extras) extras="[$2]"; shift ;;
        --no-start) start=no ;;
        --set)
            # Handed to the program in the environment, which passes through everything unharmed.
            case $2 in [a-z]*=*) ;; *) stop 64 "--set needs NAME=ANSWER, not $2." ;; esac
            name=$(printf '%s' "${2%%=*}" | tr 'a-z' 'A-Z')
            case $name in *[!A-Z_]*) stop 64 "there is no question ${2%%=*}." ;; esac
            export "EDGE_AFFECT_ANSWER_$name=${2#*=}"
            shift ;;
        *) stop 64 "unknown option $1; see the top of this file." ;;
    esac
    shift
done
[ "$(id -u)" = 0 ] || stop 69 "must be run as root; try: sudo $0"
for file in "$answers" "$signers"; do
    [ -z "$file" ] || [ -f "$file" ] || stop 66 "there is no file $file."
done
for folder in "$from" "$wheels"; do
    [ -z "$folder" ] || [ -d "$folder" ] || stop 66 "there is no folder $folder."
done
[ -n "$signers" ] || [ ! -f "$config/allowed-signers" ] || signers=$config/allowed-signers

work=$(mktemp -d)
is_migrated=no   # whether the configuration is newer than the release that runs
leave() {
    [ "$is_migrated" = no ] || restore_configuration
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 75' INT TERM HUP

has_systemd() { [ -d /run/systemd/system ]; }
release_of() { basename "$(readlink "$program/$1" 2>/dev/null)" 2>/dev/null || true; }
last_error() { # what a program said, in one line; pip and apt say the reason first
    { grep -E -m1 'Could not|No space|Temporary failure|Unable to' "$1" ||
        grep -E '^(ERROR|E|error|edge-affect):' "$1" || tail -1 "$1"; } | head -1 |
        sed 's/^ *\(ERROR\|E\|W\|Err\|error\|edge-affect\): *//; s/[. ]*$//' | cut -c1-160
}

# -- the machine ---------------------------------------------------------------------------------

check_machine() {
    [ -r /etc/os-release ] || stop 69 "this is no system with /etc/os-release; use Debian, Raspberry Pi OS or Ubuntu."
    id=$(. /etc/os-release && echo "$ID ${ID_LIKE:-}")
    case " $id " in
        *" debian "* | *" raspbian "* | *" ubuntu "*) ;;
        *) stop 69 "this system (${id%% *}) is not Debian, Raspberry Pi OS or Ubuntu." ;;
    esac
    case $(uname -m) in
        aarch64 | x86_64) ;;
        armv7l) [ "$(dpkg --print-architecture)" = armhf ] && python_below 3 12 ||
            stop 69 "32-bit systems have model runtimes up to Python 3.11 only; use the 64-bit one." ;;
        *) stop 69 "there are no model runtimes for $(uname -m)." ;;
    esac
    free_mb=$(df -Pm /opt 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ "${free_mb:-0}" -ge 700 ] || stop 73 "/opt has ${free_mb:-0} MB left; an installation takes 700."
}

python=${PYTHON:-/usr/bin/python3}   # not one of somebody's home, which the services cannot see
python_below() { "$python" -c "import sys; sys.exit(sys.version_info >= ($1, $2))"; }

is_pi() { grep -qs 'Raspberry Pi' /proc/device-tree/model; }

missing_of() { # those of the packages that are not installed
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] ||
            printf ' %s' "$package"
    done
}

install_packages() {
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    [ "$system_packages" = yes ] || stop 69 "these system packages are missing:$missing."
    say "Installing system packages:$missing"
    # shellcheck disable=SC2086  # a list of package names
    { apt-get update && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing; } >"$work/apt.log" 2>&1 ||
        stop 69 "apt-get could not install$missing ($(last_error "$work/apt.log")); check the network, or install them beforehand."
}

# -- where the software comes from ---------------------------------------------------------------

check_release() { # $from: checksums, signature, and what is in it
    [ -f "$from/SHA256SUMS" ] || stop 66 "$from has no SHA256SUMS; is it a release folder?"
    # Checked and used from copies, which nobody changes in between.
    sums=$work/SHA256SUMS
    cp "$from/SHA256SUMS" "$sums"
    if [ -n "$signers" ]; then
        command -v ssh-keygen >/dev/null || stop 69 "there is no ssh-keygen to check the signature with; install openssh-client."
        [ -f "$from/SHA256SUMS.sig" ] || stop 65 "$from is not signed (no SHA256SUMS.sig), but $signers asks for a signature."
        ssh-keygen -Y verify -f "$signers" -I edge-affect-release -n edge-affect-release \
            -s "$from/SHA256SUMS.sig" <"$sums" >/dev/null 2>&1 ||
            stop 65 "the signature of $from is not by a key of $signers; nothing was installed."
        say "Signature and checksums of the release are right"
    else
        say "Checksums only: no signature is asked for ($config/allowed-signers would)"
    fi
    mkdir "$work/release"
    for file in "$from"/edge_affect-*-py3-none-any.whl "$from"/edge_affect-*.tar.gz; do
        [ -f "$file" ] || stop 66 "$from has not both, a wheel and a source archive."
        name=$(basename "$file")
        grep -qE "^[0-9a-f]{64}  $name\$" "$sums" ||
            stop 65 "$name is not in the SHA256SUMS of $from; nothing was installed."
        cp "$file" "$work/release"
    done
    (cd "$work/release" && grep -E '  edge_affect-[^/]*(whl|tar\.gz)$' "$sums" |
        sha256sum --check --strict --quiet) >/dev/null 2>&1 ||
        stop 65 "a file of $from does not have the checksum that its SHA256SUMS says; nothing was installed."
    [ "$(ls "$work/release" | wc -l)" = 2 ] || stop 65 "$from holds more than one release."
    mkdir "$work/source"
    tar -xzf "$work"/release/*.tar.gz -C "$work/source" --strip-components=1 --no-same-owner
    source=$work/source
    package=$(echo "$work"/release/*.whl)
}

choose_source() {
    from=${from:+$(cd "$from" && pwd)}
    if [ -n "$from" ]; then
        check_release
    else
        source=$here
        [ -f "$source/setup.cfg" ] && [ -d "$source/systemd" ] ||
            stop 66 "there is no source tree around $0; name a release folder with --from."
        # From a copy: building leaves files beside the source.
        mkdir "$work/copy"
        (cd "$source" && cp -r edge_affect models_tflite setup.cfg pyproject.toml README.md LICENSE NOTICE "$work/copy")
        find "$work/copy" -name __pycache__ -prune -exec rm -rf {} +
        package=$work/copy
    fi
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$source/edge_affect/__init__.py")
    # Version and content: the same again is nothing to do, another build of it is an upgrade.
    content=$( (cd "$source" && find edge_affect models_tflite systemd integrations requirements install.sh \
        -type f ! -path '*/__pycache__/*' -exec sha256sum {} + | LC_ALL=C sort
        echo "$extras $("$python" -V)") | sha256sum | cut -c1-8)
    release=$version-$content
    folder=$program/releases/$release
}

# -- one release ---------------------------------------------------------------------------------

build_release() {
    if [ -f "$folder/.complete" ]; then
        say "Release $release is built already"
        return 0
    fi
    say "Building release $release (about 150 MB to fetch the first time)"
    rm -rf "$folder"
    mkdir -p "$program/releases"
    share=""
    if "$python" -c 'import libcamera' 2>/dev/null || "$python" -c 'import lgpio' 2>/dev/null; then
        say "Found libcamera or lgpio: the virtual environment shares the system's packages"
        share=--system-site-packages
    fi
    "$python" -m venv $share "$folder" >"$work/venv.log" 2>&1 ||
        stop 69 "$python -m venv does not work; install python3-venv."
    constraints=$source/requirements/constraints.txt
    if [ -n "$share" ]; then
        # The system's picamera2 is compiled against the system's numpy: leave that one alone.
        grep -viE '^(numpy|scipy|pillow)==' "$constraints" >"$work/constraints.txt"
        constraints=$work/constraints.txt
    fi
    # shellcheck disable=SC2086  # options
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --retries 2 --timeout 30 ${wheels:+--no-index --find-links "$wheels"} --constraint "$constraints" \
        "$package$extras" >"$work/pip.log" 2>&1 || {
        rm -rf "$folder"
        stop 69 "pip could not install the software ($(last_error "$work/pip.log")); check the network, or bring the packages with --wheels."
    }
    # Models belong to the release, so that going back brings the right ones back. Unchanged ones
    # are shared with the release before.
    mkdir "$folder/models"
    [ ! -d "$program/current/models" ] || cp -al "$program/current/models/." "$folder/models/"
    say "Fetching third-party model files"
    # shellcheck disable=SC2086
    "$folder/bin/edge-affect" models fetch --dest "$folder/models" $archives >"$work/models.log" 2>&1 || {
        code=$?
        rm -rf "$folder"
        stop $code "the model files could not be fetched ($(last_error "$work/models.log"))."
    }
    EDGE_AFFECT_MODELS=$folder/models "$folder/bin/edge-affect" models check >"$work/models.log" 2>&1 || {
        code=$?
        rm -rf "$folder"
        stop $code "the models do not work here ($(tail -1 "$work/models.log"))."
    }
    mkdir "$folder/installer"
    (cd "$source" && cp -r install.sh systemd integrations "$folder/installer")
    touch "$folder/.complete"
}

point() { # a link to a release, swapped in one step
    ln -sfn "releases/$2" "$program/.$1.new"
    mv -T "$program/.$1.new" "$program/$1"
}

use_release() { # the units, users and links of a release
    "$program/releases/$1/installer/systemd/install.sh" install >"$work/units.log" 2>&1 ||
        stop 73 "units and users could not be installed ($(tail -1 "$work/units.log"))."
    point current "$1"
    # The layout before there were releases: one environment, straight in the folder.
    if [ -d "$program/bin" ] && [ ! -L "$program/bin" ]; then
        rm -rf "$program/bin" "$program/lib" "$program/lib64" "$program/include" \
            "$program/share" "$program/pyvenv.cfg"
    fi
    ln -sfn current/bin "$program/bin"
    [ -e /usr/local/bin/edge-affect ] || ln -s "$program/bin/edge-affect" /usr/local/bin/edge-affect 2>/dev/null || true
}

# -- configuration and broker --------------------------------------------------------------------

configure() {
    mkdir -p "$config"
    if [ -f "$config/config.toml" ]; then
        cp -p "$config/config.toml" "$work/config-before.toml"
        is_migrated=yes
        "$folder/bin/edge-affect" config migrate "$config/config.toml" >"$work/migrate.log" 2>&1 || {
            code=$?
            stop $code "the configuration does not fit release $release ($(last_error "$work/migrate.log")); nothing was changed."
        }
        grep -q 'up to date' "$work/migrate.log" || { say "Configuration brought up to date:"; cat "$work/migrate.log"; }
        return 0
    fi
    [ "$ask" = yes ] || return 0
    say "First configuration"
    "$folder/bin/edge-affect" config ask "$config/config.toml" --keep-answers "$answers_kept" \
        --password-file "$config/mqtt-password" ${answers:+--answers "$answers"} || exit $?
}

restore_configuration() { # as it was, in one step: a full disk must not leave half of it
    is_migrated=no
    backup=$(sed -n 's/.* before is in \(.*\)\.$/\1/p' "$work/migrate.log" 2>/dev/null) || true
    [ -n "$backup" ] || return 0
    cp -p "$work/config-before.toml" "$config/.config.toml.back" &&
        mv "$config/.config.toml.back" "$config/config.toml" && rm -f "$backup"
}

is_broker_ours() { [ -f "$answers_kept" ] && grep -qx 'broker=local' "$answers_kept"; }

secret() { openssl rand -base64 18 | tr '+/' '-_'; }

set_up_broker() { # mosquitto with TLS, a user for the box and one to read, and the shipped list
    install_packages mosquitto mosquitto-clients openssl
    [ ! -f "$broker/passwords" ] || return 0
    say "Setting up mosquitto: TLS on port 8883, a user for this box and one to read"
    shipped=$folder/installer/integrations/mosquitto
    site=$(sed -n 's/^site=//p' "$answers_kept")
    name=$(sed -n 's/^name=//p' "$answers_kept")
    mkdir -p -m 755 "$state"
    rm -rf "$work/ca"
    mkdir -m 700 "$work/ca"
    (cd "$work/ca" && "$shipped/certificates.sh" ca &&
        DAYS=3650 "$shipped/certificates.sh" server localhost "$(hostname)" "$(hostname).local" 127.0.0.1) \
        >"$work/broker.log" 2>&1 ||
        stop 73 "the broker's certificates could not be made ($(tail -1 "$work/broker.log"))."
    box_secret=$(secret)
    reader_secret=$(secret)
    new=$broker.new
    rm -rf "$new"
    install -d -m 750 -g mosquitto "$new"
    install -m 640 -g mosquitto "$work/ca/ca.pem" "$work/ca/server.pem" "$work/ca/server.key" "$new"
    {
        sed -e "s/SITE/$site/g" -e "s/DEVICE/$name/g" "$shipped/box.acl"
        # Readers, operators and Home Assistant as shipped, without the boxes of the example.
        sed -n '/^# A reader/,$p' "$shipped/acl"
    } >"$new/acl"
    : >"$new/passwords"
    mosquitto_passwd -b "$new/passwords" "$site.$name" "$box_secret" 2>/dev/null &&
        mosquitto_passwd -b "$new/passwords" reader "$reader_secret" 2>/dev/null ||
        stop 73 "mosquitto_passwd could not write $new/passwords."
    chgrp mosquitto "$new/acl" "$new/passwords"
    chmod 640 "$new/acl" "$new/passwords"
    install -m 600 "$work/ca/ca.key" "$config/broker-ca.key"
    install -m 644 "$work/ca/ca.pem" "$config/ca.pem"
    (umask 077 && printf '%s\n' "$box_secret" >"$config/mqtt-password" &&
        printf '%s\n' "$reader_secret" >"$config/reader-password")
    mv -T "$new" "$broker"
    install -m 644 "$shipped/edge-affect.conf" /etc/mosquitto/conf.d/edge-affect.conf
    if has_systemd; then
        systemctl restart mosquitto || stop 69 "mosquitto does not start with $broker; see: journalctl -u mosquitto"
    fi
    say "Read along with: mosquitto_sub -h $(hostname) -p 8883 --cafile $config/ca.pem -u reader -P \$(sudo cat $config/reader-password) -t 'edge-affect/#' -v"
}

# -- judging -------------------------------------------------------------------------------------

doctor() { # with a release; secrets come the way they come to the services
    mkdir -p -m 700 "$work/secrets"
    for name in mqtt-password mqtt-key; do
        [ ! -s "$config/$name" ] || install -m 600 "$config/$name" "$work/secrets/edge-affect.$name"
    done
    judged=$program/releases/$1
    shift
    CREDENTIALS_DIRECTORY=$work/secrets EDGE_AFFECT_MODELS=$judged/models \
        "$judged/bin/edge-affect" doctor --config "$config/config.toml" "$@"
}

failures_of() { # names of the doctor's failing checks with a release, one a line
    [ -f "$config/config.toml" ] || return 0
    doctor "$1" --json >"$work/doctor.json" 2>"$work/doctor.log" || true
    # A doctor that says nothing at all fails as a whole.
    "$program/releases/$1/bin/python" - "$work/doctor.json" 2>/dev/null <<'PYTHON' || echo doctor
import json, sys
for check in json.load(open(sys.argv[1]))["checks"]:
    if check["state"] == "fail":
        print(check["name"])
PYTHON
}

services_run() { # whether the services are up and stay up
    has_systemd && [ "$start" = yes ] && [ -f "$config/config.toml" ] || return 0
    systemctl daemon-reload
    systemctl enable --quiet edge-affect.target
    systemctl restart edge-affect.target || true
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        sleep 2
        [ "$(systemctl is-active edge-affect-publish.service)" = active ] &&
            [ "$(systemctl is-active edge-affect-sense.service)" = active ] && return 0
    done
    return 1
}

undo() { # back to the release before, with its configuration
    restore_configuration
    use_release "$before"
    rm -rf "$folder"
    services_run || true
    stop 75 "release $release did not pass ($1), so $before runs again as before."
}

prune() { # all but the current and the previous release
    for path in "$program"/releases/*; do
        name=$(basename "$path")
        [ "$name" = "$(release_of current)" ] || [ "$name" = "$(release_of previous)" ] || rm -rf "$path"
    done
}

# -- goals ---------------------------------------------------------------------------------------

run_install() {
    # Python comes first: it says which release this is.
    check_machine
    packages="python3 python3-venv libportaudio2 tzdata ca-certificates"
    [ -z "$signers" ] || packages="$packages openssh-client"
    ! is_pi || packages="$packages python3-picamera2 python3-gpiozero python3-lgpio"
    # shellcheck disable=SC2086
    install_packages $packages
    [ -x "$python" ] || stop 69 "there is no $python; install python3, or set PYTHON."
    ! python_below 3 10 || stop 69 "$("$python" -V) is too old; edge-affect needs 3.10."
    choose_source
    before=$(release_of current)
    [ -z "$before" ] || [ -f "$program/releases/$before/.complete" ] || before=""
    build_release
    [ "$before" != "$release" ] || before=""
    failing_before=""
    [ -z "$before" ] || failing_before=$(failures_of "$before")
    configure
    ! is_broker_ours || set_up_broker
    use_release "$release"
    is_migrated=no
    failing=$(failures_of "$release")
    if [ -n "$before" ]; then
        for name in $failing; do
            # Where the doctor itself did not run before, there is nothing to compare with.
            printf '%s\n' "$failing_before" | grep -qx -e "$name" -e doctor ||
                undo "the check $name fails now"
        done
        services_run || undo "the services do not stay up"
        cp -p "${work}/config-before.toml" "$program/releases/$before/config.toml" 2>/dev/null || true
        point previous "$before"
        prune
        say "Upgraded from $before to $release; back with: sudo $folder/installer/install.sh --rollback"
    else
        services_run || stop 75 "installed, but the services do not stay up; see: journalctl -u 'edge-affect-*'"
        say "Installed release $release"
    fi
    [ -f "$config/config.toml" ] || { say "There is no configuration yet: sudo edge-affect config ask $config/config.toml"; return 0; }
    say "What the doctor says"
    doctor "$release" ||
        stop 75 "installed, but the doctor found something; its remedies are above."
}

run_rollback() {
    before=$(release_of previous)
    [ -n "$before" ] && [ -f "$program/releases/$before/.complete" ] ||
        stop 66 "there is no release before this one to go back to."
    release=$(release_of current)
    cp -p "$config/config.toml" "$program/releases/$release/config.toml" 2>/dev/null || true
    [ ! -f "$program/releases/$before/config.toml" ] ||
        cp -p "$program/releases/$before/config.toml" "$config/config.toml"
    use_release "$before"
    point previous "$release"
    services_run || stop 75 "back at $before, but the services do not stay up; see: journalctl -u 'edge-affect-*'"
    say "Back at $before; $release is kept"
}

run_remove() {
    units=$here/systemd/install.sh
    [ -f "$units" ] || units=$program/current/installer/systemd/install.sh
    [ -f "$units" ] || stop 66 "nothing is installed in $program."
    # It removes the folder that it may be in.
    cp -r "$(dirname "$units")" "$work/systemd"
    [ ! -L /usr/local/bin/edge-affect ] || rm -f /usr/local/bin/edge-affect
    if [ "$goal" = purge ]; then
        if is_broker_ours; then
            rm -rf "$broker" /etc/mosquitto/conf.d/edge-affect.conf
            ! has_systemd || systemctl try-restart mosquitto || true
        fi
        "$work/systemd/install.sh" uninstall || exit $?
    else
        "$work/systemd/install.sh" uninstall --keep-config || exit $?
        say "Kept the configuration and own models; --purge removes them too"
    fi
    say "System packages stay; apt autoremove knows which nobody needs"
}

case $goal in
    install) run_install ;;
    rollback) run_rollback ;;
    remove | purge) run_remove ;;
esac
