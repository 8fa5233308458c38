"""Each signal moves when its own geometry changes, and only then, from wherever it is seen."""

import dataclasses

import numpy as np
import pytest
from known_head import Face

from edge_affect.errors import ManifestError
from edge_affect.perception.face_gaze import Gaze
from edge_affect.perception.face_measures import (
    brow_height,
    corner_lift,
    eye_aspect_ratio,
    inner_brow_height,
    lip_gap,
    mouth_width,
    outer_brow_height,
)
from edge_affect.perception.face_pose import head_pose, in_head, mesh_px
from edge_affect.perception.face_signals import SignalScales, signals
from edge_affect.perception.model_store import find_manifest
from edge_affect.perception.signal_scale import SignalScale

MANIFEST = find_manifest("face_landmark")
SCALES = SignalScales.from_manifest(MANIFEST)
NO_POSE = dataclasses.replace(
    SCALES,
    **{
        name: dataclasses.replace(getattr(SCALES, name), per_pitch_deg=0.0, per_yaw_deg=0.0)
        for name in ("eye_openness", "mouth_openness", "smile", "brow_raise", "brow_furrow")
    },
)
"""The known head is rigid: what pose does to a real mesh beyond geometry is not to be taken out."""
SHARES = ("eye_openness", "mouth_openness", "smile", "brow_raise", "brow_furrow")
POSES = tuple((yaw, pitch, roll) for yaw in (-35, 0, 35) for pitch in (-15, 15) for roll in (0, 25))
MOVES = {
    "mouth_openness": Face(lip_gap=0.1),
    "smile": Face(corners_up=0.06),
    "brow_raise": Face(brows_up=0.06),
    "brow_furrow": Face(inner_brows_down=0.03),
    "eye_openness": Face(lids_together=0.04),
}
SIDE_EFFECTS = {("mouth_openness", "smile"), ("brow_furrow", "brow_raise")}
"""A falling jaw takes the middle of the lips below the corners, which is half of a smile; inner
ends that go down take the mean height of the brows with them."""


def shares(face, angles_deg=(0, 0, 0), scales=NO_POSE):
    shown = signals(face.seen(angles_deg), scales)
    return {name: getattr(shown, name) for name in SHARES}


def test_a_face_at_rest_shows_next_to_nothing():
    rest = shares(Face())
    assert rest.pop("eye_openness") > 0.3
    # Brows at rest show 0 in a quarter of people only.
    assert max(rest.values()) < 0.3


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("angles_deg", POSES)
def test_a_signal_moves_alone(name, angles_deg):
    rest, moved = shares(Face(), angles_deg), shares(MOVES[name], angles_deg)
    change = {key: moved[key] - rest[key] for key in SHARES}
    own = change.pop(name)
    assert abs(own) > 0.3
    assert (own < 0) == (name == "eye_openness")
    others = {key: value for key, value in change.items() if (name, key) not in SIDE_EFFECTS}
    assert len(others) >= 3
    assert max(map(abs, others.values())) < 0.05


@pytest.mark.parametrize("name", MOVES)
def test_turning_the_head_does_not_fake_or_hide_a_signal(name):
    # 35 degrees of yaw make a face 18 % narrower in the picture.
    ahead = shares(MOVES[name])[name]
    turned = [shares(MOVES[name], angles_deg)[name] for angles_deg in POSES]
    assert len(turned) == 12
    # A furrow is 1.3 mm from end to end: perspective at 60 cm shows.
    limit = 0.3 if name == "brow_furrow" else 0.15
    assert max(abs(value - ahead) for value in turned) < limit


def test_more_of_a_move_is_more_of_a_signal_until_it_is_full():
    gaps = [shares(Face(lip_gap=gap))["mouth_openness"] for gap in (0, 0.03, 0.06, 0.1, 0.5)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == 1.0


def test_measures_are_in_distances_of_the_eyes():
    mesh = np.zeros((468, 3))
    for point, place in Face(lip_gap=0.1, corners_up=0.05, brows_up=0.02).mesh().items():
        mesh[point] = place
    assert lip_gap(mesh) == pytest.approx(0.14, abs=0.005)
    assert mouth_width(mesh) == pytest.approx(2 * (0.385 + 0.05), abs=1e-6)
    assert corner_lift(mesh) == pytest.approx((1.030 + 1.167) / 2 - 0.990, abs=1e-6)
    rest = np.zeros((468, 3))
    for point, place in Face().mesh().items():
        rest[point] = place
    for height in (brow_height, inner_brow_height, outer_brow_height):
        assert height(mesh) - height(rest) == pytest.approx(0.02, abs=1e-6)
    assert eye_aspect_ratio(mesh) == pytest.approx(0.253, abs=0.01)


def test_what_is_measured_survives_the_way_through_the_camera():
    landmarks = Face(lip_gap=0.1).seen((30, 10, -20), 100_000)
    mesh = in_head(mesh_px(landmarks), head_pose(landmarks))
    assert lip_gap(mesh) == pytest.approx(0.14, abs=0.01)
    assert mouth_width(mesh) == pytest.approx(0.77, abs=0.01)


def test_the_eyes_of_the_iris_model_come_first():
    landmarks = Face().seen((10, 0, 0))
    alone = signals(landmarks, SCALES)
    assert (alone.gaze_yaw_deg, alone.gaze_pitch_deg) == (None, None)
    read = signals(landmarks, SCALES, Gaze(12.0, -3.0, 0.1))
    assert (read.gaze_yaw_deg, read.gaze_pitch_deg, read.eye_openness) == (12.0, -3.0, 0.1)
    assert (
        dataclasses.replace(
            read, gaze_yaw_deg=None, gaze_pitch_deg=None, eye_openness=alone.eye_openness
        )
        == alone
    )


def test_a_pose_that_is_known_is_taken():
    landmarks = Face().seen((10, 0, 0))
    assert signals(landmarks, SCALES, pose=head_pose(landmarks)) == signals(landmarks, SCALES)


def test_a_scale_takes_out_the_pose_and_stops_at_its_ends():
    scale = SignalScale(0.2, 0.4, per_pitch_deg=-0.01, per_yaw_deg=0.002)
    assert scale.signal(0.3, 0, 0) == pytest.approx(0.5)
    assert scale.signal(0.3 - 0.1, 10, 0) == pytest.approx(0.5)
    assert scale.signal(0.3 + 0.04, 0, -20) == pytest.approx(0.5)
    assert scale.signal(0.3, 90, 0) == scale.signal(0.3, 25, 0)
    assert scale.signal(0.3, 0, 90) == scale.signal(0.3, 0, 40)
    assert (scale.signal(9, 0, 0), scale.signal(-9, 0, 0)) == (1.0, 0.0)
    assert SignalScale(0.4, 0.2, 0, 0).signal(0.25, 0, 0) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smile_at_1": MANIFEST.thresholds["smile_at_0"]}, "smile: .* two different finite ends"),
        ({"smile_per_yaw_deg": float("nan")}, "smile: .* finite"),
    ],
)
def test_scales_that_make_no_sense_are_refused(change, message):
    broken = dataclasses.replace(MANIFEST, thresholds={**MANIFEST.thresholds, **change})
    with pytest.raises(ManifestError, match=message):
        SignalScales.from_manifest(broken)


@pytest.mark.parametrize("key", ["brow_raise_at_0", "smile_lift", "furrow_outer"])
def test_a_missing_scale_is_named(key):
    thresholds = {name: value for name, value in MANIFEST.thresholds.items() if name != key}
    with pytest.raises(ManifestError, match=key):
        SignalScales.from_manifest(dataclasses.replace(MANIFEST, thresholds=thresholds))
