"""Every source in a state ready to be tested, and what the tests may do to its world."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fake_sound import FakeHost
from media import write_clip
from pulse import PulseServer, why_not

from edge_affect.capture.camera_asked import CameraSettings
from edge_affect.capture.camera_names import v4l2_cameras
from edge_affect.capture.gst_camera import SINK, GstSource, load_gst
from edge_affect.capture.media_time import MediaTime
from edge_affect.capture.microphone import Microphone
from edge_affect.capture.pi_camera import PiCameraSource
from edge_affect.capture.replay import ReplayAudio, ReplayVideo
from edge_affect.capture.synthetic import SyntheticAudio, SyntheticVideo
from edge_affect.capture.v4l2 import V4l2Source
from edge_affect.clock import Clock, ManualClock, MonotonicClock
from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VIRTUAL = bool(os.environ.get("EDGE_AFFECT_VIRTUAL_CAMERAS"))
"""Whether libcamera has virtual cameras here; see tools/check_cameras.sh."""
CLIP_S = 4.0
PATIENCE_S = 30.0
"""For what takes a moment on a machine that is not held up."""
RATE_HZ = 10.0


@dataclass
class Rig:
    """One source with its surroundings.

    ``is_steady`` is False for a stand-in that keeps no steady rate of its own.
    ``is_paced`` is False for a fast replay, which never lets a reader wait and never drops.
    """

    source: Any
    clock: Clock
    is_paced: bool = True
    is_steady: bool = True
    unplug: Callable[[], None] | None = None
    occupy: Callable[[], None] | None = None
    vacate: Callable[[], None] | None = None
    frame_rate_hz: float = RATE_HZ
    private: str = field(default="recorded-by-jane-doe")

    def wait(self, seconds: float) -> None:
        """Let time pass on the clock of the source."""
        self.clock.sleep(seconds)


def read_on(source: Any) -> None:
    """Read until an error ends it; nothing happens where none comes."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        source.read(0.2)


def in_the_end(look: Callable[[], None]) -> None:
    """Look again and again until there is nothing to object to.

    A busy machine holds sources and readers up now and then; what a source does wrong it does
    wrong every time.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return look()
        except AssertionError:
            if time.monotonic() > deadline_s:
                raise


class FakePiCamera:
    """A stand-in for Picamera2: 30 frames a second of blue, in its byte order."""

    def __init__(self, _wanted: str) -> None:
        self.configuration: dict[str, Any] = {}
        self.is_open = True
        self._gone = threading.Event()

    def create_video_configuration(self, **wishes: Any) -> dict[str, Any]:
        return wishes

    def configure(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration

    def start(self) -> None:
        pass

    def unplug(self) -> None:
        self._gone.set()

    def capture_request(self, *, wait: float) -> FakeRequest:
        assert wait > 1.0
        if self._gone.wait(1 / 30):
            raise RuntimeError("camera frontend has timed out")
        return FakeRequest(self.configuration["main"]["size"])

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self.is_open = False


class FakeRequest:
    """One capture of the stand-in: pure blue."""

    def __init__(self, size_px: tuple[int, int]) -> None:
        self._size_px = size_px

    def make_array(self, name: str) -> np.ndarray:
        assert name == "main"
        pixels = np.zeros((self._size_px[1], self._size_px[0], 3), np.uint8)
        pixels[:, :, 0] = 255
        return pixels

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 20_000_000}

    def release(self) -> None:
        pass


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded-by-jane-doe")
    return write_clip(folder / "recorded-by-jane-doe.mp4", CLIP_S)


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulseServer]:
    """A running server that PortAudio sees for as long as the tests of one module run."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    server = PulseServer(tmp_path_factory.mktemp("pulse"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.env.items():
            patch.setenv(name, value)
        patch.setenv("PULSE_LATENCY_MSEC", "30")
        try:
            server.start()
            yield server
        finally:
            server.stop()


def synthetic_audio(_request: pytest.FixtureRequest) -> Rig:
    clock = ManualClock(1_000_000_007)
    source = SyntheticAudio(clock)
    return Rig(source, clock, unplug=source.unplug, occupy=source.occupy, vacate=source.vacate)


def synthetic_video(_request: pytest.FixtureRequest) -> Rig:
    clock = ManualClock(1_000_000_007)
    source = SyntheticVideo(clock, frame_rate_hz=RATE_HZ)
    return Rig(source, clock, unplug=source.unplug, occupy=source.occupy, vacate=source.vacate)


def _replay(request: pytest.FixtureRequest, kind: str, *, is_paced: bool) -> Rig:
    path = request.getfixturevalue("clip")
    clock = ManualClock(2_000_000_003)
    time_axis = MediaTime(clock, is_paced=is_paced)
    if kind == "audio":
        return Rig(ReplayAudio(path, time_axis), clock, is_paced)
    return Rig(ReplayVideo(path, time_axis, RATE_HZ), clock, is_paced)


def microphone(request: pytest.FixtureRequest) -> Rig:
    request.getfixturevalue("pulse")
    clock = MonotonicClock()
    return Rig(Microphone(clock, "stereo48", channel=1), clock)


def microphone_on_fake(_request: pytest.FixtureRequest) -> Rig:
    clock = MonotonicClock()
    host = FakeHost(clock, is_live=True)
    source = Microphone(clock, "usb:0d8c:0014", 1, host, host.cards)
    card = host.plugged[0]
    return Rig(
        source,
        clock,
        unplug=lambda: host.unplug(card),
        occupy=lambda: card.hold(True),
        vacate=lambda: card.hold(False),
    )


def lavfi_camera(_request: pytest.FixtureRequest) -> Rig:
    clock = MonotonicClock()
    settings = CameraSettings(
        "testsrc=size=320x240:rate=30,realtime", frame_rate_hz=RATE_HZ, av_format="lavfi"
    )
    return Rig(V4l2Source(clock, settings), clock)


def fake_pi_camera(_request: pytest.FixtureRequest) -> Rig:
    clock = MonotonicClock()
    opened: list[FakePiCamera] = []

    def open_fake(wanted: str) -> FakePiCamera:
        opened.append(FakePiCamera(wanted))
        return opened[-1]

    source = PiCameraSource(clock, CameraSettings("", 320, 240, RATE_HZ), open_fake)

    def unplug() -> None:
        opened[-1].unplug()

    return Rig(source, clock, unplug=unplug)


def gst_test_picture(_request: pytest.FixtureRequest) -> Rig:
    try:
        load_gst()
    except DeviceError as error:
        pytest.skip(f"no GStreamer here: {error}")
    clock = MonotonicClock()
    picture = "videotestsrc is-live=true ! video/x-raw,width=322,height=240,framerate=30/1"
    settings = CameraSettings(frame_rate_hz=RATE_HZ)
    return Rig(GstSource(clock, settings, f"{picture} ! {SINK}"), clock)


def usb_camera(_request: pytest.FixtureRequest) -> Rig:
    if not v4l2_cameras():
        pytest.skip("no V4L2 camera on this machine")
    clock = MonotonicClock()
    return Rig(V4l2Source(clock, CameraSettings(frame_rate_hz=RATE_HZ)), clock)


class Persistent:
    """A source that is opened again until it delivers, as its worker would do.

    In four of ten starts the virtual pipeline delivers nothing. That the source notices, and can be
    opened again in the same process, is its own doing.
    """

    def __init__(self, source: Any) -> None:
        self._source = source

    def open(self) -> None:
        for _ in range(12):
            with contextlib.suppress(DeviceError):
                self._source.open()
                if self._source.read(5.0) is not None:
                    return
            self._source.close()
            time.sleep(0.5)
        raise DeviceError("The virtual camera does not start.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def real_pi_camera(_request: pytest.FixtureRequest) -> Rig:
    picamera2 = pytest.importorskip("picamera2", reason="picamera2 not installed")
    if not picamera2.Picamera2.global_camera_info():
        pytest.skip("no Pi camera on this machine")
    clock = MonotonicClock()
    if VIRTUAL:
        from virtual_pi import open_virtual

        settings = CameraSettings("Virtual1", frame_rate_hz=RATE_HZ)
        camera = Persistent(PiCameraSource(clock, settings, open_virtual))
        return Rig(camera, clock, is_steady=False)
    return Rig(PiCameraSource(clock, CameraSettings(frame_rate_hz=RATE_HZ)), clock)


AUDIO: dict[str, Callable[[pytest.FixtureRequest], Rig]] = {
    "synthetic": synthetic_audio,
    "replay": lambda request: _replay(request, "audio", is_paced=True),
    "replay-fast": lambda request: _replay(request, "audio", is_paced=False),
    "microphone-on-pulse": microphone,
    "microphone-on-fake": microphone_on_fake,
}
VIDEO: dict[str, Callable[[pytest.FixtureRequest], Rig]] = {
    "synthetic": synthetic_video,
    "replay": lambda request: _replay(request, "video", is_paced=True),
    "replay-fast": lambda request: _replay(request, "video", is_paced=False),
    "v4l2-class-on-lavfi": lavfi_camera,
    "gstreamer-test-picture": gst_test_picture,
    "pi-camera-fake": fake_pi_camera,
    "usb-camera": usb_camera,
    "pi-camera": real_pi_camera,
}
