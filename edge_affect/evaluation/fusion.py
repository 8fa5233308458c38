"""Figures of late fusion on scores of two modalities: `edge-affect evaluate fusion`.

Three answers to each clip are told apart, by what is known of the person:

- *alone*: the clip by itself, as of somebody who just came;
- *running*: after the clips before it in a random order;
- *known*: after the other clips of the person (`fusion_fit.known_people`), as of somebody who has
  been there for a while. No label of the person is used in any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError
from edge_affect.evaluation.fusion_curves import clips_heard, degradation, moods
from edge_affect.evaluation.fusion_fit import (
    MODALITIES,
    Corrected,
    FittedFusion,
    fit_fusion,
    floored,
    known_people,
    pair_agreements,
    pairs,
    pooled,
)
from edge_affect.evaluation.fusion_manner import fit_manner, shown
from edge_affect.evaluation.fusion_scores import FusionScores, read_fusion_scores
from edge_affect.evaluation.metrics import (
    bootstrap_interval,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    recalls,
    uar,
)
from edge_affect.evaluation.paired import paired_over_people

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PROTOCOL = (
    "known: every clip is read against the same person's other clips, unlabelled; "
    "alone: every clip by itself; nothing was fitted on these people"
)
SMALLEST = 1e-12


def evaluate_fusion(data: Path, test: Path | None = None) -> dict[str, Any]:
    """Return all figures as plain JSON values.

    Args:
        data: Scores to fit on.
        test: Scores of other people to report on; None reports on the folds of ``data``, each with
            numbers fitted on the others.

    Raises:
        InputMissingError: If a file does not exist.
        DatasetError: If a file is not of the documented shape, or the two do not go together.
    """
    scores = read_fusion_scores(data)
    if test is None:
        if scores.folds is None or np.unique(scores.folds).size < 2:
            raise DatasetError(f"{data} names no folds; give other people's scores with --test.")
        folds = scores.folds
        parts = [
            (scores.rows(folds != fold), scores.rows(folds == fold)) for fold in np.unique(folds)
        ]
        return _report(parts, f"cross-validated over {len(parts)} subject folds")
    others = read_fusion_scores(test)
    if others.classes != scores.classes:
        raise DatasetError(f"{test} has other classes than {data}.")
    if set(np.unique(others.people)) & set(np.unique(scores.people)):
        raise DatasetError(f"{test} holds people of {data}; a test needs others.")
    if others.face.shape[1] != scores.face.shape[1]:
        scores, others = scores.first_face_only(), others.first_face_only()
    return _report([(scores, others)], "fitted on other people")


def _report(splits: list[tuple[FusionScores, FusionScores]], how: str) -> dict[str, Any]:
    """Return the figures of some clips each, fitted on others each."""
    parts = [(fit_fusion(fit), part) for fit, part in splits]
    scores = _joined([part for _, part in parts])
    seen = [known_people(part, fitted) for fitted, part in parts]
    fresh = [{name: floored(getattr(part, name)) for name in MODALITIES} for _, part in parts]
    known = np.concatenate(
        [pooled(fitted.weights, one) for (fitted, _), one in zip(parts, seen, strict=True)]
    )
    alone = np.concatenate(
        [pooled(fitted.weights, one) for (fitted, _), one in zip(parts, fresh, strict=True)]
    )
    first_face, voice = scores.face[:, 0], scores.voice[:, 0]
    product = _normalised(first_face * voice)
    said = {
        "fused": known,
        "fused_alone": alone,
        "face": first_face,
        "voice": voice,
        "mean": (first_face + voice) / 2,
        "product": product,
        "product_known": np.concatenate(
            [_normalised(one["face"][:, 0] * one["voice"][:, 0]) for one in seen]
        ),
    }
    if scores.face.shape[1] > 1:
        said["second_face"] = scores.face[:, 1]
    is_right = {name: p.argmax(axis=1) == scores.truth for name, p in said.items()}
    matrix = confusion_matrix(scores.truth, known.argmax(axis=1), len(scores.classes))
    agreed_normal, agreed_alone = (
        [
            pair_agreements({name: pooled(fitted.weights, {name: one[name]}) for name in one}, part)
            for (fitted, part), one in zip(parts, what, strict=True)
        ]
        for what in (seen, fresh)
    )
    agreed = [
        _agreed_by_manner(fit, fitted, part, one)
        for (fit, _), (fitted, part), one in zip(splits, parts, seen, strict=True)
    ]
    within = [
        auc(1.0 - values[rows_of], conflicts[rows_of])
        for (_, part), (values, conflicts, rows) in zip(parts, agreed, strict=True)
        for person in np.unique(part.people)
        for rows_of in [part.people[rows] == person]
    ]
    accuracy_interval = bootstrap_interval(
        lambda truth, guess: float(np.mean(truth == guess)),
        scores.truth,
        known.argmax(axis=1),
        scores.people,
    )
    return {
        "n": len(scores),
        "people": int(np.unique(scores.people).size),
        "protocol": f"{how}; {PROTOCOL}",
        **{f"{name}_accuracy": round(float(one.mean()), 4) for name, one in is_right.items()},
        "fused_interval": [round(accuracy_interval.low, 4), round(accuracy_interval.high, 4)],
        "uar": round(uar(matrix), 4),
        "macro_f1": round(macro_f1(matrix), 4),
        "ece": round(expected_calibration_error(scores.truth, known), 4),
        "ece_alone": round(expected_calibration_error(scores.truth, alone), 4),
        "ece_product": round(expected_calibration_error(scores.truth, product), 4),
        "log_loss": {
            name: round(_log_loss(said[name], scores.truth), 4)
            for name in ("fused", "fused_alone", "product", "product_known")
        },
        "against_product": paired_over_people(
            is_right["fused"], is_right["product"], scores.people
        ),
        "alone_against_product": paired_over_people(
            is_right["fused_alone"], is_right["product"], scores.people
        ),
        "against_product_known": paired_over_people(
            is_right["fused"], is_right["product_known"], scores.people
        ),
        "incongruence_auc": _pooled_auc(agreed),
        "incongruence_auc_normal": _pooled_auc(agreed_normal),
        "incongruence_auc_alone": _pooled_auc(agreed_alone),
        "incongruence_auc_by_part": [
            round(auc(1.0 - values, conflicts), 4) for values, conflicts, _ in agreed
        ],
        "incongruence_auc_within_people": round(float(np.mean(within)), 4),
        "jensen_shannon_auc": _pooled_auc(
            [_jensen_shannon_pairs(part) for _, part in parts], is_distance=True
        ),
        "recall": {
            name: None if np.isnan(value) else round(float(value), 4)
            for name, value in zip(scores.classes, recalls(matrix), strict=True)
        },
        "confusion": {"labels": list(scores.classes), "rows": matrix.tolist()},
        "clips_heard": clips_heard(parts),
        "moods": moods(parts),
        "degradation": degradation(parts, seen),
        "weights": [
            {
                name: {
                    "sources": list(one.sources),
                    "alone": np.round(one.alone, 3).tolist(),
                    "joint": np.round(one.joint, 3).tolist(),
                }
                for name, one in fitted.weights.modalities.items()
            }
            for fitted, _ in parts
        ],
    }


def _agreed_by_manner(
    fit: FusionScores, fitted: FittedFusion, part: FusionScores, seen: Corrected
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Return the pairs of ``part`` against how each person shows each expression."""
    manner = fit_manner(fit, known_people(fit, fitted), fitted)
    return pair_agreements(shown(part, seen, fitted, manner), part)


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve, ties counted half; NaN without both kinds.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return float((ranks[positive].sum() - n * (n + 1) / 2.0) / (n * m))


def _pooled_auc(
    agreed: list[tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]],
    *,
    is_distance: bool = False,
) -> float:
    values = np.concatenate([one[0] for one in agreed])
    conflicts = np.concatenate([one[1] for one in agreed])
    return round(auc(values if is_distance else 1.0 - values, conflicts), 4)


def _jensen_shannon_pairs(
    scores: FusionScores,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Return the plain distance of the same pairs, for comparison."""
    voices, exists = pairs(scores)
    rows = np.flatnonzero(exists)
    face, voice = scores.face[:, 0], scores.voice[:, 0]
    values = np.concatenate(
        (_jensen_shannon(face[rows], voice[rows]), _jensen_shannon(face[rows], voice[voices[rows]]))
    )
    return values, np.repeat([False, True], rows.size), np.tile(rows, 2)


def _jensen_shannon(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = (first + second) / 2

    def divergence(one: NDArray[np.float64]) -> NDArray[np.float64]:
        ratio = np.log(np.maximum(one, SMALLEST) / np.maximum(middle, SMALLEST))
        return np.asarray((one * ratio).sum(axis=1))

    return (divergence(first) + divergence(second)) / 2


def _joined(parts: list[FusionScores]) -> FusionScores:
    return FusionScores(
        face=np.concatenate([part.face for part in parts]),
        voice=np.concatenate([part.voice for part in parts]),
        truth=np.concatenate([part.truth for part in parts]),
        people=np.concatenate([part.people for part in parts]),
        folds=None,
        classes=parts[0].classes,
    )


def _normalised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values / values.sum(axis=1, keepdims=True))


def _log_loss(said: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    chances = np.maximum(said[np.arange(truth.size), truth], SMALLEST)
    return -float(np.log(chances).mean())
