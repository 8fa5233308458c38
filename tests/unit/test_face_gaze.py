"""Gaze and openness from planted irises and lids on known heads."""

import dataclasses
import math

import numpy as np
import pytest
from known_head import EYE_DISTANCE_MM, FOCAL_PX, Face

from edge_affect.errors import ManifestError
from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_gaze import LIDS, EyeModel, GazeReader, angles_of_gaze, eye_square
from edge_affect.perception.face_pose import rotation_of
from edge_affect.perception.model_store import find_manifest

MANIFEST = find_manifest("iris_landmark")
MODEL = EyeModel.from_manifest(MANIFEST)
FRAME = np.full((480, 640, 3), 128, dtype=np.uint8)
DISTANCE_MM = 1000.0


def balls():
    """The centres of both eyeballs in the head, right and left."""
    mesh = Face().mesh()
    for sign, corners in zip((-1, 1), EYE_CORNERS, strict=True):
        middle = np.mean([mesh[point] for point in corners], axis=0)
        yield np.add(middle, (sign * MODEL.ball_out, MODEL.ball_drop, MODEL.ball_depth))


class PlantedEyes:
    """An iris model that knows where the eyeballs are, and answers in the order it is asked."""

    def __init__(self, angles_deg, gaze_deg, ratios=(0.3, 0.3), manifest=MANIFEST):
        self.manifest = manifest
        self.n_runs = 0
        self._ratios = ratios
        self._landmarks = Face().seen(angles_deg, DISTANCE_MM)
        turn, look = rotation_of(*angles_deg), rotation_of(*gaze_deg, 0) @ (0, 0, -1)
        # The mesh of the real model lies beside the face.
        roll = math.radians(angles_deg[2])
        unit_px = EYE_DISTANCE_MM * FOCAL_PX / DISTANCE_MM
        shift = MODEL.mesh_shift * unit_px * np.array([math.cos(roll), math.sin(roll)])
        self._irises_px = []
        for ball in balls():
            iris = (ball + MODEL.ball_radius * look) @ turn.T * EYE_DISTANCE_MM
            place = iris[:2] * FOCAL_PX / (DISTANCE_MM + iris[2]) + (320, 240)
            self._irises_px.append(place + shift)
        # The reader asks for the wider eye first.
        widths = [
            np.linalg.norm(np.diff(self._landmarks.points_px[list(corners)], axis=0))
            for corners in EYE_CORNERS
        ]
        self._order = np.argsort(-np.array(widths), kind="stable")

    def run(self, tensor):
        assert tensor.shape == (1, 64, 64, 3)
        side = int(self._order[self.n_runs % 2])
        self.n_runs += 1
        corners_px = self._landmarks.points_px[list(EYE_CORNERS[side])]
        ordered = corners_px[::-1] if side else corners_px
        square = eye_square(ordered[0], ordered[1], MODEL.square_scale)
        place = square.from_frame(self._irises_px[side][np.newaxis])[0] * 64
        if side:
            place[0] = 64 - place[0]
        iris = np.zeros((1, 15), dtype=np.float32)
        iris[0, :2] = place
        outer, inner = (
            np.append(self._landmarks.points_px[point], self._landmarks.depths_px[point])
            for point in EYE_CORNERS[side]
        )
        gap = self._ratios[side] * np.linalg.norm(outer - inner) / square.side_px * 64
        rims = np.zeros((71, 3), dtype=np.float32)
        for lower, upper in LIDS:
            rims[lower, 1], rims[upper, 1] = 32 + gap / 2, 32 - gap / 2
        return rims.reshape(1, 213), iris

    def read(self, **options):
        return GazeReader(self).read(FRAME, self._landmarks, **options)


@pytest.mark.parametrize("angles_deg", [(0, 0, 0), (25, 0, 0), (-20, 10, 0), (15, -10, 20)])
@pytest.mark.parametrize("gaze_deg", [(0, 0), (20, 0), (-20, 0), (0, 15), (0, -15), (15, -10)])
def test_gaze_is_against_the_head(angles_deg, gaze_deg):
    eyes = PlantedEyes(angles_deg, gaze_deg)
    gaze = eyes.read()
    assert eyes.n_runs == 2
    assert (gaze.yaw_deg, gaze.pitch_deg) == pytest.approx(gaze_deg, abs=2.0)


@pytest.mark.parametrize("yaw_deg", [-25, 0, 25])
def test_one_eye_answers_for_both(yaw_deg):
    eyes = PlantedEyes((yaw_deg, 0, 0), (10, 5))
    gaze = eyes.read(is_quick=True)
    assert eyes.n_runs == 1
    assert (gaze.yaw_deg, gaze.pitch_deg) == pytest.approx((10, 5), abs=2.0)


@pytest.mark.parametrize("yaw_deg", [-45, 45])
def test_an_eye_behind_the_nose_is_not_asked(yaw_deg):
    eyes = PlantedEyes((yaw_deg, 0, 0), (0, 0))
    assert eyes.read().yaw_deg == pytest.approx(0, abs=2.0)
    assert eyes.n_runs == 1


def test_openness_is_that_of_the_lids():
    scale = MODEL.openness
    for ratio in (0.1, 0.2, 0.3):
        wanted = (ratio - scale.at_0) / (scale.at_1 - scale.at_0)
        gaze = PlantedEyes((0, 0, 0), (0, 0), (ratio, ratio)).read()
        assert gaze.eye_openness == pytest.approx(wanted, abs=0.01)
    assert PlantedEyes((0, 0, 0), (0, 0), (0.1, 0.3)).read().eye_openness == pytest.approx(
        (0.2 - scale.at_0) / (scale.at_1 - scale.at_0), abs=0.01
    )


def test_closed_eyes_point_nowhere():
    gaze = PlantedEyes((0, 0, 0), (0, 0), (0.03, 0.03)).read()
    assert (gaze.yaw_deg, gaze.pitch_deg, gaze.eye_openness) == (None, None, 0.0)


def test_an_iris_outside_the_eye_is_no_gaze():
    eyes = PlantedEyes((0, 0, 0), (0, 0))
    eyes._irises_px = [np.add(place, (60, 0)) for place in eyes._irises_px]
    gaze = eyes.read()
    assert (gaze.yaw_deg, gaze.pitch_deg) == (None, None)
    assert gaze.eye_openness > 0.5


def test_eyes_that_are_too_small_are_not_asked():
    eyes = PlantedEyes((0, 0, 0), (0, 0))
    far = Face().seen(distance_mm=6000)
    assert GazeReader(eyes).read(FRAME, far) is None
    assert eyes.n_runs == 0


def test_the_left_eye_is_shown_mirrored():
    class Looking(PlantedEyes):
        def run(self, tensor):
            shown.append(tensor)
            return super().run(tensor)

    shown = []
    columns = np.arange(640, dtype=np.float64) - 320
    frame = np.repeat(np.clip(np.abs(columns) * 2, 0, 255).astype(np.uint8)[None], 480, axis=0)
    eyes = Looking((0, 0, 0), (0, 0))
    GazeReader(eyes).read(np.repeat(frame[:, :, None], 3, axis=2), eyes._landmarks)
    right, left = shown
    # Bright outside, dark at the nose: outside is on the left of what the model sees.
    assert right[0, 32, 5, 0] > right[0, 32, 58, 0]
    assert np.abs(right - left).max() < 0.05


def test_angles_of_a_direction():
    half = math.sqrt(0.5)
    assert angles_of_gaze(np.array([half, 0, -half])) == pytest.approx((45, 0))
    assert angles_of_gaze(np.array([0, -half, -half])) == pytest.approx((0, 45))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ball_radius": 0.0}, "ball_radius"),
        ({"openness_at_0": MANIFEST.thresholds["openness_at_1"]}, "openness"),
    ],
)
def test_an_eye_model_that_makes_no_sense_is_refused(change, message):
    broken = dataclasses.replace(MANIFEST, thresholds={**MANIFEST.thresholds, **change})
    with pytest.raises(ManifestError, match=message):
        EyeModel.from_manifest(broken)


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(ManifestError, match="213 and 15 values"):
        EyeModel.from_manifest(dataclasses.replace(MANIFEST, outputs=MANIFEST.outputs[:1]))
    with pytest.raises(ManifestError, match="ball_depth"):
        EyeModel.from_manifest(dataclasses.replace(MANIFEST, thresholds={}))
