"""Cameras that deliver and show nothing: told within five seconds, and over when it is over."""

import numpy as np
import pytest

from edge_affect.capture.picture_check import PictureCheck, exposure, state_of
from edge_affect.capture.synthetic import SyntheticVideo
from edge_affect.clock import ManualClock
from edge_affect.record import SourceState
from edge_affect.sensing.shown_frames import ShownFrames
from edge_affect.types import VideoFrame

TOLD_WITHIN_S = 5.0


@pytest.fixture
def camera():
    source = SyntheticVideo(ManualClock(), 160, 120, frame_rate_hz=10.0)
    source.open()
    return source


def states(camera, take, seconds):
    """Return what ``take`` says of each frame of the next seconds."""
    told = []
    for _ in range(round(seconds * 10)):
        frame = camera.read(1.0)
        assert frame is not None
        told.append(take(frame))
    return told


FAULTS = {
    "covered": (lambda c: c.light(0.0), lambda c: c.light(1.0), SourceState.SILENT),
    "dusk": (lambda c: c.light(0.2), lambda c: c.light(1.0), SourceState.POOR),
    "lamp": (lambda c: c.light(4.0), lambda c: c.light(1.0), SourceState.POOR),
    "frozen": (SyntheticVideo.hold, SyntheticVideo.let_go, SourceState.STALLED),
}


@pytest.mark.parametrize("scene", ["face", "wall"])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_each_fault_is_told_and_its_end_too(camera, fault, scene):
    strike, repair, expected = FAULTS[fault]
    if scene == "wall":
        camera.show_wall()
    check = PictureCheck()
    assert set(states(camera, check.judge, 3.0)) == {SourceState.OK}
    strike(camera)
    struck = states(camera, check.judge, TOLD_WITHIN_S)
    assert struck[-1] is expected
    assert set(struck) == {SourceState.OK, expected}
    repair(camera)
    assert states(camera, check.judge, 2.0)[-1] is SourceState.OK


def test_a_flash_and_a_blink_of_darkness_are_not_told(camera):
    check = PictureCheck()
    told = states(camera, check.judge, 2.0)
    for light in (4.0, 0.0):
        camera.light(light)
        told += states(camera, check.judge, 0.8)
        camera.light(1.0)
        told += states(camera, check.judge, 2.0)
    assert set(told) == {SourceState.OK}


def test_two_faults_that_take_turns_are_both_told(camera):
    check = PictureCheck()
    camera.light(0.0)
    assert states(camera, check.judge, 3.0)[-1] is SourceState.SILENT
    camera.light(4.0)
    assert states(camera, check.judge, 2.0)[-1] is SourceState.POOR


def test_a_black_picture_that_does_not_change_is_black_and_not_frozen():
    check = PictureCheck()
    black = [VideoFrame(np.zeros((48, 64, 3), np.uint8), n * 10**8) for n in range(60)]
    assert [check.judge(frame) for frame in black][-1] is SourceState.SILENT


def test_a_still_scene_with_a_sensors_noise_is_not_frozen():
    chance = np.random.default_rng(1)
    check = PictureCheck()
    for n in range(60):
        pixels = np.full((480, 640, 3), 120, np.uint8)
        # One grey level in one pixel of a hundred: quieter than any sensor.
        pixels[chance.random((480, 640)) < 0.01] = 121
        assert check.judge(VideoFrame(pixels, n * 10**8)) is SourceState.OK


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.full((60, 80, 3), 16, np.uint8), SourceState.SILENT),
        (np.full((60, 80, 3), 40, np.uint8), SourceState.POOR),
        (np.full((60, 80, 3), (180, 20, 20), np.uint8), SourceState.OK),
        (np.full((60, 80, 3), (255, 40, 40), np.uint8), SourceState.OK),
        (np.full((60, 80, 3), 255, np.uint8), SourceState.POOR),
    ],
    ids=["video black", "night", "red room", "red light", "white"],
)
def test_what_a_picture_shows(pixels, expected):
    assert state_of(exposure(pixels)) is expected


def test_a_window_behind_somebody_is_not_overexposed():
    pixels = np.full((60, 80, 3), 100, np.uint8)
    pixels[:, :35] = 255
    assert state_of(exposure(pixels)) is SourceState.OK


@pytest.mark.parametrize(("light", "reaches"), [(0.0, False), (0.2, True), (4.0, True)])
def test_what_shows_nothing_is_overwritten_and_goes_no_further(camera, light, reaches):
    seen = []
    check = PictureCheck()
    shown = ShownFrames(check, seen.append)
    camera.light(light)
    states(camera, check.judge, 3.0)
    frame = camera.read(1.0)
    frame.pixels[0, 0] = 7
    check.judge(frame)
    shown(frame)
    assert bool(seen) is reaches
    assert bool(frame.pixels.any()) is reaches
