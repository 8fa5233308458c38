"""The face reader over planted models: what is counted, what is read, what is dropped."""

import dataclasses
import functools
import json

import av
import numpy as np
import pytest
from planted import FAR, NEAR, PlantedDetector

from edge_affect.cli import main
from edge_affect.config import Face
from edge_affect.errors import ManifestError
from edge_affect.perception import face
from edge_affect.perception.expression_input import CropSettings
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.model_store import find_manifest
from edge_affect.perception.reading_pace import ReadingPace
from edge_affect.record import Expression
from edge_affect.types import VideoFrame

MESH = find_manifest("face_landmark")
FRAME = VideoFrame(np.full((480, 640, 3), 128, dtype=np.uint8), 1_000)


class PlantedMesh:
    """A level face in the middle of whatever it is shown, with a planted presence."""

    def __init__(self, logit, manifest=MESH):
        self.manifest = manifest
        self.inputs = []
        self._logit = logit

    def run(self, tensor):
        self.inputs.append(tensor.copy())
        points = np.full((468, 3), 96.0, dtype=np.float32)
        points[[33, 133], :2] = 70, 80
        points[[263, 362], :2] = 122, 80
        points[61, :2], points[291, :2] = (75, 131), (117, 131)
        # Forehead and chin, so that the mesh is as large as the face it was put on.
        points[10, :2], points[152, :2] = (96, 25), (96, 155)
        logit = np.full((1, 1, 1, 1), self._logit, dtype=np.float32)
        return points.reshape(1, 1, 1, 1404), logit


class PlantedExpression:
    """Says happiness, and remembers the crops."""

    expressions = tuple(Expression)
    crop = CropSettings()

    def __init__(self):
        self.crops = []

    def probabilities(self, crop):
        self.crops.append(crop.copy())
        return np.array([0.1, 0.8, 0.1, 0, 0, 0, 0, 0])


def make_reader(near, far=(), presence_logit=9.0, settings=None):
    models = FaceModels(
        near=PlantedDetector(NEAR, list(near)),
        far=PlantedDetector(FAR, list(far)),
        landmarks=PlantedMesh(presence_logit),
        expression=PlantedExpression(),
    )
    return FaceReader(models, settings or Face()), models


CLOSE = (64, 64, 40, 4.0)
FALSE_ALARM = (64, 64, 40, 0.3)


def test_a_face_is_counted_and_read():
    reader, models = make_reader([CLOSE])
    seen = reader.observe(FRAME)
    assert (seen.n_faces, len(seen.estimates), seen.observed_ns) == (1, 1, 1_000)
    (estimate,) = seen.estimates
    assert estimate.probabilities.tolist() == pytest.approx([0.1, 0.8, 0.1, 0, 0, 0, 0, 0])
    assert estimate.reliability == pytest.approx(0.8)
    assert estimate.observed_ns == 1_000
    (crop,) = models.expression.crops
    assert (crop.shape, crop.dtype) == ((48, 48), np.uint8)
    assert np.abs(crop.astype(int) - 128).max() <= 1


def test_an_empty_frame_shows_nobody():
    reader, models = make_reader([])
    assert reader.observe(FRAME) == dataclasses.replace(
        reader.observe(FRAME), n_faces=0, estimates=()
    )
    assert models.landmarks.inputs == []


def test_a_detection_without_a_mesh_is_no_face():
    reader, models = make_reader([FALSE_ALARM], presence_logit=-5.0)
    assert reader.observe(FRAME).n_faces == 0
    assert models.expression.crops == []


def test_a_sure_detection_without_a_mesh_is_read_from_its_keypoints():
    reader, models = make_reader([CLOSE], presence_logit=-5.0)
    (reading,) = reader.read(FRAME.pixels)
    keypoints = reading.detection.keypoints_px
    assert reading.square.centre_x_px == pytest.approx(keypoints[[0, 1, 3], 0].mean(), abs=5)
    assert len(models.expression.crops) == 1


def test_a_small_face_is_counted_but_not_read():
    reader, models = make_reader([], far=[(96, 96, 11, 2.0)], settings=Face(min_size_px=40))
    seen = reader.observe(FRAME)
    assert (seen.n_faces, seen.estimates) == (1, ())
    assert models.expression.crops == []
    reader, _ = make_reader([], far=[(96, 96, 13, 2.0)], settings=Face(min_size_px=40))
    assert len(reader.observe(FRAME).estimates) == 1


def test_a_poor_crop_is_counted_but_not_read():
    for min_quality, n_read in ((0.0, 1), (0.5, 0)):
        _, models = make_reader([CLOSE])
        reader = FaceReader(dataclasses.replace(models, min_quality=min_quality), Face())
        seen = reader.observe(FRAME)
        assert (seen.n_faces, len(seen.estimates)) == (1, n_read)
        assert seen.faces[0].signals is not None


def test_a_small_doubtful_face_is_checked_before_it_is_counted():
    for logit, n_faces in ((9.0, 1), (-9.0, 0)):
        reader, models = make_reader([], far=[(96, 96, 11, 0.1)], presence_logit=logit)
        assert reader.observe(FRAME).n_faces == n_faces
        assert len(models.landmarks.inputs) == 1


def test_twenty_faces_are_read_and_no_more():
    crowd = [(10 + 12 * (n % 15), 60 + 14 * (n // 15), 13, 3.0) for n in range(25)]
    reader, models = make_reader([], far=crowd)
    assert len(reader.read(FRAME.pixels)) == 20
    assert len(models.expression.crops) == 20
    assert reader.observe(FRAME).n_faces == 20
    reader, _ = make_reader([], far=crowd, settings=Face(max_faces=3))
    assert len(reader.read(FRAME.pixels)) == 3
    assert reader.observe(FRAME).n_faces == 3


def test_pictures_are_read_each_by_itself():
    reader, models = make_reader([CLOSE])
    assert len(reader.read(FRAME.pixels)) == 1
    models.near._looks = [[]]
    assert reader.read(FRAME.pixels) == ()


def test_a_slip_of_one_frame_is_gone_in_the_next():
    reader, models = make_reader([CLOSE])
    assert reader.observe(FRAME).n_faces == 1
    models.near._looks, models.landmarks._logit = [[]], -9.0
    assert reader.observe(VideoFrame(FRAME.pixels, 100_001_000)).n_faces == 0


def test_what_was_followed_is_forgotten_on_demand():
    reader, models = make_reader([CLOSE])
    for n in range(3):
        assert reader.observe(VideoFrame(FRAME.pixels, n * 100_000_000)).n_faces == 1
    reader.clear()
    assert reader.whereabouts() == {}
    models.near._looks = [[]]
    assert reader.observe(VideoFrame(FRAME.pixels, 300_000_000)).n_faces == 0


class SlowMesh(PlantedMesh):
    """Takes a fifth of a second for each face, by a stopwatch of its own."""

    def __init__(self):
        super().__init__(9.0)
        self.spent_ns = 0

    def run(self, tensor):
        self.spent_ns += 200_000_000
        return super().run(tensor)


@pytest.mark.parametrize("is_fast", [True, False])
def test_a_slow_machine_reads_every_face_of_a_fast_replay(is_fast, tmp_path, monkeypatch, capsys):
    """A paced one shows what a box would do: it leaves out what it has no time for."""
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for _ in range(12):
            picture = av.VideoFrame.from_ndarray(FRAME.pixels, format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    mesh, far = SlowMesh(), PlantedDetector(FAR, [(50, 96, 20, 4.0), (140, 96, 20, 4.0)])
    models = FaceModels(PlantedDetector(NEAR, []), far, mesh, PlantedExpression())
    monkeypatch.setattr(FaceModels, "load", lambda _name: models)
    pace_by = functools.partial(ReadingPace, stopwatch=lambda: mesh.spent_ns)
    monkeypatch.setattr(face, "ReadingPace", pace_by)
    assert main(["replay", "--video", str(film), "--json", *["--fast"] * is_fast]) == 0
    vectors = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert vectors
    if is_fast:
        assert len(models.expression.crops) == 2 * 12
        assert vectors[-1]["people"] == "2-4"
    else:
        # The first is always allowed, and no frame has time for the second.
        assert 0 < len(models.expression.crops) <= 12


@pytest.mark.parametrize("missing", ["min_presence", "sure_probability"])
def test_thresholds_come_from_the_manifest(missing):
    thresholds = {key: value for key, value in MESH.thresholds.items() if key != missing}
    models = FaceModels(
        PlantedDetector(NEAR, []),
        PlantedDetector(FAR, []),
        PlantedMesh(0.0, dataclasses.replace(MESH, thresholds=thresholds)),
        PlantedExpression(),
    )
    with pytest.raises(ManifestError, match=f"'{missing}' is missing"):
        FaceReader(models, Face())


def test_mesh_points_come_back_in_frame_pixels():
    reader, _models = make_reader([CLOSE])
    (reading,) = reader.read(FRAME.pixels)
    landmarker = FaceLandmarker(PlantedMesh(9.0))
    points = landmarker.locate(FRAME.pixels, reading.detection).points_px
    assert points.shape == (468, 2)
    # The planted mesh has everything else in the middle of the square, which is the box's.
    assert points[0].tolist() == pytest.approx([320.0, 240.0], abs=0.1)
    assert points[33, 0] < points[263, 0]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"input_low": 0.0, "input_high": 1.0}, "'square_scale' is missing"),
        ({"input_low": 0.0, "input_high": 1.0, "square_scale": "wide"}, "must hold numbers"),
    ],
)
def test_a_landmark_manifest_that_does_not_fit_is_refused(table, words):
    with pytest.raises(ManifestError, match=words):
        FaceLandmarker(PlantedMesh(0.0, dataclasses.replace(MESH, preprocessing=table)))


def test_a_model_with_other_outputs_is_no_landmark_model():
    manifest = dataclasses.replace(MESH, outputs=MESH.outputs[:1])
    with pytest.raises(ManifestError, match="outputs of 1404 and 1 values"):
        FaceLandmarker(PlantedMesh(0.0, manifest))
