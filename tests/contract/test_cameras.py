"""Cameras that hang, end, are missing, or deliver their colours the wrong way round."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from rigs import PATIENCE_S, FakePiCamera, read_on

from edge_affect.capture import frame_pump, v4l2
from edge_affect.capture.camera_asked import CameraSettings
from edge_affect.capture.camera_names import v4l2_cameras
from edge_affect.capture.frame_pump import PumpedSource, Shot
from edge_affect.capture.orientation import Orientation
from edge_affect.capture.pi_camera import PiCameraSource, open_picamera2, sensor_age_ns, tidily
from edge_affect.capture.v4l2 import V4l2Source, stamp_age_ns
from edge_affect.clock import MonotonicClock
from edge_affect.errors import DeviceError

# After eight frames the next one is an hour away: the driver's read blocks in C, as a hung one.
HANGING = "testsrc=size=320x240:rate=30,setpts='if(gt(N,7),PTS+3600/TB,PTS)',realtime=limit=99999"
ENDING = "testsrc=size=320x240:rate=30:duration=0.3,realtime"


def lavfi(graph: str) -> V4l2Source:
    return V4l2Source(
        MonotonicClock(), CameraSettings(graph, frame_rate_hz=30.0, av_format="lavfi")
    )


def test_camera_that_hangs_blocks_neither_read_nor_close() -> None:
    camera = lavfi(HANGING)
    camera.open()
    began_s = time.monotonic()
    n_empty = 0
    while n_empty < 2 and time.monotonic() - began_s < PATIENCE_S:
        n_empty += camera.read(0.3) is None
    assert n_empty == 2
    camera.close()
    # Nobody waited for the hour that the driver takes.
    assert time.monotonic() - began_s < 2 * PATIENCE_S


def test_camera_that_ends_is_an_error() -> None:
    camera = lavfi(ENDING)
    camera.open()
    with pytest.raises(DeviceError, match="has gone; plug it in again"):
        read_on(camera)
    camera.close()


def test_missing_camera_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(v4l2, "v4l2_cameras", lambda: v4l2_cameras(tmp_path, tmp_path))
    with pytest.raises(
        DeviceError, match=r"^There is no camera(, so none named .*)?; plug one in\.$"
    ):
        V4l2Source(MonotonicClock(), CameraSettings()).open()


def test_file_in_the_place_of_a_camera_is_refused(monkeypatch, tmp_path) -> None:
    (tmp_path / "video0").write_bytes(b"not a camera")
    monkeypatch.setattr(v4l2, "v4l2_cameras", lambda: v4l2_cameras(tmp_path, tmp_path))
    with pytest.raises(DeviceError, match="cannot be opened"):
        V4l2Source(MonotonicClock(), CameraSettings()).open()


@pytest.mark.parametrize(("stamp_s", "age_ns"), [(9.99, 10_000_000), (10.1, 0), (4.0, 0)])
def test_stamps_of_the_kernel_are_believed_where_they_can_be(stamp_s, age_ns: int) -> None:
    assert stamp_age_ns(stamp_s, lambda: 10_000_000_000) == age_ns


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [
        (Orientation(), (0, 0)),
        (Orientation(90), (0, -1)),
        (Orientation(180), (-1, -1)),
        (Orientation(270), (-1, 0)),
        (Orientation(0, is_mirrored=True), (0, -1)),
        (Orientation(180, is_mirrored=True), (-1, 0)),
    ],
)
def test_pictures_come_upright(orientation: Orientation, corner: tuple[int, int]) -> None:
    # A white mark in the upper left corner of what the camera delivers.
    marked = "color=black:size=320x240:rate=30,drawbox=0:0:40:40:white:fill,realtime"
    settings = CameraSettings(marked, orientation=orientation, av_format="lavfi")
    camera = V4l2Source(MonotonicClock(), settings)
    camera.open()
    frame = camera.read(5.0)
    camera.close()
    assert frame is not None
    is_on_its_side = orientation.rotation_deg in (90, 270)
    assert frame.pixels.shape[:2] == ((320, 240) if is_on_its_side else (240, 320))
    levels = {
        place: int(frame.pixels[place].mean()) for place in ((0, 0), (0, -1), (-1, -1), (-1, 0))
    }
    assert [place for place, level in levels.items() if level > 200] == [corner]


def test_colours_of_the_pi_camera_are_put_right_and_its_mode_is_asked_for() -> None:
    opened: list[FakePiCamera] = []

    def open_fake(wanted: str) -> FakePiCamera:
        opened.append(FakePiCamera(wanted))
        return opened[-1]

    source = PiCameraSource(MonotonicClock(), CameraSettings("", 320, 240, 15.0), open_fake)
    source.open()
    frame = source.read(2.0)
    assert frame is not None
    assert frame.pixels.shape == (240, 320, 3)
    assert frame.pixels[0, 0].tolist() == [0, 0, 255]
    source.close()
    assert opened[0].configuration == {
        "main": {"format": "RGB888", "size": (320, 240)},
        "controls": {"FrameRate": 15.0},
        "buffer_count": 4,
    }
    assert [camera.is_open for camera in opened] == [False]


@pytest.mark.parametrize(
    ("metadata", "age_ns"),
    [
        ({}, 0),
        ({"SensorTimestamp": 990}, 10),
        ({"SensorTimestamp": 1001}, 0),
        ({"SensorTimestamp": -6_000_000_000}, 0),
    ],
)
def test_age_of_a_picture_is_believed_where_it_can_be(metadata, age_ns: int) -> None:
    assert sensor_age_ns(metadata, boot_ns=lambda: 1000) == age_ns


class RefusingLibrary:
    """Picamera2 where the camera is held by another program: it makes its pipe first."""

    def __init__(self, _number: int, *, is_acquired: bool = False) -> None:
        reading, self.notifyme_w = os.pipe()
        self.notifymeread = os.fdopen(reading, "rb")
        self.is_open, self.camera = is_acquired, self
        raise RuntimeError("Camera __init__ sequence did not complete.")

    def release(self) -> None:
        RELEASED.append(self)


RELEASED: list[RefusingLibrary] = []


@pytest.mark.parametrize("is_acquired", [False, True])
def test_a_pi_camera_that_is_refused_leaves_nothing_behind(is_acquired: bool) -> None:
    RELEASED.clear()
    kept = []
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        with pytest.raises(RuntimeError, match="did not complete") as told:
            tidily(RefusingLibrary)(0, is_acquired=is_acquired)
        # As long as somebody looks at the error, nothing is collected.
        kept.append(told)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert len(RELEASED) == 10 * is_acquired


def test_missing_picamera2_says_how_to_get_it() -> None:
    try:
        import picamera2  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("picamera2 is installed here")
    with pytest.raises(DeviceError, match="sudo apt install python3-picamera2"):
        open_picamera2("")


class Broken:
    """A driver whose library raises what it likes."""

    def __init__(self, fails_at: str) -> None:
        self.fails_at = fails_at

    def start(self) -> None:
        self._do("start")

    def shoot(self) -> Shot:
        self._do("shoot")
        return Shot(time.monotonic_ns(), lambda: np.zeros((48, 64, 3), np.uint8))

    def stop(self) -> None:
        self._do("stop")

    def _do(self, what: str) -> None:
        if what == self.fails_at:
            raise KeyError(what)


@pytest.mark.parametrize("fails_at", ["start", "shoot", "stop"])
def test_a_driver_that_breaks_is_a_lost_device_and_no_lost_thread(caplog, fails_at: str) -> None:
    source = PumpedSource(lambda: Broken(fails_at), CameraSettings(), "camera")
    began_s = time.monotonic()
    if fails_at == "stop":
        source.open()
        source.close()
    else:
        with pytest.raises(DeviceError) as caught:
            open_and_read_on(source)
        assert str(caught.value).startswith(
            f"The driver of the camera failed (KeyError: '{fails_at}')"
        )
    assert time.monotonic() - began_s < PATIENCE_S
    assert "the driver of the camera failed" in caplog.text


def open_and_read_on(source: PumpedSource) -> None:
    source.open()
    read_on(source)


class Unanswering:
    """A driver whose opening hangs until it is let go."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def start(self) -> None:
        self.released.wait(120.0)

    def shoot(self) -> Shot:
        return Shot(time.monotonic_ns(), lambda: np.zeros((48, 64, 3), np.uint8))

    def stop(self) -> None:
        pass


def test_a_camera_that_does_not_answer_costs_one_thread_however_often_it_is_tried(
    monkeypatch,
) -> None:
    monkeypatch.setattr(frame_pump, "OPEN_TIMEOUT_S", 0.05)
    camera = Unanswering()
    source = PumpedSource(lambda: camera, CameraSettings(), "camera")
    before = set(threading.enumerate())
    for _ in range(10):
        with pytest.raises(DeviceError, match="does not answer"):
            source.open()
    assert len(set(threading.enumerate()) - before) == 1
    assert source.is_held
    camera.released.set()
    # From now on it may take its time.
    monkeypatch.setattr(frame_pump, "OPEN_TIMEOUT_S", PATIENCE_S)
    deadline_s = time.monotonic() + PATIENCE_S
    while source.is_held and time.monotonic() < deadline_s:
        time.sleep(0.01)
    source.open()
    assert source.read(PATIENCE_S) is not None
    source.close()
    assert not source.is_held
