#!/bin/sh
# Sets up what one goal needs and says each step: system packages, a virtual environment of the
# project's own, the Python packages at pinned versions, the third-party model files.
#
# usage: tools/setup.sh demo|dev VENV
set -eu

goal=$1
venv=$2
python=${PYTHON:-python3}

say() { printf '== %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 69; }

packages="libportaudio2 mosquitto mosquitto-clients tzdata"
[ "$goal" = dev ] && packages="$packages pulseaudio pulseaudio-utils libasound2-plugins \
systemd espeak-ng poppler-utils fonts-droid-fallback zbar-tools faketime chromium"
"$python" -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $packages; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $package"
    done
else
    say "This is not Debian; please see to it that you have: $packages"
fi
if [ -n "$missing" ]; then
    say "Installing system packages:$missing"
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            stop "system packages are missing; as root run: apt-get install$missing"
        as_root=sudo
    fi
    # shellcheck disable=SC2086  # a list of package names
    { $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $missing >/dev/null; } ||
        stop "apt-get could not install:$missing"
else
    say "System packages: all there"
fi

constraints=requirements/constraints.txt
if [ ! -x "$venv/bin/python" ]; then
    options=""
    if "$python" -c 'import libcamera' 2>/dev/null; then
        say "Found libcamera: the virtual environment shares the system's picamera2"
        options=--system-site-packages
    fi
    say "Making the virtual environment $venv"
    "$python" -m venv $options "$venv"
fi
if grep -qi 'include-system-site-packages = true' "$venv/pyvenv.cfg"; then
    # The system's picamera2 is compiled against the system's numpy: leave that one alone.
    grep -viE '^(numpy|scipy|pillow)==' "$constraints" >"$venv/constraints.txt"
    constraints=$venv/constraints.txt
fi

say "Installing Python packages at pinned versions (about 150 MB the first time)"
extra=""
[ "$goal" = dev ] && extra="[dev]"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$constraints" --editable ".$extra"

say "Fetching third-party model files"
"$venv/bin/edge-affect" models fetch
