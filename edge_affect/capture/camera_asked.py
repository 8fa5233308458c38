"""What to ask of a camera, whatever it is reached through."""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.capture.orientation import UPRIGHT, Orientation

V4L2 = "v4l2"


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What to ask of a camera.

    Attributes:
        device: Part of a name that lasts, see ``camera_names``; for other formats whatever they
            take.
        width_px: Width asked for; the driver takes the nearest it has.
        height_px: Height asked for.
        frame_rate_hz: Rate asked for, and frames handed out per second at most.
        orientation: What makes the pictures upright.
        av_format: Name of PyAV's input format; another one than V4L2 is for tests and
            experiments ("lavfi" draws live test pictures).
    """

    device: str = ""
    width_px: int = 640
    height_px: int = 480
    frame_rate_hz: float = 10.0
    orientation: Orientation = UPRIGHT
    av_format: str = V4L2
