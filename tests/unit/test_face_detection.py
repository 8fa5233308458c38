"""Detector answers are planted, so that it is known what must come out."""

import dataclasses

import numpy as np
import pytest
from planted import FAR, NEAR, PlantedDetector

from edge_affect.errors import ManifestError
from edge_affect.perception.face_detection import (
    Candidates,
    DetectorSettings,
    FaceDetector,
    anchor_centres_px,
    blend,
    decode,
    overlap,
    sigmoid,
)
from edge_affect.perception.face_search import FaceSearch, SearchSettings

FRAME = np.full((480, 640, 3), 255, dtype=np.uint8)


@pytest.mark.parametrize(
    ("manifest", "n_anchors", "first"), [(NEAR, 896, (4.0, 4.0)), (FAR, 2304, (2.0, 2.0))]
)
def test_anchors_fill_the_grid(manifest, n_anchors, first):
    settings = DetectorSettings.from_manifest(manifest)
    anchors = anchor_centres_px(settings)
    assert anchors.shape == (n_anchors, 2)
    assert tuple(anchors[0]) == first
    assert np.allclose(anchors.mean(axis=0), settings.size_px / 2)
    assert np.allclose(anchors[::-1], settings.size_px - anchors) or manifest is NEAR


def test_near_anchors_are_two_grids_with_shared_centres():
    anchors = anchor_centres_px(DetectorSettings.from_manifest(NEAR))
    fine, coarse = anchors[:512], anchors[512:]
    assert np.array_equal(fine[0], fine[1])
    assert fine[2].tolist() == [12.0, 4.0]
    assert coarse.shape == (384, 2)
    assert np.unique(coarse, axis=0).shape == (64, 2)
    assert coarse[0].tolist() == [8.0, 8.0]


def test_sigmoid_survives_any_logit():
    values = sigmoid(np.array([-1e30, -1.0, 0.0, 1.0, 1e30], dtype=np.float32))
    assert values[0] < 1e-30
    assert values[2] == 0.5
    assert values[4] == 1.0
    assert values[1] + values[3] == pytest.approx(1.0)


def test_decode_gives_corners_and_keypoints():
    regressors = np.arange(16, dtype=np.float32)[np.newaxis]
    points = decode(regressors, np.array([[100.0, 50.0]], dtype=np.float32))
    assert points.shape == (1, 8, 2)
    assert points[0, 0].tolist() == [100 + 0 - 1.0, 50 + 1 - 1.5]
    assert points[0, 1].tolist() == [100 + 0 + 1.0, 50 + 1 + 1.5]
    assert points[0, 2].tolist() == [104.0, 55.0]
    assert points[0, 7].tolist() == [114.0, 65.0]


def test_overlap_is_intersection_over_union():
    box = np.array([[0, 0], [2, 2]], dtype=np.float32)
    others = np.array(
        [[[0, 0], [2, 2]], [[1, 0], [3, 2]], [[2, 2], [4, 4]], [[1, 1], [1, 1]]], dtype=np.float32
    )
    assert overlap(box, others).tolist() == pytest.approx([1.0, 1 / 3, 0.0, 0.0])


def face_points(x, y, side):
    points = np.full((8, 2), (x, y), dtype=np.float32)
    points[0] -= side / 2
    points[1] += side / 2
    return points


def test_blending_averages_one_face_and_keeps_two():
    points = np.stack([face_points(10, 10, 10), face_points(12, 10, 10), face_points(50, 50, 8)])
    faces, scores = blend(points, np.array([0.6, 0.9, 0.7], dtype=np.float32), 0.3)
    assert scores.tolist() == pytest.approx([0.9, 0.7])
    assert faces[0, 2].tolist() == pytest.approx([(10 * 0.6 + 12 * 0.9) / 1.5, 10.0])
    assert faces[1, 2].tolist() == [50.0, 50.0]


def test_blending_nothing_gives_nothing():
    empty = Candidates(np.zeros((0, 8, 2), dtype=np.float32), np.zeros(0, dtype=np.float32))
    assert empty.faces(0.3) == ()
    assert (empty + empty).points_px.shape == (0, 8, 2)


def test_a_planted_face_comes_out_in_frame_pixels():
    model = PlantedDetector(NEAR, [(64, 64, 32, 5.0)])
    (face,) = FaceDetector(model).detect(FRAME)
    assert face.probability == pytest.approx(1 / (1 + np.exp(-5.0)))
    assert (face.box.left_px, face.box.top_px) == pytest.approx((320 - 80, 240 - 80))
    assert (face.box.width_px, face.box.height_px) == pytest.approx((160, 160))
    assert face.keypoints_px[:, 0].tolist() == pytest.approx([320 + 5 * n for n in range(6)])
    assert face.keypoints_px[:, 1].tolist() == pytest.approx([240] * 6)


def test_the_input_is_scaled_and_padded():
    model = PlantedDetector(NEAR, [])
    FaceDetector(model).detect(FRAME)
    (tensor,) = model.inputs
    assert tensor.shape == (1, 128, 128, 3)
    assert tensor.dtype == np.float32
    assert np.allclose(tensor[0, 16:112], 1.0)
    assert np.allclose(tensor[0, :16], -1.0)
    assert np.allclose(tensor[0, 112:], -1.0)


def test_what_is_improbable_is_no_face():
    model = PlantedDetector(NEAR, [(64, 64, 32, -0.01)])
    assert FaceDetector(model).detect(FRAME) == ()


def test_one_sure_close_face_is_one_look():
    near, far = PlantedDetector(NEAR, [(64, 64, 32, 3.0)]), PlantedDetector(FAR, [])
    faces = FaceSearch(near, far, 20).find(FRAME)
    assert [len(faces), len(near.inputs), len(far.inputs)] == [1, 1, 0]


def test_an_unsure_close_face_is_looked_at_from_further_away():
    near = PlantedDetector(NEAR, [(64, 64, 60, 0.2)], [(64, 64, 39, 3.0)])
    far = PlantedDetector(FAR, [])
    (face,) = FaceSearch(near, far, 20).find(FRAME)
    assert [len(near.inputs), len(far.inputs)] == [2, 0]
    assert face.probability > 0.9
    assert 290 < face.box.width_px < 310
    second = near.inputs[1][0, :, :, 0]
    assert np.count_nonzero(second[64] > 0) == round(0.65 * 128)


def test_small_faces_call_the_far_detector_and_are_added():
    near = PlantedDetector(NEAR, [(20, 64, 12, 3.0)])
    far = PlantedDetector(FAR, [(150, 96, 10, 2.0), (30, 96, 18, 1.0)])
    faces = FaceSearch(near, far, 20).find(FRAME)
    assert [len(near.inputs), len(far.inputs)] == [1, 1]
    assert [round(face.box.left_px + face.box.width_px / 2) for face in faces] == [100, 500]


def test_an_empty_frame_takes_three_looks():
    near, far = PlantedDetector(NEAR, []), PlantedDetector(FAR, [])
    assert FaceSearch(near, far, 20).find(FRAME) == ()
    assert [len(near.inputs), len(far.inputs)] == [2, 1]


def test_only_the_most_certain_faces_are_kept():
    planted = [(10 + 12 * (n % 15), 60 + 14 * (n // 15), 10, 1 + 0.1 * n) for n in range(30)]
    near, far = PlantedDetector(NEAR, []), PlantedDetector(FAR, planted)
    faces = FaceSearch(near, far, 20).find(FRAME)
    expected = sorted((float(sigmoid(np.float32(p[3]))) for p in planted), reverse=True)[:20]
    assert [face.probability for face in faces] == pytest.approx(expected)


def changed(manifest, table, **values):
    return dataclasses.replace(manifest, **{table: {**getattr(manifest, table), **values}})


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (changed(NEAR, "preprocessing", anchors="8x2"), "the anchors ask for outputs"),
        (changed(NEAR, "preprocessing", anchors="eight"), "must read like '16x2 32x6'"),
        (changed(NEAR, "preprocessing", input_low="black"), "must be numbers"),
        (dataclasses.replace(NEAR, thresholds={}), "'min_probability' is missing"),
        (dataclasses.replace(NEAR, preprocessing={}), "'anchors' is missing"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(manifest, words):
    with pytest.raises(ManifestError, match=words):
        DetectorSettings.from_manifest(manifest)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (FAR, "'close_share' is missing"),
        (changed(NEAR, "thresholds", close_share=0.0), "above 0"),
        (changed(NEAR, "preprocessing", zoom_out=1.5), "at most 1"),
        (changed(NEAR, "preprocessing", zoom_out="far"), "'zoom_out' must be a number"),
    ],
)
def test_a_near_detector_says_when_one_look_is_enough(manifest, words):
    with pytest.raises(ManifestError, match=words):
        SearchSettings.from_manifest(manifest)
