"""USB and other cameras behind /dev/video*, through PyAV."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, Any

from edge_affect.capture.camera_asked import V4L2, CameraSettings
from edge_affect.capture.camera_names import find_camera, v4l2_cameras
from edge_affect.capture.frame_pump import PumpedSource, Shot
from edge_affect.capture.media_file import to_rgb
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_affect.clock import Clock

MAX_AGE_S = 5.0
"""Kernels stamp pictures on the monotonic clock; a busy machine takes them late, a stamp further
off comes from another clock."""


class V4l2Source(PumpedSource):
    """A camera that delivers MJPEG, YUYV or whatever else its driver speaks."""

    def __init__(self, clock: Clock, settings: CameraSettings) -> None:
        super().__init__(
            lambda: _AvCamera(clock, settings),
            settings,
            "camera" if settings.av_format == V4L2 else f"{settings.av_format} test picture",
        )


class _AvCamera:
    """The driver's side, in the thread of the camera."""

    def __init__(self, clock: Clock, settings: CameraSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._name = settings.device
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())

    def start(self) -> None:
        """Open the device; see ``Camera``."""
        settings = self._settings
        node, options = settings.device, {}
        if settings.av_format == V4L2:
            camera = find_camera(settings.device, v4l2_cameras())
            # The node is another one after the next plugging in; the name stays.
            node, self._name = camera.handle, camera.names[0]
            options = {
                "video_size": f"{settings.width_px}x{settings.height_px}",
                "framerate": f"{settings.frame_rate_hz:g}",
            }
        import av

        try:
            self._container = av.open(node, format=settings.av_format, options=options)
        except (av.FFmpegError, OSError) as error:
            raise DeviceError(_refusal(self._name, error)) from None
        self._frames = self._container.decode(video=0)

    def shoot(self) -> Shot:
        """Wait for the next picture; see ``Camera``."""
        import av

        try:
            raw = next(self._frames)
        except (StopIteration, av.FFmpegError, OSError):
            raise DeviceError(f"The camera {self._name} has gone; plug it in again.") from None
        return Shot(self._taken_ns(raw), lambda: to_rgb(raw))

    def stop(self) -> None:
        """Close the device."""
        self._container.close()

    def _taken_ns(self, raw: Any) -> int:
        now_ns = self._clock.now_ns()
        if self._settings.av_format != V4L2 or raw.time is None:
            return now_ns
        return now_ns - stamp_age_ns(raw.time)


def stamp_age_ns(stamp_s: float, kernel_ns: Callable[[], int] = time.monotonic_ns) -> int:
    """Return how long ago the kernel stamped a picture, 0 where that cannot be known.

    Args:
        stamp_s: Seconds on the kernel's monotonic clock, which leaves suspend out.
        kernel_ns: That clock.
    """
    age_ns = kernel_ns() - round(stamp_s * NS_PER_S)
    return age_ns if 0 <= age_ns <= MAX_AGE_S * NS_PER_S else 0


def _refusal(device: str, error: OSError | Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EBUSY:
        return f"The camera {device} is in use by another program; close that one."
    if number in (errno.EACCES, errno.EPERM):
        return f"The camera {device} may not be used by this user; add it to the group video."
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"The camera {device} cannot be opened ({reason}); unplug it and plug it in again."
