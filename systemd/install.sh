#!/bin/sh
# Users, units and folders of the systemd services; or takes all of edge-affect away again. The
# software itself, its models, the configuration and the broker are the business of install.sh.
#
# usage: systemd/install.sh install   [--root DIR]
#        systemd/install.sh uninstall [--root DIR] [--keep-config]
#
# --root DIR       work below DIR, as for an image of a card; needs no running systemd
# --keep-config    leave /etc/edge-affect and the models of one's own
set -eu

say() { printf '== %s\n' "$*"; }
stop() { code=$1; shift; printf 'install: %s\n' "$*" >&2; exit "$code"; }

here=$(cd "$(dirname "$0")" && pwd)
goal=${1:-}
[ $# -gt 0 ] && shift
root=""
keep_config=no
while [ $# -gt 0 ]; do
    case $1 in
        --root) [ $# -gt 1 ] || stop 64 "--root needs a folder."; root=${2%/}; shift ;;
        --keep-config) keep_config=yes ;;
        *) stop 64 "unknown option $1; see the top of this file." ;;
    esac
    shift
done
case $goal in
    install | uninstall) ;;
    *) stop 64 "say install or uninstall; see the top of this file." ;;
esac
[ -z "$root" ] || [ -d "$root" ] || stop 66 "there is no folder $root."
[ "$(id -u)" = 0 ] || stop 69 "must be run as root; try: sudo $0 $goal"

units=$root/etc/systemd/system
config=$root/etc/edge-affect
program=$root/opt/edge-affect
state=$root/var/lib/edge-affect
journald=$root/etc/systemd/journald.conf.d
# What was made here and did not exist before, so that uninstall leaves what it found.
made=$state/made-by-install
users="edge-affect-sense edge-affect-publish edge-affect-switches"
# Side products of adding users.
account_files=".pwd.lock passwd- group- shadow- gshadow-"

note() { printf '%s\n' "$1" >>"$made"; }

folder() { # a folder and those above it, noting the new ones
    [ -d "$1" ] && return
    folder "$(dirname "$1")"
    mkdir -m 0755 "$1"
    case $1 in "$state"*) ;; *) note "$1" ;; esac
}

has_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

run_install() {
    new_state=""
    for path in "$root/var" "$root/var/lib" "$state"; do
        [ -d "$path" ] || { mkdir -m 0755 "$path"; new_state="$new_state $path"; }
    done
    touch "$made"
    for path in $new_state; do [ "$path" = "$state" ] || note "$path"; done
    for path in "$root/etc" "$root/opt" "$root/run" "$units" "$config" "$root/etc/sysusers.d" \
        "$root/etc/tmpfiles.d" "$journald" "$state/models" "$state/own-models"; do folder "$path"; done
    for name in $account_files; do [ -e "$root/etc/$name" ] || note "$root/etc/$name"; done

    say "Adding users, units and folders"
    install -m 0644 "$here/edge-affect.sysusers" "$root/etc/sysusers.d/edge-affect.conf"
    install -m 0644 "$here/edge-affect.tmpfiles" "$root/etc/tmpfiles.d/edge-affect.conf"
    install -m 0644 "$here/edge-affect.journald" "$journald/edge-affect.conf"
    for unit in "$here"/units/*; do
        install -m 0644 "$unit" "$units/$(basename "$unit")"
    done
    systemd-sysusers ${root:+--root="$root"} "$root/etc/sysusers.d/edge-affect.conf"
    systemd-tmpfiles ${root:+--root="$root"} --create "$root/etc/tmpfiles.d/edge-affect.conf"
    # The group that owns the GPIO chips on Raspberry Pi OS; elsewhere there is none.
    if grep -q '^gpio:' "$root/etc/group"; then
        mkdir -p "$units/edge-affect-switches.service.d"
        printf '# The group that owns the GPIO chips.\n[Service]\nSupplementaryGroups=gpio\n' \
            >"$units/edge-affect-switches.service.d/gpio.conf"
    fi
    [ -e "$config/config.toml" ] || say "There is no $config/config.toml yet"
    if [ ! -e "$config/mqtt-password" ]; then
        (umask 077 && : >"$config/mqtt-password")
        say "Made $config/mqtt-password, empty: the broker's password goes into its first line"
    fi
    # Empty means none, but the unit needs a file.
    [ -e "$config/mqtt-key" ] || (umask 077 && : >"$config/mqtt-key")
    if has_systemd; then
        systemctl daemon-reload
        systemctl try-restart systemd-journald.service 2>/dev/null || true
        say "Start it now and at every boot with: systemctl enable --now edge-affect.target"
    fi
    say "Installed"
}

run_uninstall() {
    if has_systemd; then
        systemctl disable --now edge-affect.target 2>/dev/null || true
        for unit in "$here"/units/*; do systemctl stop "$(basename "$unit")" 2>/dev/null || true; done
    fi
    say "Removing units, users, software and models"
    # With the drop-ins that somebody made for them.
    for unit in "$here"/units/*; do
        rm -rf "$units/$(basename "$unit")" "$units/$(basename "$unit").d"
    done
    rm -rf "$units/multi-user.target.wants/edge-affect.target"
    rmdir "$units/multi-user.target.wants" 2>/dev/null || true
    for user in $users; do
        if [ -f "$root/etc/passwd" ] && grep -q "^$user:" "$root/etc/passwd"; then
            userdel ${root:+--prefix "$root"} "$user" ||
                stop 75 "the user $user could not be removed; is a process of it running?"
        fi
        if [ -f "$root/etc/group" ] && grep -q "^$user:" "$root/etc/group"; then
            groupdel ${root:+--prefix "$root"} "$user"
        fi
    done
    rm -f "$root/etc/sysusers.d/edge-affect.conf" "$root/etc/tmpfiles.d/edge-affect.conf" \
        "$journald/edge-affect.conf"
    rm -rf "$program" "$root/run/edge-affect"
    if [ "$keep_config" = yes ]; then say "Kept $config"; else rm -rf "$config"; fi
    if [ -f "$made" ]; then
        for name in $account_files; do
            ! grep -qxF "$root/etc/$name" "$made" || rm -f "$root/etc/$name"
        done
        # The folders that were made, the deepest first: their list goes with the state.
        folders=$(sort -r "$made")
        if [ "$keep_config" = yes ]; then
            rm -rf "$state/models" "$made"
            rmdir "$state/own-models" "$state" 2>/dev/null || say "Kept $state/own-models"
        else
            rm -rf "$state"
        fi
        # Those in use by now stay.
        printf '%s\n' "$folders" | while read -r path; do
            [ ! -d "$path" ] || rmdir "$path" 2>/dev/null || true
        done
    fi
    ! has_systemd || systemctl daemon-reload
    # The publisher's folder was made by systemd; unsent records go with it. Last, so that a disk that
    # refuses leaves nothing else behind.
    rm -rf "$root/var/lib/edge-affect-publish" ||
        stop 75 "$root/var/lib/edge-affect-publish could not be removed; unsent records may be in it."
    say "Uninstalled"
}

"run_$goal"
