"""Conflicts settled (`fusion.conflict`) where a modality was made to fail: before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.evaluation.fusion_fit import MODALITIES, N_BLOCKS, people_rows
from edge_affect.fusion.conflict import ConflictFallback

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.evaluation.fusion_fit import FittedFusion
    from edge_affect.evaluation.fusion_scores import FusionScores

LEAST_CONFIDENCES: tuple[float, ...] = (0.35, 0.5, 0.7)
"""Confidence asked for; 0.35 is the default of [fusion]."""


def answered(said: list[tuple[bool, float]]) -> list[dict[str, float | None]]:
    """Return by confidence asked for which share is answered, and how much of it is right."""
    found: list[dict[str, float | None]] = []
    for least in LEAST_CONFIDENCES:
        right = [one for one, sure in said if sure >= least]
        accuracy = round(float(np.mean(right)), 4) if right else None
        share = round(len(right) / len(said), 4)
        found.append({"confidence": least, "coverage": share, "accuracy": accuracy})
    return found


def settled(
    fitted: FittedFusion,
    scores: FusionScores,
    answers: NDArray[np.float64],
    shown: dict[str, NDArray[np.float64]],
    weights: dict[str, NDArray[np.float64]],
    *,
    is_known: bool,
) -> NDArray[np.float64]:
    """Return the answers with conflicts settled (`fusion.conflict`), shape ``(n, n_classes)``.

    Args:
        fitted: What was fitted on other people.
        scores: The clips.
        answers: Of the pool, shape ``(n, n_classes)``.
        shown: By modality, what it says alone, of the same shape.
        weights: By modality, shape ``(n,)``; 1 where not named.
        is_known: Follow how often this person's other clips conflict, dealt into parts at random.
    """
    generator = np.random.default_rng(0)
    face, voice = (shown[name] for name in MODALITIES)
    usual = ConflictFallback(fitted.incongruence)
    found = answers.copy()
    for rows in people_rows(scores):
        for part in np.array_split(generator.permutation(rows), min(N_BLOCKS, rows.size)):
            fallback = usual
            others = np.setdiff1d(rows, part)
            if is_known:
                share = usual.share_of_conflicts(face[others], voice[others])
                fallback = ConflictFallback(fitted.incongruence, share)
            for row in part:
                count = {name: float(weights[name][row]) if name in weights else 1.0
                         for name in MODALITIES}  # fmt: skip
                each = {name: shown[name][row] for name in MODALITIES}
                found[row] = fallback.settled(answers[row], each, count, fitted.trust)
    return found
