"""The parts of the trial of own mesh and eye nets that need no torch: lessons, code, stand-ins."""

import math
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edge_affect.errors import InputMissingError, ShapeError
from edge_affect.perception.face_gaze import GazeReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.interpreter import load_model, quantise
from edge_affect.perception.manifest import Manifest
from edge_affect.perception.model_store import find_manifest, read_model_file
from edge_affect.perception.picture import Square
from edge_affect.training.mesh_code import Code, EyeStandIn, Int8Net, MeshStandIn, normalised
from edge_affect.training.mesh_lessons import (
    EYE_PX,
    MESH_PX,
    Counts,
    EyeBank,
    Jitter,
    LessonWriter,
    MeshBank,
    Teachers,
    beside,
    halved_luma,
    mesh_in_frame,
    mesh_in_square,
)
from edge_affect.training.mesh_split import N_HELD_OUT, learned_and_held_out
from edge_affect.training.plain_operations import without_prelu
from edge_affect.types import Box, FaceDetection

MIDDLE = FaceDetection(
    Box(80.0, 60.0, 80.0, 80.0),
    np.array([[105, 90], [135, 90], [120, 105], [120, 120], [80, 95], [160, 95]], dtype=np.float32),
    0.9,
)


class Spot:
    """A mesh model whose points all lie where its input is brightest, or which sees no face."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def run(self, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        bright = inputs[0][0].sum(axis=2)
        rows, columns = np.nonzero(bright > 0.9 * 3)
        is_face = len(rows) > 0
        place = (columns.mean() + 0.5, rows.mean() + 0.5, 0.0) if is_face else (0.0, 0.0, 0.0)
        points = np.tile(np.array(place, dtype=np.float32), (468, 1))
        # The corners of the eyes must lie apart.
        points[[33, 362], 0] -= 6
        points[[133, 263], 0] += 6
        logit = np.full((1, 1, 1, 1), 5.0 if is_face else -5.0, dtype=np.float32)
        return points.reshape(1, 1, 1, -1), logit


class OpenEye:
    """An iris model that always says the same."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def run(self, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        assert inputs[0].shape == (1, 64, 64, 3)
        rims = np.zeros((71, 3), dtype=np.float32)
        rims[[3, 4, 5], 1] = 16.0
        iris = np.full((5, 3), 24.0, dtype=np.float32)
        return rims.reshape(1, -1), iris.reshape(1, -1)


class FindsTheMiddle:
    def find(self, pixels: np.ndarray) -> tuple[FaceDetection, ...]:
        return (MIDDLE,)


def spotted() -> np.ndarray:
    pixels = np.zeros((200, 240, 3), dtype=np.uint8)
    pixels[92:108, 112:128] = 255
    return pixels


def taught(picture: np.ndarray, counts: Counts) -> tuple[MeshBank, EyeBank]:
    mesh, iris = find_manifest("face_landmark"), find_manifest("iris_landmark")
    teachers = Teachers(FindsTheMiddle(), Spot(mesh), OpenEye(iris))
    writer = LessonWriter(teachers, counts, seed=3)
    writer.add(picture)
    return writer.banks()


def test_a_mesh_goes_along_with_the_square_it_is_seen_in():
    generator = np.random.default_rng(1)
    mesh_px = generator.normal(100, 20, (468, 3)).astype(np.float32)
    square = Square(90.0, 110.0, 64.0, math.radians(25))
    there = mesh_in_square(square, mesh_px)
    assert np.allclose(mesh_in_frame(square, there), mesh_px, atol=1e-3)
    assert np.allclose(there[:, 2] * 64, mesh_px[:, 2], atol=1e-3)


def test_lessons_say_where_the_face_is_in_every_crop():
    mesh, eyes = taught(spotted(), Counts(faces=6, beside=4, eyes=2))
    assert mesh.crops.shape == (2 * (6 + 4), MESH_PX, MESH_PX)
    assert mesh.is_meshed.sum() == 2 * 6
    places = []
    for crop, points in zip(mesh.crops[mesh.is_meshed], mesh.meshes[mesh.is_meshed], strict=True):
        rows, columns = np.nonzero(crop > 230)
        bright = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) / MESH_PX
        assert np.allclose(points[0, :2], bright, atol=0.02)
        places.append(points[0, :2])
    assert np.std(places, axis=0).min() > 0.02, "the copies differ in place"
    assert eyes.crops.shape == (2 * 2, EYE_PX, EYE_PX)
    assert np.allclose(eyes.answers, [24 / 64, 24 / 64, 16 / 64])


def test_what_the_teacher_takes_for_no_face_has_no_mesh():
    mesh = taught(spotted(), Counts(faces=1, beside=30, eyes=1))[0]
    is_dark = np.array([(crop > 230).sum() == 0 for crop in mesh.crops])
    assert is_dark.sum() > 3
    assert (mesh.presence[is_dark] < 0.1).all()
    assert not mesh.meshes[is_dark].any()


def test_pictures_without_a_face_are_no_lessons():
    with pytest.raises(ShapeError, match="No face"):
        taught(np.zeros((200, 240, 3), dtype=np.uint8), Counts(1, 1, 1))


def test_a_square_beside_a_face_does_not_hold_it():
    generator = np.random.default_rng(5)
    square = Square(100.0, 100.0, 90.0)
    for _ in range(50):
        other = beside(square, generator)
        far = math.hypot(other.centre_x_px - 100, other.centre_y_px - 100)
        assert 0.3 * 90 <= far <= 90


def test_no_jitter_leaves_a_square_as_it_is():
    square = Square(10.0, 20.0, 30.0, 0.1)
    assert Jitter(0, 0, 0).moved(square, np.random.default_rng(1)) == square


def test_a_code_of_all_directions_gives_the_answers_back():
    generator = np.random.default_rng(2)
    answers = (generator.normal(size=(200, 3)) @ generator.normal(size=(3, 12))) + 4
    code = Code.of(answers, 3, np.linspace(1, 4, 12))
    numbers = np.linalg.lstsq(code.basis.T, (answers - code.mean).T, rcond=None)[0].T
    assert np.allclose(code.values(numbers), answers, atol=1e-4)
    assert np.allclose(numbers.std(axis=0), 1, atol=1e-3), "a number of 1 is one deviation"


def test_a_code_is_kept(tmp_path: Path):
    code = Code.of(np.random.default_rng(2).normal(size=(50, 4)), 2, np.ones(4))
    code.save(tmp_path / "code.npz")
    again = Code.load(tmp_path / "code.npz")
    assert np.array_equal(again.mean, code.mean)
    assert np.array_equal(again.basis, code.basis)


def test_a_code_has_no_more_numbers_than_values():
    with pytest.raises(ShapeError):
        Code.of(np.ones((5, 2)), 3, np.ones(2))


def test_a_net_stands_in_for_the_mesh_model():
    mean = np.tile([0.25, 0.75, 0.1], 468).astype(np.float32)
    basis = np.zeros((1, 3 * 468), dtype=np.float32)
    basis[0, ::3] = 0.5
    seen = []

    def net(grey: np.ndarray) -> np.ndarray:
        seen.append(grey)
        return np.array([1.0, 3.0], dtype=np.float32)

    stand_in = MeshStandIn(find_manifest("face_landmark"), net, Code(mean, basis))
    found = FaceLandmarker(stand_in).locate(spotted(), MIDDLE)
    # The square is 120 px wide around (120, 100).
    assert np.allclose(found.points_px, [60 + 0.75 * 120, 40 + 0.75 * 120], atol=0.1)
    assert np.allclose(found.depths_px, 12, atol=0.1)
    assert found.presence == pytest.approx(1 / (1 + math.exp(-3)))
    assert seen[0].shape == (MESH_PX, MESH_PX)
    assert seen[0].max() == pytest.approx(normalised(np.array(255.0)), abs=0.01)


def test_a_net_stands_in_for_the_iris_model():
    code = Code(np.array([0.6, 0.4, 0.2], np.float32), np.eye(3, dtype=np.float32))
    stand_in = EyeStandIn(
        find_manifest("iris_landmark"), lambda grey: np.zeros(3, np.float32) * grey[0, 0], code
    )
    eye = GazeReader(stand_in).look(
        spotted(), np.array([[100.0, 100.0], [120.0, 100.0]]), is_left=False
    )
    # The square is 2.3 x 20 px wide around (110, 100).
    assert np.allclose(eye.iris_px, [110 + 0.1 * 46, 100 - 0.1 * 46], atol=0.1)
    assert eye.gap_px == pytest.approx(0.2 * 46, abs=0.1)


def test_grey_is_halved_by_means():
    crop = np.zeros((4, 4, 3))
    crop[:2, :2] = [[[4, 4, 4], [0, 0, 0]], [[8, 8, 8], [0, 0, 0]]]
    assert np.allclose(halved_luma(crop), [[3, 0], [0, 0]])


def test_an_int8_net_answers_as_the_product_would_have_it():
    model = load_model("face_expression")
    grey = np.random.default_rng(4).normal(size=(48, 48)).astype(np.float32)
    net = Int8Net(read_model_file(model.manifest))
    [wanted] = model.run_real(
        quantise(grey[np.newaxis, :, :, np.newaxis], model.manifest.inputs[0])
    )
    assert np.allclose(net(grey), wanted[0], atol=1e-5)
    assert np.ptp(wanted) > 0


def test_a_float_net_does_not_stand_in():
    manifest = find_manifest("iris_landmark")
    try:
        content = read_model_file(manifest)
    except InputMissingError:
        pytest.skip("the iris model is not fetched")
    with pytest.raises(ShapeError, match="one int8 tensor"):
        Int8Net(content)


def test_a_model_without_prelu_answers_the_same():
    manifest = find_manifest("iris_landmark")
    try:
        content = read_model_file(manifest)
    except InputMissingError:
        pytest.skip("the iris model is not fetched")
    eye = np.random.default_rng(6).random((1, 64, 64, 3), dtype=np.float32)
    answers, kinds = [], []
    for way in (content, without_prelu(content)):
        interpreter = Interpreter(model_content=way, num_threads=1)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], eye)
        interpreter.invoke()
        sinks = interpreter.get_output_details()
        answers.append([interpreter.get_tensor(sink["index"]) for sink in sinks])
        kinds.append({operation["op_name"] for operation in interpreter._get_ops_details()})
    assert "PRELU" in kinds[0]
    assert "PRELU" not in kinds[1]
    for one, other in zip(*answers, strict=True):
        assert np.ptp(one) > 1
        assert np.allclose(one, other, atol=1e-2)


def test_the_held_out_pictures_do_not_depend_on_the_order_of_the_list():
    names = [f"{number}.jpg" for number in range(1000)]
    learned, held_out = learned_and_held_out(names)
    assert (learned, held_out) == learned_and_held_out(names[::-1])
    assert len(held_out) == N_HELD_OUT
    assert sorted(learned + held_out) == sorted(names)
