"""The Pi camera through Picamera2, which Raspberry Pi OS carries as a system package."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edge_affect.capture.camera_names import NamedCamera, find_camera
from edge_affect.capture.frame_pump import PumpedSource, Shot
from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from edge_affect.capture.camera_asked import CameraSettings
    from edge_affect.clock import Clock

FORMAT = "RGB888"
"""libcamera names bytes from the last to the first: in memory this is blue, green, red."""
N_BUFFERS = 4
CAPTURE_TIMEOUT_S = 3.0
"""A camera that hangs must not be waited for: only the thread that holds it can let go of it."""
MAX_AGE_NS = 5_000_000_000
"""A busy machine takes pictures late; a sensor stamp further off comes from another clock."""


class Request(Protocol):
    """One completed capture, as in Picamera2."""

    def make_array(self, name: str) -> NDArray[np.uint8]:
        """Return the picture of a stream, shape ``(height, width, 3)``."""

    def get_metadata(self) -> dict[str, Any]:
        """Return what the camera says about the picture."""

    def release(self) -> None:
        """Give the buffer back."""


class PiCamera(Protocol):
    """The part of Picamera2 that is used here."""

    def create_video_configuration(self, **wishes: Any) -> Any:
        """Return a configuration for continuous capture."""

    def configure(self, configuration: Any) -> Any:
        """Apply a configuration."""

    def start(self) -> Any:
        """Start capturing."""

    def capture_request(self, *, wait: float) -> Request:
        """Wait for the next capture, ``wait`` seconds at most."""

    def stop(self) -> Any:
        """Stop capturing."""

    def close(self) -> Any:
        """Let go of the camera."""


def open_picamera2(wanted: str) -> PiCamera:
    """Open the Pi camera that is meant.

    Args:
        wanted: Part of what libcamera calls it, its id or the model of its sensor ("imx219");
            empty means the only one.

    Raises:
        DeviceError: If the library or the camera is missing, or the camera is in use.
    """
    try:
        from picamera2 import Picamera2  # type: ignore[import-not-found]  # only on a Pi
    except ImportError:
        raise DeviceError(
            "The picamera2 library is missing; install it with sudo apt install python3-picamera2 "
            "and make the virtual environment with --system-site-packages."
        ) from None
    found = find_camera(wanted, pi_cameras(Picamera2.global_camera_info()), "Pi camera")
    try:
        camera: PiCamera = tidily(Picamera2)(int(found.handle))
    except (IndexError, RuntimeError) as error:
        raise DeviceError(
            f"The Pi camera {found.names[0]} cannot be opened ({error}); close other programs "
            "that use it."
        ) from None
    return camera


def tidily(library: type[Any]) -> type[Any]:
    """Return Picamera2 as a class that leaves nothing behind where a camera cannot be opened.

    The library then keeps both ends of a pipe, and a camera that another program holds is tried
    every four seconds: in minutes there would be no descriptors left for anything else.

    Args:
        library: The class ``Picamera2``.
    """

    class TidyPicamera2(library):  # type: ignore[misc]  # the library has no types
        def __init__(self, *args: Any, **wishes: Any) -> None:
            try:
                super().__init__(*args, **wishes)
            except Exception:
                _let_go(self)
                raise

    return TidyPicamera2


def _let_go(camera: Any) -> None:
    """Close what a camera holds of which the opening has failed."""
    if getattr(camera, "is_open", False):
        with suppress(RuntimeError):
            camera.camera.release()
    with suppress(AttributeError, OSError):
        camera.notifymeread.close()
    with suppress(AttributeError, OSError):
        os.close(camera.notifyme_w)


def pi_cameras(info: Sequence[dict[str, Any]]) -> list[NamedCamera]:
    """Return the cameras that libcamera knows.

    Args:
        info: ``Picamera2.global_camera_info()``. Its ids say where a camera is connected, and last;
            what opens one is its place in this list, which is not its "Num".
    """
    return [NamedCamera(str(at), (one["Id"], one["Model"])) for at, one in enumerate(info)]


class PiCameraSource(PumpedSource):
    """A Pi camera in video mode.

    Args:
        clock: Stamps the frames.
        settings: ``device`` is part of the camera's id or model.
        open_camera: Opens that camera; replaced by tests.
    """

    def __init__(
        self,
        clock: Clock,
        settings: CameraSettings,
        open_camera: Callable[[str], PiCamera] = open_picamera2,
    ) -> None:
        super().__init__(lambda: _Driver(clock, settings, open_camera), settings, "Pi camera")


class _Driver:
    """The camera's side, in its own thread."""

    def __init__(
        self, clock: Clock, settings: CameraSettings, open_camera: Callable[[str], PiCamera]
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._open_camera = open_camera
        self._camera: PiCamera | None = None

    def start(self) -> None:
        """Open and start the camera; see ``Camera``."""
        self._camera = self._open_camera(self._settings.device)
        try:
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={
                        "format": FORMAT,
                        "size": (self._settings.width_px, self._settings.height_px),
                    },
                    controls={"FrameRate": self._settings.frame_rate_hz},
                    buffer_count=N_BUFFERS,
                )
            )
            self._camera.start()
        except Exception as error:
            # Whatever it was: a camera that stays acquired could never be opened again.
            with suppress(RuntimeError):
                self._camera.close()
            raise DeviceError(
                f"The Pi camera does not start ({error}); try another [video] size."
            ) from error

    def shoot(self) -> Shot:
        """Wait for the next picture; see ``Camera``."""
        if self._camera is None:
            raise DeviceError("The Pi camera is not started.")
        try:
            request = self._camera.capture_request(wait=CAPTURE_TIMEOUT_S)
        except TimeoutError:
            raise DeviceError(
                f"The Pi camera has delivered nothing for {CAPTURE_TIMEOUT_S:g} s; check its cable."
            ) from None
        except (RuntimeError, OSError) as error:
            raise DeviceError(f"The Pi camera has gone ({error}); check its cable.") from None
        try:
            captured_ns = self._clock.now_ns() - sensor_age_ns(request.get_metadata())
            blue_green_red = request.make_array("main")
        finally:
            request.release()
        return Shot(captured_ns, lambda: np.ascontiguousarray(blue_green_red[:, :, 2::-1]))

    def stop(self) -> None:
        """Stop and close the camera."""
        if self._camera is not None:
            # A capture that hangs stands before the stop in the library's queue, and would keep it
            # from ever being done; libraries of before 2024 cannot throw it away.
            cancel = getattr(self._camera, "cancel_all_and_flush", None)
            if cancel is not None:
                cancel()
            self._camera.stop()
            self._camera.close()


def sensor_age_ns(
    metadata: dict[str, Any],
    boot_ns: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
) -> int:
    """Return how long ago the sensor took the picture, 0 where it does not say.

    Args:
        metadata: Of the capture; ``SensorTimestamp`` counts nanoseconds since the machine booted,
            including suspend, which the monotonic clock leaves out.
        boot_ns: That clock.
    """
    stamp = metadata.get("SensorTimestamp")
    if stamp is None:
        return 0
    age_ns = boot_ns() - int(stamp)
    return age_ns if 0 <= age_ns <= MAX_AGE_NS else 0
