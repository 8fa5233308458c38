"""Cutting and aligning, checked against pictures whose every pixel says where it is."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_affect.errors import ShapeError
from edge_affect.perception.face_alignment import (
    KEYPOINT_TEMPLATE,
    MESH_TEMPLATE,
    fit_square,
    square_of_keypoints,
    square_of_mesh,
)
from edge_affect.perception.face_landmarks import FaceLandmarks, face_square
from edge_affect.perception.picture import Square, cut, letterbox
from edge_affect.types import Box, FaceDetection

SQUARES = st.builds(
    Square,
    st.floats(-500, 1500),
    st.floats(-500, 1500),
    st.floats(2, 2000),
    st.floats(-math.pi, math.pi),
)


def map_of_places(height: int = 200, width: int = 250) -> np.ndarray:
    """A frame whose red is the column and whose green is the row."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, :, 0] = np.arange(width)
    pixels[:, :, 1] = np.arange(height)[:, np.newaxis]
    return pixels


def places_of(square: Square, size_px: int) -> np.ndarray:
    """Where the middle of each pixel of a cut lies in the frame, in units of its pixels' names."""
    line = (np.arange(size_px) + 0.5) / size_px
    columns, rows = np.meshgrid(line, line)
    middle = square.to_frame(np.stack([columns.ravel(), rows.ravel()], axis=1))
    return middle.reshape(size_px, size_px, 2) - 0.5


def assert_in_place(error_px: np.ndarray) -> None:
    """Pillow drops what is behind the point, so that up to one grey level may be missing."""
    assert error_px.min() > -1.1
    assert error_px.max() < 1.1
    assert -0.85 < error_px.mean() < 0.3


@given(SQUARES)
@settings(max_examples=50)
def test_a_square_maps_there_and_back(square):
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.3, 0.8]])
    back = square.from_frame(square.to_frame(places).astype(np.float64))
    assert np.allclose(back, places, atol=1e-3)


def test_roll_turns_clockwise_on_screen():
    square = Square(100, 100, 10, math.pi / 2)
    corners = square.to_frame(np.array([[0.0, 0.0], [1.0, 0.0]]))
    assert np.allclose(corners, [[105, 95], [105, 105]], atol=1e-4)


@pytest.mark.parametrize("side_px", [0.0, -1.0, math.nan, math.inf])
def test_a_square_has_a_side(side_px):
    with pytest.raises(ShapeError):
        Square(0, 0, side_px)


@pytest.mark.parametrize("roll_deg", [-30, 0, 30, 90, 180])
@pytest.mark.parametrize("side_px", [24, 48, 60, 110])
def test_a_cut_shows_what_the_square_holds(roll_deg, side_px):
    square = Square(121.3, 97.8, side_px, math.radians(roll_deg))
    shown = cut(map_of_places(), square, 48)
    assert shown.shape == (48, 48, 3)
    assert_in_place(shown[:, :, :2] - places_of(square, 48))


def test_a_grey_cut_lies_at_the_same_place():
    frame = map_of_places()
    grey_frame = np.repeat(frame[:, :, :1], 3, axis=2)
    for side_px in (30.0, 75.0, 130.0):
        square = Square(125.0, 100.0, side_px, 0.2)
        shown = cut(grey_frame, square, 48, is_grey=True)
        assert_in_place(shown - places_of(square, 48)[:, :, 0])


def test_shrinking_does_not_alias():
    rows, columns = np.indices((400, 400))
    board = (((rows + columns) % 2) * 255).astype(np.uint8)
    pixels = np.repeat(board[:, :, np.newaxis], 3, axis=2)
    shown = cut(pixels, Square(200, 200, 300, 0.3), 48, is_grey=True)
    assert np.abs(shown.astype(float) - 127.5).max() < 20


@pytest.mark.parametrize("side_px", [30.0, 150.0, 600.0])
def test_beyond_the_frame_its_border_goes_on(side_px):
    shown = cut(map_of_places(), Square(0.0, 100.0, side_px), 48)
    # The border is one pixel of the reduced picture wide.
    assert shown[:, :20, 0].max() <= 1 + side_px / 48 / 2
    middle = shown[24, 40, 0]
    assert middle > 0


def test_a_square_far_outside_repeats_the_corner():
    shown = cut(map_of_places(), Square(-400.0, -400.0, 50.0), 48)
    assert shown.max() <= 1


@pytest.mark.parametrize("side_px", [1.0, 5_000.0, 1e6])
def test_squares_of_absurd_size_cost_no_memory(side_px):
    tracemalloc.start()
    shown = cut(map_of_places(), Square(100.0, 100.0, side_px, 0.5), 192)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shown.shape == (192, 192, 3)
    assert peak < 8_000_000


def test_a_mirrored_frame_gives_a_mirrored_cut():
    frame = map_of_places()
    mirrored = np.ascontiguousarray(frame[:, ::-1])
    shown = cut(frame, Square(100.0, 90.0, 80.0, 0.25), 48).astype(int)
    other = cut(mirrored, Square(250 - 100.0, 90.0, 80.0, -0.25), 48).astype(int)
    assert np.abs(shown - other[:, ::-1]).max() <= 1


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (90, 1000), (37, 21), (128, 128)])
@pytest.mark.parametrize("fill", [1.0, 0.65])
def test_letterbox_padding_travels_with_the_tensor(shape, fill):
    pixels = np.full((*shape, 3), 200, dtype=np.uint8)
    boxed = letterbox(pixels, 128, fill)
    assert boxed.pixels.shape == (128, 128, 3)
    inside = np.argwhere(boxed.pixels[:, :, 0] > 100)[:, ::-1]
    corners = np.stack([inside.min(axis=0), inside.max(axis=0) + 1]).astype(np.float64)
    frame_corners = boxed.to_frame(corners)
    assert np.allclose(frame_corners, [[0, 0], [shape[1], shape[0]]], atol=1e-3)
    assert abs((corners[1] - corners[0]).max() - 128 * fill) <= 1


@given(SQUARES)
@settings(max_examples=50)
def test_points_on_the_template_give_the_square_back(square):
    for template in (MESH_TEMPLATE, KEYPOINT_TEMPLATE):
        found = fit_square(square.to_frame(template), template)
        assert found.side_px == pytest.approx(square.side_px, rel=1e-3)
        assert found.centre_x_px == pytest.approx(square.centre_x_px, abs=0.01 * square.side_px)
        assert found.centre_y_px == pytest.approx(square.centre_y_px, abs=0.01 * square.side_px)
        assert math.cos(found.roll_rad - square.roll_rad) == pytest.approx(1.0, abs=1e-3)


def test_a_face_turned_aside_is_cut_wider_not_narrower():
    square = Square(200, 200, 100)
    frontal = square.to_frame(MESH_TEMPLATE)
    turned = frontal.copy()
    turned[:, 0] = 200 + (turned[:, 0] - 200) * 0.5
    height_only = fit_square(turned, MESH_TEMPLATE).side_px
    assert 70 < height_only < 100


def test_points_that_coincide_do_not_break_the_fit():
    square = fit_square(np.full((4, 2), 7.0), MESH_TEMPLATE)
    assert (square.side_px, square.roll_rad) == (1.0, 0.0)


def test_mesh_and_keypoints_agree_on_an_ideal_face():
    square = Square(320, 240, 150, 0.4)
    points = np.zeros((468, 2), dtype=np.float32)
    right_eye, left_eye, right_mouth, left_mouth = square.to_frame(MESH_TEMPLATE)
    points[[33, 133]], points[[263, 362]] = right_eye, left_eye
    points[61], points[291] = right_mouth, left_mouth
    of_mesh = square_of_mesh(FaceLandmarks(points, 1.0))
    keypoints = np.zeros((6, 2), dtype=np.float32)
    keypoints[[0, 1, 3]] = square.to_frame(KEYPOINT_TEMPLATE)
    of_keypoints = square_of_keypoints(FaceDetection(Box(0, 0, 1, 1), keypoints, 1.0))
    for found in (of_mesh, of_keypoints):
        assert found.side_px == pytest.approx(150, rel=1e-3)
        assert found.roll_rad == pytest.approx(0.4, abs=1e-3)
        assert (found.centre_x_px, found.centre_y_px) == pytest.approx((320, 240), abs=0.1)


def test_the_square_for_the_mesh_is_level_with_the_eyes():
    keypoints = np.zeros((6, 2), dtype=np.float32)
    keypoints[0], keypoints[1] = (90, 100), (110, 120)
    square = face_square(FaceDetection(Box(50, 60, 100, 80), keypoints, 0.9), 1.5)
    assert (square.centre_x_px, square.centre_y_px, square.side_px) == (100.0, 100.0, 150.0)
    assert square.roll_rad == pytest.approx(math.pi / 4)
