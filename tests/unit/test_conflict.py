"""Conflicts of two modalities: settled by trust, less sure, and only as far as there is one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.errors import ShapeError
from edge_affect.evaluation.fusion_settled import answered
from edge_affect.fusion.conflict import ConflictFallback
from edge_affect.fusion.incongruence import Incongruence
from edge_affect.fusion.pooling import log_linear_pool

BOTH = {"face": 1.0, "voice": 1.0}
ALIKE = {"face": 0.5, "voice": 0.5}
FALLBACK = ConflictFallback(Incongruence(slope=-1.5, bias=-3.0))


def shown(top, mass, k=8):
    p = np.full(k, (1.0 - mass) / (k - 1))
    p[top] = mass
    return p


def answer(face, voice, weights=BOTH, trust=ALIKE, fallback=FALLBACK):
    product = log_linear_pool(np.stack((face, voice)), np.array([*weights.values()]))
    settled = fallback.settled(product, {"face": face, "voice": voice}, weights, trust)
    return product, settled


def test_a_conflict_names_what_the_trusted_one_shows_and_not_what_neither_does():
    face, voice = np.array([0.1, 0.899, 0.001]), np.array([0.1, 0.001, 0.899])
    for trust, wanted in (({"face": 0.6, "voice": 0.4}, 1), ({"face": 0.4, "voice": 0.6}, 2)):
        product, settled = answer(face, voice, trust=trust, fallback=ConflictFallback(
            Incongruence(slope=-1.5, bias=-3.0), usual_share=0.5))  # fmt: skip
        assert product.argmax() == 0
        assert settled.argmax() == wanted
        assert settled.max() < 0.6
        assert min(settled[1:]) > 0.3


def test_agreement_is_left_as_it_is():
    product, settled = answer(shown(1, 0.8), shown(1, 0.8))
    assert settled == pytest.approx(product, abs=0.005)


def test_one_modality_or_none_that_is_believed_keeps_the_product():
    p = shown(3, 0.7)
    assert FALLBACK.settled(p, {"face": p}, {"face": 1.0}, {"face": 1.0}) is p
    nothing = {"face": 0.0, "voice": 0.0}
    assert FALLBACK.settled(p, {"face": p, "voice": p}, BOTH, nothing) is p


def test_a_conflict_fades_with_the_modality_that_gets_old():
    face, voice = shown(1, 0.99), shown(3, 0.99)
    chance = float(FALLBACK.chance(face, voice))
    assert chance > 0.2
    for weight in (1.0, 0.5, 0.1, 0.0):
        product, settled = answer(face, voice, {"face": weight, "voice": 1.0})
        assert float(np.abs(product - settled).sum()) <= 2.0 * weight * chance + 1e-12
    product, settled = answer(face, voice, {"face": 0.5, "voice": 1.0})
    assert settled[1] > product[1] + 0.01


def test_how_often_a_person_conflicts_is_followed():
    generator = np.random.default_rng(0)
    tops = generator.integers(0, 8, 60)
    face = np.stack([shown(top, 0.9) for top in tops])
    other = np.stack([shown((top + 3) % 8, 0.9) for top in tops])
    fallback = ConflictFallback(Incongruence(slope=-2.0, bias=-4.0))
    none = fallback.share_of_conflicts(face[:0], face[:0])
    assert none == pytest.approx(fallback.usual_share)
    assert fallback.share_of_conflicts(face, face) < none
    assert fallback.share_of_conflicts(face, other) > 0.5


@given(
    st.lists(st.floats(0.0, 1.0), min_size=16, max_size=16).filter(
        lambda v: min(sum(v[:8]), sum(v[8:])) > 0.1
    ),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_whatever_is_shown_the_answer_is_a_distribution_and_free_of_order(values, weight, trust):
    face, voice = (np.array(v) / sum(v) for v in (values[:8], values[8:]))
    weights, trusts = {"face": weight, "voice": 1.0}, {"face": trust, "voice": 0.5}
    product, settled = answer(face, voice, weights, trusts)
    assert settled.min() >= 0.0
    assert settled.sum() == pytest.approx(1.0)
    turned = {"voice": voice, "face": face}
    assert np.allclose(FALLBACK.settled(product, turned, weights, trusts), settled)


def test_a_share_that_is_none_is_refused():
    for share in (0.0, 1.0, float("nan")):
        with pytest.raises(ShapeError):
            ConflictFallback(usual_share=share)


def test_coverage_counts_what_is_sure_enough():
    found = answered([(True, 0.9), (False, 0.6), (True, 0.4), (False, 0.1)])
    assert [row["coverage"] for row in found] == [0.75, 0.5, 0.25]
    assert [row["accuracy"] for row in found] == [0.6667, 0.5, 1.0]
    assert answered([(True, 0.1)])[0]["accuracy"] is None
