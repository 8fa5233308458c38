"""``doctor --look``: which way up the camera hangs, by faces in four turns of its pictures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_affect import camera_trial, cli
from edge_affect.capture.synthetic import SyntheticVideo
from edge_affect.clock import MonotonicClock
from edge_affect.config import Config, Face
from edge_affect.consent import Switches
from edge_affect.diagnosis.check import State, Subject
from edge_affect.diagnosis.upright import finding_of, upright
from edge_affect.errors import ExitCode, UnavailableError
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.uprightness import best_turn, turns
from edge_affect.types import VideoFrame

BOX = (
    "[deployment]\nsetting = 'home'\njurisdiction = 'UK'\npurpose = 'x'\ncontact = 'y'\n"
    "[audio]\nsource = 'none'\n[video]\nsource = 'synthetic'\n"
)
needs_cage = pytest.mark.skipif(
    os.environ.get("EDGE_AFFECT_REQUIRE_CAGE") != "1" and not Path("/proc/self/ns/user").exists(),
    reason="this kernel has no namespaces",
)


class TurnedCamera:
    """The synthetic camera, hung by some quarters counter-clockwise."""

    name = "turned camera"

    def __init__(self, clock, quarters, *, shows_face=True):
        self._video = SyntheticVideo(clock, 640, 480, 15.0)
        self._quarters = quarters
        self.frames = []
        if not shows_face:
            self._video.show_wall()

    def open(self):
        self._video.open()

    def read(self, timeout_s):
        frame = self._video.read(timeout_s)
        if frame is None:
            return None
        pixels = np.ascontiguousarray(np.rot90(frame.pixels, self._quarters))
        self.frames.append(pixels)
        return VideoFrame(pixels, frame.captured_ns)

    def close(self):
        self._video.close()


@pytest.mark.parametrize("quarters", range(4))
def test_faces_tell_which_way_up_a_camera_hangs(quarters, monkeypatch):
    monkeypatch.setattr(camera_trial, "N_PICTURES", 2)
    camera = TurnedCamera(MonotonicClock(), quarters)
    assert camera_trial.look(camera, Config(), MonotonicClock()) == {
        "pictures": 2, "quarters": quarters,
    }  # fmt: skip
    # Nothing of what was seen is left in memory.
    assert len(camera.frames) >= 2
    assert not any(pixels.any() for pixels in camera.frames)


def test_a_wall_tells_nothing(monkeypatch):
    monkeypatch.setattr(camera_trial, "N_PICTURES", 1)
    camera = TurnedCamera(MonotonicClock(), 0, shows_face=False)
    found = camera_trial.look(camera, Config(), MonotonicClock())
    assert found == {"pictures": 1, "quarters": None}


def test_a_face_in_one_picture_of_many_is_enough_and_a_narrow_lead_is_not():
    nobody = np.zeros(4)
    assert best_turn([nobody] * 7 + [np.array([0.1, 0.9, 0.0, 0.6])]) == 1
    assert best_turn([np.array([0.9, 0.0, 0.87, 0.0])]) is None
    assert best_turn([np.array([0.4, 0.0, 0.0, 0.0])]) is None
    assert best_turn([]) is None


def test_a_blank_picture_shows_nobody_in_any_turn():
    reader = FaceReader(FaceModels.load(), Face())
    assert turns(np.full((480, 640, 3), 128, np.uint8), reader).tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("quarters", "configured_deg", "state", "words"),
    [
        (0, 90, State.OK, "upright at rotation_deg = 90, as configured"),
        (1, 0, State.WARN, "upright at rotation_deg = 90, not at 0"),
        (3, 180, State.WARN, "upright at rotation_deg = 90, not at 180"),
        (None, 0, State.WARN, "None of 8 pictures shows a face"),
    ],
)
def test_the_doctor_says_which_rotation_is_right(quarters, configured_deg, state, words):
    finding = finding_of({"pictures": 8, "quarters": quarters}, configured_deg)
    assert (finding.state, words in finding.sentence) == (state, True)


def test_a_camera_without_pictures_is_a_failure():
    with pytest.raises(UnavailableError, match="delivered no picture"):
        finding_of({"pictures": 0, "quarters": None}, 0)


def test_what_switches_decide_over_is_not_opened(tmp_path):
    settings = Config(switches=Switches(mute_pin=17))
    finding = upright(Subject(settings, tmp_path / "box.toml"))
    assert (finding.state, "does not open it" in finding.sentence) == (State.WARN, True)


def test_a_look_needs_a_declared_deployment(capsys):
    assert cli.main(["doctor", "--look"]) == ExitCode.USAGE
    assert "--config" in capsys.readouterr().err


def examined(tmp_path, capsys, text, *options):
    path = tmp_path / "box.toml"
    path.write_text(text)
    code = cli.main(["doctor", "--config", str(path), "--only", "devices", "--json", *options])
    rows = json.loads(capsys.readouterr().out)["checks"]
    return code, {row["name"]: row for row in rows}


@needs_cage
def test_the_doctor_looks_only_when_it_is_told_to(tmp_path, capsys):
    code, rows = examined(tmp_path, capsys, BOX)
    assert (code, "camera-upright" in rows) == (0, False)
    code, rows = examined(tmp_path, capsys, BOX, "--look")
    assert (code, rows["camera-upright"]["state"]) == (0, "ok")
    assert "as configured" in rows["camera-upright"]["finding"]


@needs_cage
def test_a_camera_that_is_not_there_is_told_in_the_words_of_its_driver(tmp_path, capsys):
    code, rows = examined(tmp_path, capsys, BOX.replace("synthetic", "camera"), "--look")
    row = rows["camera-upright"]
    assert (code, row["state"], row["exit_code"]) == (69, "fail", 69)
    assert "no camera" in row["finding"]


def test_outside_the_allowed_hours_nothing_is_opened(tmp_path):
    path = tmp_path / "box.toml"
    path.write_text(BOX + "[consent]\nhours = 'mon 00:00-00:01'\n")
    done = subprocess.run(
        [sys.executable, "-m", "edge_affect.camera_trial"],
        input=json.dumps({"config": str(path)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.UNAVAILABLE
    assert "may not be opened now" in json.loads(done.stdout)["error"]
