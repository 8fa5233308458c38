"""The fetched face models must keep finding a drawn head where they found it, on every runtime.

`python tests/golden/test_face_golden.py` writes the answers anew.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from drawn_head import drawn_head

from edge_affect.errors import InputMissingError
from edge_affect.perception.face_alignment import square_of_keypoints, square_of_mesh
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model

ANSWERS = Path(__file__).parent / "face_geometry.json"
CASES = {
    "close": {},
    "turned clockwise": {"roll_deg": 25.0},
    "turned the other way": {"roll_deg": -25.0},
    "far": {"half_width_px": 24, "centre_px": (500, 120)},
    "larger than the frame": {"half_width_px": 260, "centre_px": (320, 240)},
    "upright frame": {"size_px": (360, 640), "centre_px": (180, 300), "half_width_px": 90},
}
POINTS = (1, 33, 61, 133, 152, 199, 263, 291, 362, 10)
TOLERANCE = 0.02
"""In widths of the face: other builds of Pillow and of the runtime round differently."""


@pytest.fixture(scope="module")
def look():
    try:
        return looker()
    except InputMissingError as error:
        pytest.skip(str(error))


def looker():
    search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 20)
    landmarker = FaceLandmarker(load_model("face_landmark"))

    def answers(case):
        pixels = drawn_head(**CASES[case])
        found = []
        for face in search.find(pixels):
            mesh = landmarker.locate(pixels, face)
            box = face.box
            found.append(
                {
                    "probability": face.probability,
                    "presence": mesh.presence,
                    "box": [box.left_px, box.top_px, box.width_px, box.height_px],
                    "keypoints": face.keypoints_px.tolist(),
                    "mesh": mesh.points_px[list(POINTS)].tolist(),
                    "of_mesh": plain(square_of_mesh(mesh)),
                    "of_keypoints": plain(square_of_keypoints(face)),
                }
            )
        return found

    return answers


def plain(square):
    return [square.centre_x_px, square.centre_y_px, square.side_px]


@pytest.mark.parametrize("case", CASES)
def test_a_drawn_head_is_where_it_was(look, case):
    found, wanted = look(case), json.loads(ANSWERS.read_text(encoding="utf-8"))[case]
    assert len(found) == len(wanted) == 1
    (now,), (then,) = found, wanted
    assert now["probability"] == pytest.approx(then["probability"], abs=0.03)
    assert now["presence"] == pytest.approx(then["presence"], abs=0.05)
    limit = TOLERANCE * then["box"][2]
    for name in ("box", "keypoints", "mesh", "of_mesh", "of_keypoints"):
        assert np.abs(np.subtract(now[name], then[name])).max() < limit, name


@pytest.mark.parametrize("case", [case for case in CASES if case != "larger than the frame"])
def test_a_drawn_head_is_where_it_was_drawn(look, case):
    drawn = {"half_width_px": 110, "centre_px": (330, 235), "roll_deg": 0.0, **CASES[case]}
    (now,) = look(case)
    unit, roll = drawn["half_width_px"], math.radians(drawn["roll_deg"])
    eyes = np.array([[-0.34, -0.1], [0.34, -0.1]]) * unit
    turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    wanted = eyes @ turn + drawn["centre_px"]
    mesh = dict(zip(POINTS, now["mesh"], strict=True))
    eyes_of_mesh = [np.mean([mesh[33], mesh[133]], axis=0), np.mean([mesh[263], mesh[362]], axis=0)]
    assert np.abs(eyes_of_mesh - wanted).max() < 0.12 * unit
    assert np.abs(np.array(now["keypoints"][:2]) - wanted).max() < 0.22 * unit


if __name__ == "__main__":
    look_at = looker()
    text = json.dumps({case: look_at(case) for case in CASES}, indent=1)
    ANSWERS.write_text(text + "\n", encoding="utf-8")
