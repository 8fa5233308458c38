"""How much certainty an overlap costs, fitted on mixtures of the development speakers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.metrics import expected_calibration_error
from edge_affect.evaluation.overlap import Heard, listen, overlap_figures, pairs_of
from edge_affect.perception.activity import ActivityModel
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.interpreter import TfliteModel
from edge_affect.perception.overlap import OverlapDiscount

if TYPE_CHECKING:
    from edge_affect.evaluation.recordings import Recording
    from edge_affect.perception.manifest import Manifest

N_PAIRS = 150
MIN_SPEECH = 0.5
"""The net is trained to answer from here on where somebody speaks."""
SPARED = 0.9
"""This share of single voices keeps all of its certainty."""
MIN_RISE = 0.05


def fit_discount(single: Heard, mixed: Heard) -> OverlapDiscount:
    """Return the discount whose answers to mixtures are best calibrated.

    It begins above what nine of ten single voices are taken for, is complete at what half of the
    mixtures reach, and gives up as much as makes the calibration error of mixtures smallest.
    """
    low = round(float(np.quantile(single.overlap, SPARED)), 3)
    high = round(max(float(np.median(mixed.overlap)), low + MIN_RISE), 3)
    choices = [OverlapDiscount(low, high, most / 20) for most in range(21)]
    errors = [
        expected_calibration_error(mixed.truth, mixed.discounted(choice)) for choice in choices
    ]
    return choices[int(np.argmin(errors))]


def with_discount(
    manifest: Manifest, content: bytes, recordings: tuple[Recording, ...]
) -> tuple[Manifest, dict[str, Any]]:
    """Return the manifest with the fitted thresholds, and the figures on these speakers."""
    speech = {"speech": MIN_SPEECH}
    nothing = {**speech, "overlap_low": 0.0, "overlap_high": 1.0, "overlap_discount": 0.0}
    detector = ActivityModel(TfliteModel(replace(manifest, thresholds=nothing), content))
    model = VoiceExpressionModel.load()
    pairs = pairs_of(recordings, N_PAIRS)
    single, mixed = (listen(pairs, model, detector, is_mixed=each) for each in (False, True))
    discount = fit_discount(single, mixed)
    fitted = {
        **speech,
        "overlap_low": discount.low,
        "overlap_high": discount.high,
        "overlap_discount": discount.most,
    }
    return replace(manifest, thresholds=fitted), overlap_figures(single, mixed, discount)
