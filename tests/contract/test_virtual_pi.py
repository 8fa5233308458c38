"""The real Picamera2 without a Pi, and the real GStreamer: see tools/check_cameras.sh."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rigs import VIRTUAL, Persistent

from edge_affect.capture import frame_pump
from edge_affect.capture.camera_asked import CameraSettings
from edge_affect.capture.orientation import Orientation
from edge_affect.capture.pi_camera import PiCameraSource
from edge_affect.clock import MonotonicClock
from edge_affect.errors import DeviceError

pytestmark = pytest.mark.skipif(
    not VIRTUAL, reason="no virtual cameras here; run: make check-cameras"
)
BLUE, RED = (20, 40, 200), (200, 40, 20)


def source(wanted: str, orientation: Orientation | None = None) -> Persistent:
    from virtual_pi import open_virtual

    settings = CameraSettings(wanted, 640, 480, 10.0, orientation or Orientation())
    return Persistent(PiCameraSource(MonotonicClock(), settings, open_virtual))


def first_frame(wanted: str, orientation: Orientation | None = None) -> np.ndarray:
    camera = source(wanted, orientation)
    camera.open()
    frame = camera.read(5.0)
    camera.close()
    assert frame is not None
    return frame.pixels


@pytest.mark.parametrize(
    ("wanted", "colour"), [("Virtual1", BLUE), ("virtual0", RED), ("red wall", RED)]
)
def test_the_camera_that_is_meant_opens_and_its_colours_are_right(wanted: str, colour) -> None:
    corner = first_frame(wanted)[10, 10].astype(int)
    assert np.abs(corner - colour).max() <= 6, corner


def test_which_of_two_is_asked_and_one_that_is_not_there_is_named() -> None:
    from virtual_pi import open_virtual

    with pytest.raises(DeviceError, match="There are 2 Pi cameras here"):
        open_virtual("")
    with pytest.raises(DeviceError, match="There is no Pi camera named 'imx219'; plug it in"):
        open_virtual("imx219")


def test_pictures_are_turned() -> None:
    assert first_frame("Virtual1", Orientation(90)).shape == (640, 480, 3)


def n_descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_openings_leave_no_descriptors_behind_even_where_they_hang(monkeypatch) -> None:
    from virtual_pi import open_virtual

    def open_slowly(wanted: str) -> object:
        time.sleep(1.0)
        return open_virtual(wanted)

    # The manager of libcamera, the interpreter's own and so on come with the first one.
    first_frame("Virtual1")
    before = n_descriptors()
    first_frame("Virtual1")
    monkeypatch.setattr(frame_pump, "OPEN_TIMEOUT_S", 0.3)
    for _ in range(3):
        hung = PiCameraSource(MonotonicClock(), CameraSettings("Virtual1"), open_slowly)
        with pytest.raises(DeviceError, match="does not answer"):
            hung.open()
        hung.close()
    deadline_s = time.monotonic() + 20.0
    while n_descriptors() > before and time.monotonic() < deadline_s:
        time.sleep(0.5)
    assert n_descriptors() <= before


IN_THE_CAGE = """
import sys, time
from edge_affect.sensing import cage
cage.enter(cage.CagePolicy(devices=cage.CAMERA_DEVICES, preload=(sys.argv[1],)))
n_refused = len(cage.prove().refused)
from edge_affect.capture.camera_asked import CameraSettings
from edge_affect.clock import MonotonicClock
if sys.argv[1] == "virtual_pi":
    from virtual_pi import open_virtual
    from edge_affect.capture.pi_camera import PiCameraSource
    from rigs import Persistent
    camera = Persistent(PiCameraSource(MonotonicClock(), CameraSettings("Virtual1"), open_virtual))
else:
    from edge_affect.capture.gst_camera import SINK, GstSource
    camera = GstSource(MonotonicClock(), CameraSettings(), "videotestsrc is-live=true ! " + SINK)
for _ in range(2):
    camera.open()
    shapes = [camera.read(5.0).pixels.shape for _ in range(3)]
    camera.close()
print(n_refused > 30, shapes)
"""


@pytest.mark.parametrize("library", ["virtual_pi", "edge_affect.capture.gst_camera"])
def test_it_works_inside_the_cage(library: str) -> None:
    environment = {**os.environ}
    here = str(Path(__file__).parent)
    environment["PYTHONPATH"] = f"{environment['PYTHONPATH']}:{here}"
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_CAGE, library],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("True [("), done.stderr[-2000:]
