"""Whatever microphone and camera this machine really has; skipped with the reason elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from edge_affect.capture.camera_asked import CameraSettings
from edge_affect.capture.camera_names import v4l2_cameras
from edge_affect.capture.microphone import Microphone
from edge_affect.capture.v4l2 import V4l2Source
from edge_affect.clock import MonotonicClock
from edge_affect.types import SAMPLE_RATE_HZ


def test_default_microphone_delivers() -> None:
    if not Path("/proc/asound/cards").exists():
        pytest.skip("no sound card on this machine (no /proc/asound)")
    microphone = Microphone(MonotonicClock())
    microphone.open()
    n_samples = 0
    deadline_s = time.monotonic() + 5.0
    while n_samples < SAMPLE_RATE_HZ and time.monotonic() < deadline_s:
        block = microphone.read(0.5)
        n_samples += 0 if block is None else block.samples.size
    microphone.close()
    assert n_samples >= SAMPLE_RATE_HZ


def test_first_camera_delivers_pictures_that_differ() -> None:
    cameras = v4l2_cameras()
    if not cameras:
        pytest.skip("no V4L2 camera on this machine")
    camera = V4l2Source(MonotonicClock(), CameraSettings(cameras[0].names[0]))
    camera.open()
    frames = [camera.read(3.0) for _ in range(5)]
    camera.close()
    pixels = [frame.pixels for frame in frames if frame is not None]
    assert len(pixels) == 5
    # A real sensor has noise: two pictures are never the same.
    assert not np.array_equal(pixels[0], pixels[-1])
