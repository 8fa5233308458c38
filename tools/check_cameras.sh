#!/bin/sh
# Runs the contract suite over the real Picamera2, on libcamera's virtual cameras, and over the real
# GStreamer, on its test picture, in a Debian 13 root. Needs root, debootstrap and the network the
# first time; what was installed is kept in a layer of that root.
#
# usage: tools/check_cameras.sh [PYTEST-OPTION]...
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)

if [ "${1:-}" != --inside ]; then
    exec "$here/tools/debian_root.sh" run trixie --layer cameras --bind "$here:/src" --chdir /src \
        -- sh tools/check_cameras.sh --inside "$@"
fi
shift

box=/opt/box
packages="python3-libcamera libcamera-ipa python3-venv python3-dev gcc libcap-dev libportaudio2 \
python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base"
if [ ! -e "$box/.ready-1" ]; then
    echo "== Installing libcamera, GStreamer and Picamera2" >&2
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of package names
    apt-get install -y -qq --no-install-recommends $packages >/dev/null
    python3 -m venv --clear --system-site-packages "$box"
    # Without what it needs for a screen only; Debian itself has no Picamera2.
    "$box/bin/pip" install -q --no-deps picamera2==0.3.38
    "$box/bin/pip" install -q --constraint requirements/constraints.txt \
        numpy pillow av soxr sounddevice paho-mqtt pytest hypothesis jsonschema \
        piexif simplejpeg v4l2-python3 pidng videodev2 tqdm libarchive-c python-prctl
    touch "$box/.ready-1"
fi

# For a preview on a screen, which is never asked for.
mkdir -p "$box/stubs" /usr/share/libcamera/pipeline/virtual
printf 'import unittest.mock\n\nPixelFormat = unittest.mock.Mock()\n' >"$box/stubs/pykms.py"
"$box/bin/python" - "$box/frames" <<'PICTURES'
import sys
from pathlib import Path

from PIL import Image, ImageDraw

# A white square that walks over blue, and over red.
for name, colour in (("blue", (20, 40, 200)), ("red", (200, 40, 20))):
    folder = Path(sys.argv[1]) / name
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(60):
        picture = Image.new("RGB", (640, 480), colour)
        ImageDraw.Draw(picture).rectangle((n * 8, 200, n * 8 + 80, 280), fill=(240, 240, 240))
        picture.save(folder / f"{n:03d}.jpg", quality=95)
PICTURES
{
    printf '%%YAML 1.1\n---\n'
    for camera in 0:red 1:blue; do
        cat <<CAMERA
"Virtual${camera%:*}":
  supported_formats:
  - width: 640
    height: 480
  frames:
    path: "$box/frames/${camera#*:}/"
  location: "CameraLocationFront"
  model: "${camera#*:} wall"
CAMERA
    done
} >/usr/share/libcamera/pipeline/virtual/virtual.yaml

# Where udev's socket is refused, as in the cage, libcamera looks into sysfs, which has no such folder
# where the kernel knows no camera at all.
mount -t tmpfs tmpfs /sys
mkdir -p /sys/bus/media/devices

# Picamera2 ends by making an allocator from the DMA heap, which says so when it is thrown away,
# and uses what Python 3.13 warns of.
export PYTHONPATH=/src:$box/stubs PYTHONDONTWRITEBYTECODE=1 EDGE_AFFECT_VIRTUAL_CAMERAS=1
export LIBCAMERA_LOG_LEVELS='*:ERROR'
exec "$box/bin/python" -m pytest -q -p no:cacheprovider \
    -W ignore::pytest.PytestUnraisableExceptionWarning \
    -W ignore:setDaemon:DeprecationWarning \
    tests/contract/test_virtual_pi.py tests/contract/test_sources.py -k "pi-camera or gstreamer or virtual" "$@"
