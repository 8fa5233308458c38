"""A thread of its own for every camera: it may hang, the reader never does."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge_affect.capture.mailbox import Mailbox
from edge_affect.capture.pacing import FramePacer
from edge_affect.capture.source import not_open
from edge_affect.errors import DeviceError
from edge_affect.types import VideoFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.capture.camera_asked import CameraSettings

OPEN_TIMEOUT_S = 8.0
"""Drivers of cameras take seconds to start; one that takes longer is hung."""
CLOSE_TIMEOUT_S = 0.8
"""After this a thread that hangs in a driver is left behind; it dies with the process."""

log = logging.getLogger("edge_affect.capture")


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture as the device delivers it.

    Attributes:
        captured_ns: Monotonic clock when it was taken, as far as known.
        pixels: Converts it: shape ``(height, width, 3)``, uint8, RGB. Called at once or never.
    """

    captured_ns: int
    pixels: Callable[[], NDArray[np.uint8]]


class Camera(Protocol):
    """A device driver, used by one thread only, from start to stop."""

    def start(self) -> None:
        """Open the device.

        Raises:
            DeviceError: If it is missing, busy or not permitted.
        """

    def shoot(self) -> Shot:
        """Wait for the next picture.

        Raises:
            DeviceError: If the device is gone.
        """

    def stop(self) -> None:
        """Let go of the device."""


class FramePump:
    """Keeps one opened camera delivering into a mailbox that holds the latest frame.

    Args:
        camera: What delivers; a new one for every opening.
        settings: Its rate and orientation are used.
        name: For the thread and for errors.
    """

    def __init__(self, camera: Camera, settings: CameraSettings, name: str) -> None:
        self._camera = camera
        self._pacer = FramePacer(settings.frame_rate_hz)
        self._orientation = settings.orientation
        self._name = name
        self._mailbox: Mailbox[VideoFrame] = Mailbox(1)
        self._started = threading.Event()
        self._refusal: DeviceError | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"capture {name}", daemon=True)

    @property
    def is_held(self) -> bool:
        """Whether the thread still has the camera."""
        return self._thread.is_alive()

    @property
    def is_starting(self) -> bool:
        """Whether the driver has not come back from opening the camera."""
        return self.is_held and not self._started.is_set()

    def start(self) -> None:
        """Start the thread and wait until the camera is open.

        Raises:
            DeviceError: If it cannot be opened within ``OPEN_TIMEOUT_S``.
        """
        self._thread.start()
        if not self._started.wait(OPEN_TIMEOUT_S):
            self._stopping.set()
            raise _does_not_answer(self._name)
        if self._refusal is not None:
            raise self._refusal

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the latest frame not yet read, or None; see ``VideoSource``."""
        delivery = self._mailbox.get(timeout_s)
        if delivery is None:
            return None
        return VideoFrame(delivery.item.pixels, delivery.item.captured_ns, delivery.n_lost)

    def pace(self, frame_rate_hz: float) -> None:
        """Hand out at most so many frames per second from now on."""
        self._pacer.set_rate(frame_rate_hz)

    def stop(self) -> None:
        """End the thread; one that hangs in its driver is left behind."""
        self._stopping.set()
        self._mailbox.close()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        try:
            self._camera.start()
        except Exception as error:  # noqa: BLE001 (any, as libraries raise what they like: told below)
            self._refusal = self._as_device_error(error)
            self._started.set()
            return
        self._started.set()
        try:
            self._deliver()
        except Exception as error:  # noqa: BLE001 (as above)
            self._mailbox.fail(self._as_device_error(error))
        finally:
            self._stop_camera()

    def _stop_camera(self) -> None:
        try:
            self._camera.stop()
        except Exception as error:  # noqa: BLE001 (a device that is gone may not close either)
            log.warning("%s", self._as_device_error(error))

    def _as_device_error(self, error: Exception) -> DeviceError:
        """Return what is wrong with the device; one camera's driver must not end the whole box."""
        if isinstance(error, DeviceError):
            return error
        log.warning("the driver of the %s failed", self._name, exc_info=error)
        return DeviceError(
            f"The driver of the {self._name} failed ({type(error).__name__}: {error}); "
            "unplug it and plug it in again."
        )

    def _deliver(self) -> None:
        last_ns = -1
        while not self._stopping.is_set():
            shot = self._camera.shoot()
            if shot.captured_ns > last_ns and self._pacer.accept(shot.captured_ns):
                last_ns = shot.captured_ns
                pixels = self._orientation.upright(shot.pixels())
                self._mailbox.put(VideoFrame(pixels, shot.captured_ns))


class PumpedSource:
    """A ``VideoSource`` over any camera; opening it makes a new camera and a new thread.

    Args:
        new_camera: Makes the driver, without touching the device.
        settings: Its rate and orientation are used.
        name: Name of the device, nothing personal.
    """

    def __init__(
        self, new_camera: Callable[[], Camera], settings: CameraSettings, name: str
    ) -> None:
        self._new_camera = new_camera
        self._settings = settings
        self._name = name
        self._paced_hz = settings.frame_rate_hz
        self._pump: FramePump | None = None
        self._left_behind: list[FramePump] = []

    @property
    def name(self) -> str:
        """Name of the device."""
        return self._name

    @property
    def is_held(self) -> bool:
        """Whether this process holds the camera, be it in a driver that hangs."""
        self._left_behind = [pump for pump in self._left_behind if pump.is_held]
        return self._pump is not None or bool(self._left_behind)

    def open(self) -> None:
        """Open the camera; see ``VideoSource``."""
        self.close()
        if self.is_held and any(pump.is_starting for pump in self._left_behind):
            # A second thread would only wait behind the first: one every few seconds, for ever.
            raise _does_not_answer(self._name)
        pump = FramePump(self._new_camera(), self._settings, self._name)
        pump.pace(self._paced_hz)
        try:
            pump.start()
        except DeviceError:
            self._left_behind.append(pump)
            raise
        self._pump = pump

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the latest frame not yet read; see ``VideoSource``."""
        pump = self._pump
        if pump is None:
            raise not_open(self._name)
        return pump.read(timeout_s)

    def pace(self, frame_rate_hz: float) -> None:
        """Hand out at most so many frames per second; see ``PacedSource``."""
        self._paced_hz = frame_rate_hz
        pump = self._pump
        if pump is not None:
            pump.pace(frame_rate_hz)

    def close(self) -> None:
        """Come back within a second even where the driver hangs; then ``is_held`` stays true."""
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.stop()
            self._left_behind.append(pump)


def _does_not_answer(name: str) -> DeviceError:
    return DeviceError(f"The {name} does not answer; unplug it and plug it in again.")
