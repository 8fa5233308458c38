"""The bank of judged crops: what teachers and votes make together, and which copy comes when."""

import numpy as np
import pytest

from edge_affect.errors import ShapeError
from edge_affect.training.face_bank import FaceBank
from edge_affect.training.face_beards import grow_beards

VOTES = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], dtype=np.float32)


def bank(n_copies=4):
    crops = np.arange(n_copies, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, 3, 2, 2), dtype=np.uint8
    )
    return FaceBank(crops, VOTES)


def saying(*probabilities):
    """A teacher who says the same of every crop."""
    return lambda crops: np.log(np.tile(np.array(probabilities, dtype=np.float32), (len(crops), 1)))


def hears(judged, teacher):
    judged.hear(judged.judged_by(teacher))


def test_without_teachers_votes_are_all_there_is():
    assert bank().targets(0.3).tolist() == [VOTES.tolist()] * 4


def test_teachers_speak_as_their_geometric_mean():
    judged = bank()
    hears(judged, saying(0.9, 0.1))
    hears(judged, saying(0.5, 0.5))
    assert judged.targets(0.0)[2, 1] == pytest.approx([0.75, 0.25])


def test_votes_and_teachers_share_the_target():
    judged = bank()
    hears(judged, saying(0.2, 0.8))
    targets = judged.targets(0.5)
    assert targets[0] == pytest.approx(np.array([[0.6, 0.4], [0.35, 0.65], [0.1, 0.9]]))
    assert targets.sum(axis=-1) == pytest.approx(np.ones((4, 3)))


def test_beards_change_crops_and_not_what_was_said_of_them():
    crops = np.full((2, 40, 48, 48), 180, dtype=np.uint8)
    judged = FaceBank(crops, np.tile(np.array([[0.3, 0.7]], dtype=np.float32), (40, 1)))
    hears(judged, saying(0.2, 0.8))
    bearded = judged.with_beards(0.5, seed=3)
    assert bearded.targets(0.4).tolist() == judged.targets(0.4).tolist()
    is_changed = (bearded.crops != crops).any(axis=(2, 3))
    assert 0.3 < is_changed.mean() < 0.7
    assert judged.crops is crops


def test_a_beard_is_dark_around_the_mouth_and_nowhere_else():
    crops = np.full((30, 48, 48), 180, dtype=np.uint8)
    bearded = grow_beards(crops, 1.0, np.random.default_rng(5)).astype(np.float64)
    assert bearded[:, :24].mean() == pytest.approx(180, abs=1.0)
    assert bearded[:, 42:46, 20:28].mean() < 130
    assert bearded[:, 36, 24].mean() > 150


def test_each_copy_is_judged_by_itself():
    judged = bank()
    hears(
        judged,
        lambda crops: np.log(
            np.stack([[0.1 + 0.2 * c[0, 0], 0.9 - 0.2 * c[0, 0]] for c in crops]).astype(np.float32)
        ),
    )
    assert judged.targets(0.0)[:, 0, 0] == pytest.approx([0.1, 0.3, 0.5, 0.7])


def test_every_copy_of_a_crop_comes_once_before_any_comes_again():
    copies = np.stack([bank().copies_of_epoch(epoch, seed=5) for epoch in range(4)])
    assert [sorted(column) for column in copies.T.tolist()] == [[0, 1, 2, 3]] * 3
    assert bank().copies_of_epoch(4, seed=5).tolist() == copies[0].tolist()


def test_crops_and_votes_must_be_of_the_same_faces():
    with pytest.raises(ShapeError, match="do not go with votes"):
        FaceBank(np.zeros((2, 4, 2, 2), dtype=np.uint8), VOTES)
