"""The real third-party models on real pictures and clips."""

import csv
import math

import numpy as np
import pytest
from PIL import Image
from undecided import Undecided

from edge_affect.config import Face
from edge_affect.errors import InputMissingError
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model
from edge_affect.types import VideoFrame

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def models():
    try:
        return FaceModels(
            load_model("face_detection_near"),
            load_model("face_detection_far"),
            load_model("face_landmark"),
            Undecided(),
        )
    except InputMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def reader(models):
    return FaceReader(models, Face())


@pytest.fixture(scope="module")
def heads(data_dir):
    """Heads that the models see well, so that what is tested is what was done to them."""
    with (data_dir / "face" / "fairface.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["age"] == "30-39"]
    return [load(data_dir / "face" / row["path"]) for row in rows[::30]][:12]


def load(path):
    return np.asarray(Image.open(path).convert("RGB"))


def frames_of(path, every):
    import av

    with av.open(str(path)) as clip:
        return [
            frame.to_ndarray(format="rgb24")
            for n, frame in enumerate(clip.decode(video=0))
            if n % every == 0
        ]


def on_canvas(pixels, side, corner, shape=(480, 640)):
    canvas = Image.new("RGB", (shape[1], shape[0]), (110, 120, 130))
    canvas.paste(Image.fromarray(pixels).resize((side, side), Image.LANCZOS), corner)
    return np.asarray(canvas)


def test_whole_pictures_are_found(reader, data_dir):
    with (data_dir / "face" / "pictures.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::11]
    counts = [len(reader.read(load(data_dir / "face" / row["path"]))) for row in rows]
    assert len(counts) >= 60
    assert np.mean([count >= 1 for count in counts]) >= 0.93
    assert np.mean([count <= 1 for count in counts]) >= 0.93


@pytest.mark.parametrize("roll_deg", [-30, 30])
def test_the_crop_turns_with_the_face(reader, heads, roll_deg):
    differences = []
    for head in heads:
        upright = reader.read(on_canvas(head, 260, (190, 110)))
        image = Image.fromarray(on_canvas(head, 260, (190, 110)))
        turned = reader.read(np.asarray(image.rotate(-roll_deg, Image.BICUBIC)))
        if upright and turned:
            change = turned[0].square.roll_rad - upright[0].square.roll_rad
            differences.append(abs(math.degrees(change) - roll_deg))
    assert len(differences) >= 10
    assert np.median(differences) < 4


def test_small_and_off_centre_faces_have_their_mesh_in_place(models, heads):
    search, landmarker = FaceSearch(models.near, models.far, 20), FaceLandmarker(models.landmarks)
    errors = []
    for head in heads:
        large = on_canvas(head, 300, (170, 90))
        small = on_canvas(head, 100, (20, 370))
        found = [search.find(large), search.find(small)]
        if all(found):
            points = [
                landmarker.locate(frame, faces[0]).points_px
                for frame, faces in zip((large, small), found, strict=True)
            ]
            wanted = (points[0] - (170, 90)) / 3 + (20, 370)
            errors.append(np.abs(points[1] - wanted).mean())
    assert len(errors) >= 10
    assert np.median(errors) < 3.0


def test_a_mirrored_face_is_cut_mirrored(reader, heads):
    sides, offsets = [], []
    for head in heads:
        frame = on_canvas(head, 260, (190, 110))
        plain, mirrored = reader.read(frame), reader.read(np.ascontiguousarray(frame[:, ::-1]))
        assert len(plain) == len(mirrored)
        for one, other in zip(plain, mirrored, strict=True):
            sides.append(other.square.side_px / one.square.side_px)
            offsets.append(abs(640 - other.square.centre_x_px - one.square.centre_x_px))
    assert len(sides) >= 10
    assert np.median(np.abs(np.log(sides))) < 0.04
    assert np.median(offsets) < 5


def test_the_crop_has_its_landmarks_where_the_training_data_have_them(models, heads):
    shown = []

    class Remembers(Undecided):
        def probabilities(self, crop):
            shown.append(crop)
            return super().probabilities(crop)

    keeps = FaceReader(FaceModels(models.near, models.far, models.landmarks, Remembers()), Face())
    for head in heads:
        keeps.read(on_canvas(head, 260, (190, 110)))
    assert len(shown) >= 10
    landmarker = FaceLandmarker(models.landmarks)
    search = FaceSearch(models.near, models.far, 20)
    eyes = []
    for crop in shown:
        large = np.asarray(Image.fromarray(crop).resize((192, 192), Image.BICUBIC))
        frame = np.repeat(np.pad(large, 64, mode="edge")[:, :, np.newaxis], 3, axis=2)
        for face in search.find(frame)[:1]:
            points = (landmarker.locate(frame, face).points_px - 64) / 192
            eyes.append([points[[33, 133]].mean(axis=0), points[[263, 362]].mean(axis=0)])
    assert len(eyes) >= 10
    assert np.median(eyes, axis=0) == pytest.approx(
        np.array([[0.315, 0.39], [0.685, 0.39]]), abs=0.04
    )


def test_several_faces_are_all_counted(reader, heads):
    canvas = Image.new("RGB", (640, 480), (110, 120, 130))
    for n, head in enumerate(heads[:6]):
        picture = Image.fromarray(head).resize((160, 160), Image.LANCZOS)
        canvas.paste(picture, (30 + 210 * (n % 3), 50 + 220 * (n // 3)))
    readings = reader.read(np.asarray(canvas))
    assert 5 <= len(readings) <= 6
    centres = {
        (round(r.square.centre_x_px - 110) // 150, round(r.square.centre_y_px - 130) // 150)
        for r in readings
    }
    assert len(centres) == len(readings)


@pytest.mark.parametrize("kind", ["black", "noise", "stripes"])
def test_no_face_where_there_is_none(reader, kind):
    generator = np.random.default_rng(0)
    pixels = {
        "black": np.zeros((480, 640, 3)),
        "noise": generator.integers(0, 256, (480, 640, 3)),
        "stripes": np.tile((np.arange(640) // 9 % 2 * 255)[None, :, None], (480, 1, 3)),
    }[kind].astype(np.uint8)
    assert reader.observe(VideoFrame(pixels, 0)).n_faces == 0


def test_no_face_in_a_clip_without_one(reader, data_dir):
    frames = frames_of(data_dir / "video" / "clips" / "no_face.mp4", every=10)
    counts = [len(reader.read(frame)) for frame in frames]
    assert len(counts) >= 8
    assert counts == [0] * len(counts)


def test_a_face_that_comes_into_the_picture(reader, data_dir):
    frames = frames_of(data_dir / "video" / "clips" / "noface_face.mov", every=20)
    counts = [len(reader.read(frame)) for frame in frames]
    assert len(counts) >= 8
    assert counts[0] == 0
    assert counts[-2:] == [1, 1]
    assert max(counts) == 1


def test_a_talking_head_is_never_lost(reader, data_dir):
    frames = frames_of(data_dir / "video" / "grid" / "bbaf2n.mpg", every=8)
    readings = [reader.read(frame) for frame in frames]
    assert len(readings) >= 8
    assert [len(reading) for reading in readings] == [1] * len(readings)
    sides = [reading[0].square.side_px for reading in readings]
    assert max(sides) / min(sides) < 1.15
