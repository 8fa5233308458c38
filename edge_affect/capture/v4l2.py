"""USB and other cameras behind /dev/video*, through PyAV."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.capture.frame_pump import PumpedSource, Shot
from edge_affect.capture.media_file import to_rgb
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_affect.clock import Clock

V4L2 = "v4l2"
MAX_AGE_S = 1.0
"""Kernels stamp pictures on the monotonic clock; a stamp further off comes from another clock."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What to ask of a camera.

    Attributes:
        device: Path of the V4L2 device; for other formats whatever they take.
        width_px: Width asked for; the driver takes the nearest it has.
        height_px: Height asked for.
        frame_rate_hz: Rate asked for, and frames handed out per second at most.
        av_format: Name of PyAV's input format; another one than V4L2 is for tests and
            experiments ("lavfi" draws live test pictures).
    """

    device: str = "/dev/video0"
    width_px: int = 640
    height_px: int = 480
    frame_rate_hz: float = 10.0
    av_format: str = V4L2


class V4l2Source(PumpedSource):
    """A camera that delivers MJPEG, YUYV or whatever else its driver speaks."""

    def __init__(self, clock: Clock, settings: CameraSettings) -> None:
        super().__init__(
            lambda: _AvCamera(clock, settings),
            settings.frame_rate_hz,
            settings.device if settings.av_format == V4L2 else f"{settings.av_format} test picture",
        )


class _AvCamera:
    """The driver's side, in the thread of the camera."""

    def __init__(self, clock: Clock, settings: CameraSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())

    def start(self) -> None:
        """Open the device; see ``Camera``."""
        settings = self._settings
        if settings.av_format == V4L2 and not Path(settings.device).exists():
            raise DeviceError(_no_such_camera(settings.device))
        import av

        options = {}
        if settings.av_format == V4L2:
            options = {
                "video_size": f"{settings.width_px}x{settings.height_px}",
                "framerate": f"{settings.frame_rate_hz:g}",
            }
        try:
            self._container = av.open(settings.device, format=settings.av_format, options=options)
        except (av.FFmpegError, OSError) as error:
            raise DeviceError(_refusal(settings.device, error)) from None
        self._frames = self._container.decode(video=0)

    def shoot(self) -> Shot:
        """Wait for the next picture; see ``Camera``."""
        import av

        try:
            raw = next(self._frames)
        except (StopIteration, av.FFmpegError, OSError):
            raise DeviceError(
                f"The camera {self._settings.device} has gone; plug it in again."
            ) from None
        return Shot(self._taken_ns(raw), lambda: to_rgb(raw))

    def stop(self) -> None:
        """Close the device."""
        self._container.close()

    def _taken_ns(self, raw: Any) -> int:
        now_ns = self._clock.now_ns()
        if self._settings.av_format != V4L2 or raw.time is None:
            return now_ns
        stamped_ns = round(raw.time * NS_PER_S)
        return stamped_ns if 0 <= now_ns - stamped_ns <= MAX_AGE_S * NS_PER_S else now_ns


def _no_such_camera(device: str) -> str:
    others = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*")))
    if others:
        return f"There is no camera {device}; set [video] device to one of: {others}."
    return f"There is no camera {device} and no other one; plug one in."


def _refusal(device: str, error: OSError | Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EBUSY:
        return f"The camera {device} is in use by another program; close that one."
    if number in (errno.EACCES, errno.EPERM):
        return f"The camera {device} may not be used by this user; add it to the group video."
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"The camera {device} cannot be opened ({reason}); unplug it and plug it in again."
