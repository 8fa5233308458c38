"""Signals of real faces that differ in one thing alone, through the real models."""

import csv

import av
import numpy as np
import pytest
from PIL import Image

from edge_affect.errors import InputMissingError
from edge_affect.perception.blinking import BlinkCounter, BlinkSettings
from edge_affect.perception.face_gaze import GazeReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.face_signals import SignalScales, signals
from edge_affect.perception.interpreter import load_model

pytestmark = pytest.mark.data
NS_PER_S = 1_000_000_000


@pytest.fixture(scope="module")
def read():
    """Return a function from a picture to the signals of its largest face."""
    try:
        mesh, iris = load_model("face_landmark"), load_model("iris_landmark")
        search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1)
    except InputMissingError as error:
        pytest.skip(str(error))
    landmarker, eyes = FaceLandmarker(mesh), GazeReader(iris)
    scales = SignalScales.from_manifest(mesh.manifest)

    def read_face(pixels):
        (face,) = search.find(pixels)
        landmarks = landmarker.locate(pixels, face)
        assert landmarks.presence > 0.5
        return signals(landmarks, scales, eyes.read(pixels, landmarks, is_quick=True))

    return read_face


@pytest.fixture(scope="module")
def heads(data_dir):
    with (data_dir / "face" / "fairface.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["age"] == "20-29"]
    return [load(data_dir / "face" / row["path"]) for row in rows[::90]][:6]


@pytest.fixture(scope="module")
def acted(data_dir, read):
    """Return the signals of one actor, by the number of the frame."""
    path = data_dir / "video" / "clips" / "WolfgangLanger_Pexels.mp4"
    wanted = {60, 180, 210, 350, 380, 410, 465}
    with av.open(str(path)) as clip:
        return {
            number: read(frame.to_ndarray(format="rgb24"))
            for number, frame in enumerate(clip.decode(video=0))
            if number in wanted
        }


def load(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def angles(found):
    return np.array([found.yaw_deg, found.pitch_deg, found.roll_deg])


def test_a_mirrored_picture_turns_and_tilts_the_other_way(read, heads):
    differences = [
        angles(read(np.ascontiguousarray(head[:, ::-1]))) * (-1, 1, -1) - angles(read(head))
        for head in heads
    ]
    assert len(differences) == 6
    assert np.abs(differences).max() < 6
    assert np.median(np.abs(differences), axis=0).max() < 3


@pytest.mark.parametrize("roll_deg", [-30, 30])
def test_a_rotated_picture_changes_the_roll_alone(read, heads, roll_deg):
    differences = []
    # Beyond 40 degrees of yaw half the mesh is a guess.
    for head in (head for head in heads if abs(read(head).yaw_deg) < 40):
        wide = np.pad(head, ((50, 50), (50, 50), (0, 0)), mode="edge")
        rotated = Image.fromarray(wide).rotate(-roll_deg, Image.Resampling.BICUBIC)
        differences.append(
            angles(read(np.asarray(rotated))) - angles(read(head)) - (0, 0, roll_deg)
        )
    assert len(differences) >= 5
    assert np.abs(differences).max() < 8
    assert np.median(np.abs(differences), axis=0).max() < 3


def test_a_mirrored_picture_looks_the_other_way(read, heads):
    pairs = [(read(head), read(np.ascontiguousarray(head[:, ::-1]))) for head in heads]
    seen = [(a, b) for a, b in pairs if a.gaze_yaw_deg is not None and b.gaze_yaw_deg is not None]
    assert len(seen) >= 5
    yaws = [abs(a.gaze_yaw_deg + b.gaze_yaw_deg) for a, b in seen]
    pitches = [abs(a.gaze_pitch_deg - b.gaze_pitch_deg) for a, b in seen]
    assert np.median(yaws) < 8
    assert np.median(pitches) < 8


def test_laughing_is_a_smile_with_an_open_mouth(acted):
    for laughing in (350, 380, 410):
        for other in (180, 210):
            assert acted[laughing].smile > acted[other].smile + 0.3
            assert acted[laughing].mouth_openness > acted[other].mouth_openness + 0.3


def test_closed_eyes_are_closed_whether_crying_or_laughing(acted):
    closed = [acted[frame] for frame in (60, 465)]
    open_ = [acted[frame] for frame in (180, 210, 350, 380)]
    assert max(found.eye_openness for found in closed) < 0.1
    assert min(found.eye_openness for found in open_) > 0.5
    assert [found.gaze_yaw_deg for found in closed] == [None, None]


def test_a_tilted_laugh_is_tilted(acted):
    assert acted[410].roll_deg < -15
    assert acted[465].roll_deg > 15


def test_a_talking_head_blinks_as_often_as_it_does(read, data_dir):
    """Frames 21 and 22 show closed eyes, no other frame of this part does."""
    counter = BlinkCounter(BlinkSettings.from_manifest(load_model("iris_landmark").manifest))
    with av.open(str(data_dir / "video" / "grid" / "brbk7n.mpg")) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if 10 <= number < 40:
                found = read(frame.to_ndarray(format="rgb24"))
                counter.add(found.eye_openness, round(frame.time * NS_PER_S))
    assert counter.n_blinks == 1
