"""The pose of a drawn head, tilted and turned by known angles, through the real models."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from drawn_head import drawn_head

from edge_affect.errors import InputMissingError
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_pose import head_pose
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model

TURNING = Path(__file__).parents[2] / "benchmarks" / "turned_portraits.py"
SMALL = {"size_px": (240, 240), "centre_px": (120, 115), "half_width_px": 55}


@pytest.fixture(scope="module")
def meshed():
    """Return a function from a picture to the mesh of the head in it."""
    try:
        search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1)
        landmarker = FaceLandmarker(load_model("face_landmark"))
    except InputMissingError as error:
        pytest.skip(str(error))

    def mesh_of(pixels):
        (face,) = search.find(pixels)
        return landmarker.locate(pixels, face)

    return mesh_of


def test_a_head_drawn_from_ahead_faces_the_camera(meshed):
    pose = head_pose(meshed(drawn_head()))
    assert abs(pose.yaw_deg) < 4
    assert abs(pose.roll_deg) < 2


@pytest.mark.parametrize("roll_deg", [-35.0, -15.0, 15.0, 35.0])
def test_a_tilted_head_is_tilted_and_nothing_else(meshed, roll_deg):
    upright, tilted = (head_pose(meshed(drawn_head(roll_deg=roll))) for roll in (0.0, roll_deg))
    assert tilted.roll_deg - upright.roll_deg == pytest.approx(roll_deg, abs=3)
    assert tilted.yaw_deg == pytest.approx(upright.yaw_deg, abs=4)
    assert tilted.pitch_deg == pytest.approx(upright.pitch_deg, abs=4)


@pytest.mark.parametrize("yaw_deg", [-30.0, -15.0, 15.0, 30.0])
def test_a_turned_head_is_turned(meshed, yaw_deg):
    """The drawing is given the depth of its own mesh and seen from elsewhere, in perspective."""
    spec = importlib.util.spec_from_file_location("turned_portraits", TURNING)
    turning = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(turning)
    pixels = drawn_head(**SMALL)
    landmarks = meshed(pixels)
    turned = turning.turned(pixels, landmarks, head_pose(landmarks), (yaw_deg, 0.0, 0.0))
    assert np.abs(turned.astype(int) - turned.mean()).max() > 50
    pose = head_pose(meshed(turned))
    assert pose.yaw_deg == pytest.approx(yaw_deg, abs=6)
    assert abs(pose.roll_deg) < 6
