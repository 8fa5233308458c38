"""Attention of a drawn head through the real models, straight and turned, and its command."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from drawn_head import drawn_head
from PIL import Image

from edge_affect.cli import main
from edge_affect.config import Face
from edge_affect.errors import InputMissingError
from edge_affect.evaluation.state_faces import states_of_picture
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_pose import head_pose
from edge_affect.perception.face_search import FaceSearch
from edge_affect.record import STATES
from edge_affect.states import load_states

TURNING = Path(__file__).parents[2] / "benchmarks" / "turned_portraits.py"
SMALL = {"size_px": (240, 240), "centre_px": (120, 115), "half_width_px": 55}


@pytest.fixture(scope="module")
def models():
    try:
        return FaceModels.load()
    except InputMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def attention(models):
    """Return a function from a picture to the attention in it."""
    reader = FaceReader(models, Face(budget_ms=1000.0))
    return lambda pixels: states_of_picture(pixels, reader, load_states())[0]


def turned_head(models, yaw_deg):
    spec = importlib.util.spec_from_file_location("turned_portraits", TURNING)
    turning = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(turning)
    pixels = drawn_head(**SMALL)
    (face,) = FaceSearch(models.near, models.far, 1).find(pixels)
    landmarks = FaceLandmarker(models.landmarks).locate(pixels, face)
    return turning.turned(pixels, landmarks, head_pose(landmarks), (yaw_deg, 0.0, 0.0))


def test_a_head_that_faces_the_camera_has_attention_and_a_turned_one_less(models, attention):
    assert attention(drawn_head()) > 0.9
    for yaw_deg in (-30.0, 30.0):
        assert attention(turned_head(models, yaw_deg)) < 0.5


def test_a_tilted_head_attends_as_well(attention):
    assert attention(drawn_head(roll_deg=25.0)) > 0.9


def test_a_wall_has_no_state(models):
    reader = FaceReader(models, Face())
    wall = np.full((240, 320, 3), 120, dtype=np.uint8)
    assert np.isnan(states_of_picture(wall, reader, load_states())).all()


def test_the_command_reads_pictures(tmp_path, capsys, models):
    Image.fromarray(drawn_head()).save(tmp_path / "head.png")
    Image.fromarray(np.full((240, 320, 3), 120, dtype=np.uint8)).save(tmp_path / "wall.png")
    listing = tmp_path / "list.csv"
    listing.write_text("path,label,kind\nhead.png,neutral,drawn\nwall.png,fear,wall\n")
    asked = ["evaluate", "states", "--pictures", str(listing), "--root", str(tmp_path), "--json"]
    assert main(asked) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["n"], report["n_unread"]) == (2, 1)
    assert report["everybody"]["attention"]["mean"] > 0.9
    assert report["by_label"]["fear"] == {"n": 1}
    assert report["anxiety"] == {"fear_against_others": None}
    assert set(report["groups"]["kind"]["drawn"]) - {"n"} == set(STATES) - {"incongruence"}
    assert report["groups"]["kind"]["wall"] == {"n": 1}
