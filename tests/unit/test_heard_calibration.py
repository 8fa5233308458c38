"""Which weighting of rare expressions the voice model's calibration takes."""

import numpy as np
import pytest

from edge_affect.training import heard_calibration
from edge_affect.training.heard_calibration import Windows, fit_as_heard

NEUTRAL = 0


def windows(n, seed):
    """Four in five are heard as neutral; what the model says fits in most of them."""
    generator = np.random.default_rng(seed)
    heard = (generator.random(n) < 0.2).astype(np.int64)
    odds = (2.0 * heard - 1.0) * 0.8 + generator.normal(0.0, 1.0, n)
    logs = -np.log1p(np.exp(np.column_stack((odds, -odds))))
    return Windows(logs, heard, heard)


def false_on_neutral(as_heard, clean):
    said = as_heard(np.exp(clean.logs[clean.heard == NEUTRAL])).argmax(axis=1)
    return float((said != NEUTRAL).mean())


@pytest.mark.parametrize("most", [0.25, 0.15, 0.06])
def test_the_evenest_weighting_is_taken_that_leaves_neutral_alone(monkeypatch, most):
    clean, degraded = windows(4_000, 1), windows(1_000, 2)
    monkeypatch.setattr(heard_calibration, "MOST_ECE", 1.0)
    monkeypatch.setattr(heard_calibration, "MOST_FALSE_ON_NEUTRAL", 1.0)
    evenest = false_on_neutral(fit_as_heard(clean, degraded, NEUTRAL), clean)
    monkeypatch.setattr(heard_calibration, "MOST_FALSE_ON_NEUTRAL", most)
    taken = false_on_neutral(fit_as_heard(clean, degraded, NEUTRAL), clean)
    assert taken <= most
    assert (taken == evenest) == (evenest <= most)


def test_a_weighting_that_is_not_honest_is_not_taken(monkeypatch):
    clean, degraded = windows(4_000, 1), windows(1_000, 2)
    monkeypatch.setattr(heard_calibration, "MOST_FALSE_ON_NEUTRAL", 1.0)
    monkeypatch.setattr(heard_calibration, "MOST_ECE", 1.0)
    evenest = fit_as_heard(clean, degraded, NEUTRAL)
    monkeypatch.setattr(heard_calibration, "MOST_ECE", 0.01)
    honest = fit_as_heard(clean, degraded, NEUTRAL)
    assert false_on_neutral(honest, clean) < false_on_neutral(evenest, clean)
