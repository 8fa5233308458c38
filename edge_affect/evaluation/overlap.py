"""Two people at once: is it noticed, and is the answer less sure of itself in proportion?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Voice
from edge_affect.evaluation.metrics import accuracy, expected_calibration_error
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import Recording, read_samples
from edge_affect.perception.acoustic import log_mel_db
from edge_affect.perception.activity import SpeechActivity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.activity import SpeechDetector
    from edge_affect.perception.expression_model import VoiceExpressionModel
    from edge_affect.perception.overlap import OverlapDiscount

LEVEL = 0.05
FLOOR = 1e-4
"""Noise under every clip, 54 dB below the voices, so that padding is no digital silence."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a set of windows.

    Attributes:
        truth: Index of the right class, shape ``(n,)``.
        probabilities: Before any discount, shape ``(n, n_classes)``.
        overlap: Share of overlap in each, shape ``(n,)``.
    """

    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    overlap: NDArray[np.float64]

    def discounted(self, discount: OverlapDiscount) -> NDArray[np.float64]:
        """Return the distributions as the live path gives them out."""
        rows = zip(self.probabilities, self.overlap, strict=True)
        return np.stack([discount.applied(row, float(share)) for row, share in rows])


def auc(scores: NDArray[np.floating], is_positive: NDArray[np.bool_]) -> float:
    """Return the area under the receiver operating characteristic; ties count half.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    ordered = np.sort(scores)
    ranks = (np.searchsorted(ordered, scores) + np.searchsorted(ordered, scores, "right") + 1) / 2
    n_positive = int(is_positive.sum())
    n_negative = scores.size - n_positive
    excess = float(ranks[is_positive].sum()) - n_positive * (n_positive + 1) / 2
    return excess / (n_positive * n_negative)


def pairs_of(
    recordings: tuple[Recording, ...], n_pairs: int, seed: int = 0
) -> tuple[tuple[Recording, Recording], ...]:
    """Return pairs of clips by different speakers; the first one's label is the right one."""
    generator = np.random.default_rng(seed)
    pairs: list[tuple[Recording, Recording]] = []
    while len(pairs) < n_pairs:
        first, second = (recordings[i] for i in generator.integers(0, len(recordings), 2))
        if first.speaker != second.speaker:
            pairs.append((first, second))
    return tuple(pairs)


def listen(
    pairs: tuple[tuple[Recording, Recording], ...],
    model: VoiceExpressionModel,
    detector: SpeechDetector,
    *,
    is_mixed: bool,
) -> Heard:
    """Return what is heard of the first voice of each pair, alone or with the second at 0 dB."""
    acoustic = model.acoustic
    generator = np.random.default_rng(1)
    activity = SpeechActivity(detector, Voice(), acoustic.n_window)
    truth, rows, overlap = [], [], []
    what = "mixtures" if is_mixed else "single voices"
    for first, second in with_progress(pairs, len(pairs), what):
        window = _centred(read_samples(first.path), acoustic.n_window)
        if is_mixed:
            window = window + _centred(read_samples(second.path), acoustic.n_window)
        window += FLOOR * generator.standard_normal(window.size).astype(np.float32)
        truth.append(model.expressions.index(first.label))
        rows.append(model.probabilities(log_mel_db(window, acoustic)))
        activity.clear()
        # The window ends with a whole hop, as it does in the live path.
        n_before = -window.size % detector.acoustic.n_hop
        quiet = FLOOR * generator.standard_normal(n_before).astype(np.float32)
        activity.extend(np.concatenate((quiet, window)))
        overlap.append(activity.overlap_share())
    return Heard(np.array(truth, np.int64), np.stack(rows), np.array(overlap))


def _centred(samples: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
    """Return the middle of a clip at a fixed level of its louder half, padded with zeros."""
    missing = n_samples - samples.size
    if missing < 0:
        samples = samples[-missing // 2 :][:n_samples]
    else:
        samples = np.pad(samples, (missing // 2, missing - missing // 2))
    power = np.square(samples[: n_samples // 320 * 320].reshape(-1, 320)).mean(axis=1)
    level = np.sqrt(max(float(power[power >= np.median(power)].mean()), 1e-12))
    return np.asarray(samples * (LEVEL / level), dtype=np.float32)


def overlap_figures(single: Heard, mixed: Heard, discount: OverlapDiscount) -> dict[str, Any]:
    """Return how well mixtures are told from single voices, and what that does to certainty.

    Right means the first voice's label; in a mixture the second voice usually has another one.
    """
    shares = np.concatenate((single.overlap, mixed.overlap))
    is_mixed = np.arange(shares.size) >= single.overlap.size
    return {
        "n": int(mixed.truth.size),
        "auc": round(auc(shares, is_mixed), 4),
        "single": _certainty(single, discount),
        "mixed": _certainty(mixed, discount),
    }


def _certainty(heard: Heard, discount: OverlapDiscount) -> dict[str, float]:
    after = heard.discounted(discount)
    return {
        "accuracy": round(accuracy(heard.truth, heard.probabilities.argmax(axis=1)), 4),
        "overlap_share": round(float(heard.overlap.mean()), 4),
        "mean_reliability_before": round(float(heard.probabilities.max(axis=1).mean()), 4),
        "mean_reliability": round(float(after.max(axis=1).mean()), 4),
        "ece_before": round(expected_calibration_error(heard.truth, heard.probabilities), 4),
        "ece": round(expected_calibration_error(heard.truth, after), 4),
    }
