"""The pose of a head, checked by projecting known heads at known angles."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_head import seen, somebody

from edge_affect.errors import ShapeError
from edge_affect.perception.face_canonical import HEAD_POINTS, RIGID_POINTS, TWINS
from edge_affect.perception.face_landmarks import FaceLandmarks
from edge_affect.perception.face_pose import angles_of, head_pose, in_head, mesh_px, rotation_of

YAWS_DEG = (-40, -30, -20, -10, 0, 10, 20, 30, 40)
PITCHES_DEG = (-25, 0, 25)
ROLLS_DEG = (-30, 0, 30)
POSES = tuple(itertools.product(YAWS_DEG, PITCHES_DEG, ROLLS_DEG))
MAX_ERROR_DEG = 3.0


def error_deg(landmarks, angles_deg):
    pose = head_pose(landmarks)
    return np.abs(np.subtract((pose.yaw_deg, pose.pitch_deg, pose.roll_deg), angles_deg)).max()


@given(st.floats(-85, 85), st.floats(-85, 85), st.floats(-179, 179))
@settings(max_examples=60, deadline=None)
def test_angles_and_rotations_are_each_others_inverse(yaw_deg, pitch_deg, roll_deg):
    rotation = rotation_of(yaw_deg, pitch_deg, roll_deg)
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    assert angles_of(rotation) == pytest.approx((yaw_deg, pitch_deg, roll_deg), abs=1e-6)


def test_signs_are_those_of_the_face_signals():
    straight, top = np.array([0, 0, -1]), np.array([0, -1, 0])
    assert (rotation_of(30, 0, 0) @ straight)[0] == pytest.approx(0.5)
    assert (rotation_of(0, 30, 0) @ straight)[1] == pytest.approx(-0.5)
    assert (rotation_of(0, 0, 30) @ top)[0] == pytest.approx(0.5)


def test_the_median_head_is_symmetric_and_looks_ahead():
    places = dict(zip(RIGID_POINTS, HEAD_POINTS, strict=True))
    assert len(places) == len(RIGID_POINTS) == 40
    for point, twin in TWINS.items():
        assert places[twin] == pytest.approx(places[point] * (-1, 1, 1))
    eyes = [(places[outer] + places[inner]) / 2 for outer, inner in ((33, 133), (263, 362))]
    assert np.allclose(np.add(*eyes), 0, atol=2e-3)
    assert np.linalg.norm(eyes[1] - eyes[0]) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("distance_mm", [400, 600, 1500])
def test_the_median_head_in_perspective(distance_mm):
    errors = [error_deg(seen(HEAD_POINTS, pose, distance_mm), pose) for pose in POSES]
    assert len(errors) == 81
    assert max(errors) < MAX_ERROR_DEG


@pytest.mark.parametrize("seed", range(6))
def test_somebody_elses_head_at_a_kiosk(seed):
    head = somebody(seed)
    assert np.abs(head - HEAD_POINTS).max() > 0.03
    # No head says by itself where its pitch is 0: what its shape adds is the same at all angles.
    own_deg = head_pose(seen(head, distance_mm=100_000)).pitch_deg
    errors = [error_deg(seen(head, pose), np.add(pose, (0, own_deg, 0))) for pose in POSES]
    assert max(errors) < MAX_ERROR_DEG
    assert abs(own_deg) < MAX_ERROR_DEG


@pytest.mark.parametrize("seed", range(2))
def test_noise_of_the_landmarks_is_averaged_out(seed):
    rng = np.random.default_rng(100 + seed)
    for pose in POSES:
        clean = seen(HEAD_POINTS, pose)
        # One pixel of noise where the eyes are 58 px apart, and twice that in depth.
        noisy = FaceLandmarks(
            clean.points_px + rng.normal(0, 1, (468, 2)).astype(np.float32),
            1.0,
            clean.depths_px + rng.normal(0, 2, 468).astype(np.float32),
        )
        assert error_deg(noisy, pose) < MAX_ERROR_DEG


@pytest.mark.parametrize("gain", [0.88, 1.12])
def test_a_face_taken_for_flatter_or_deeper_than_it_is(gain):
    for pose in POSES:
        if pose[1] == 0:
            landmarks = seen(HEAD_POINTS, pose)
            bent = dataclasses.replace(landmarks, depths_px=landmarks.depths_px * np.float32(gain))
            assert error_deg(bent, pose) < MAX_ERROR_DEG


def test_a_mirrored_mesh_turns_and_tilts_the_other_way():
    landmarks = seen(somebody(1), (25, 10, 15))
    rows = np.arange(468)
    for point, twin in TWINS.items():
        rows[point] = twin
    mirrored = FaceLandmarks(
        (landmarks.points_px * (-1, 1) + (640, 0)).astype(np.float32)[rows],
        1.0,
        landmarks.depths_px[rows],
    )
    pose, other = head_pose(landmarks), head_pose(mirrored)
    assert other.yaw_deg == pytest.approx(-pose.yaw_deg, abs=1e-3)
    assert other.pitch_deg == pytest.approx(pose.pitch_deg, abs=1e-3)
    assert other.roll_deg == pytest.approx(-pose.roll_deg, abs=1e-3)


def test_size_and_place_do_not_matter():
    near = seen(HEAD_POINTS, (20, 5, -10), 3000)
    moved = FaceLandmarks(near.points_px * 5 + 77, 1.0, near.depths_px * 5)
    one, other = head_pose(near), head_pose(moved)
    assert (one.yaw_deg, one.pitch_deg, one.roll_deg) == pytest.approx(
        (other.yaw_deg, other.pitch_deg, other.roll_deg), abs=1e-3
    )
    assert other.scale_px == pytest.approx(5 * one.scale_px, rel=1e-4)


def test_a_turned_head_seen_from_ahead_is_itself():
    landmarks = seen(HEAD_POINTS, (35, -15, 20), 100_000)
    mesh = in_head(mesh_px(landmarks), head_pose(landmarks))
    assert np.allclose(mesh[list(RIGID_POINTS)], HEAD_POINTS, atol=0.01)


def test_a_mesh_without_depth_has_no_pose():
    with pytest.raises(ShapeError, match="depths"):
        head_pose(FaceLandmarks(np.zeros((468, 2), dtype=np.float32), 1.0))


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf])
def test_points_that_coincide_have_no_pose(value):
    points = np.full((468, 2), value, dtype=np.float32)
    with pytest.raises(ShapeError):
        head_pose(FaceLandmarks(points, 1.0, np.full(468, value, dtype=np.float32)))
