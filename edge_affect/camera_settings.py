"""The table [video]: which camera, and what to ask of it.

Standard library only, like everything the configuration is made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge_affect.errors import ConfigError
from edge_affect.keys import key

QUARTER_DEG = 90
SENSOR = re.compile(r"sensor-([0-7])")
"""How the CSI cameras of a Jetson are called here, by what its device tree fixes."""
_NUMBERED = re.compile(r"(/dev/)?video\d+|\d+")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Video:
    """The picture source."""

    source: str = key(
        "camera",
        "where pictures come from: camera is V4L2 or USB, picamera2 a Pi camera, jetson a CSI "
        "camera through GStreamer (not tried on a Jetson yet)",
        choices=("camera", "picamera2", "jetson", "synthetic", "none"),
    )
    device: str = key(
        "",
        "part of the camera's lasting name, as doctor lists them; empty takes the only one",
    )
    width_px: int = key(640, "width asked for", unit="px", low=160, high=1920)
    height_px: int = key(480, "height asked for", unit="px", low=120, high=1080)
    frame_rate_hz: float = key(
        10.0, "frames analysed per second at most", unit="Hz", low=1, high=30
    )
    rotation_deg: int = key(
        0,
        "clockwise turn that makes the picture upright: 0, 90, 180 or 270",
        unit="degrees",
        low=0,
        high=270,
    )
    mirror: bool = key(False, "the camera delivers a mirror image; turn it round")  # noqa: FBT003 (the default comes first for every key)


def check_video(video: Video) -> None:
    """Check what no single key shows.

    Raises:
        ConfigError: If a camera is named by an address or a number, or turned by no quarter.
    """
    device = video.device
    if _ADDRESS.match(device):
        raise ConfigError(
            f"[video] device is the address {device.split('://')[0]}://...; pictures are never "
            "taken from a network: plug a camera into this machine and name that one."
        )
    if video.rotation_deg % QUARTER_DEG:
        raise ConfigError(
            f"[video] rotation_deg is {video.rotation_deg}; it must be 0, 90, 180 or 270."
        )
    if video.source == "jetson":
        if device and not SENSOR.fullmatch(device):
            raise ConfigError(
                f"[video] device is {device[:80]!r}; CSI cameras of a Jetson are called sensor-0 "
                "to sensor-7, as the device tree orders them."
            )
    elif _NUMBERED.fullmatch(device):
        raise ConfigError(
            f"[video] device is {device!r}, a number that changes from start to start; leave it "
            "empty for the only camera, or give part of a name that edge-affect doctor lists."
        )
