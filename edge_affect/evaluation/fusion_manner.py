"""Incongruence of people who have been seen a while: against how each shows each expression.

Two distributions of each modality go into what is compared, the pool that fusion uses anyway and
the one of `fusion.manner`. Their four exponents, with slope and bias of the incongruence, are
fitted on pairs of people whom the manner of everybody was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from edge_affect.errors import DatasetError
from edge_affect.evaluation.fusion_fit import (
    MODALITIES,
    N_BLOCKS,
    pairs,
    people_rows,
    pooled,
)
from edge_affect.fusion.incongruence import Incongruence, agreement
from edge_affect.fusion.joint import MOST_EXPONENT
from edge_affect.fusion.manner import Manner, manner_of_everybody, manners_of_person
from edge_affect.fusion.person import centred_logs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.evaluation.fusion_fit import Corrected, FittedFusion
    from edge_affect.evaluation.fusion_scores import FusionScores

    Both = dict[str, NDArray[np.float64]]

N_GROUPS = 4
"""The people fitted on are dealt into so many groups to fit the exponents."""
N_DRAWS = 4
"""Conflicting pairs of each clip that the exponents are fitted on."""
LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class FittedManner:
    """What is compared, and how.

    Attributes:
        everybody: By modality.
        exponents: By modality, shape ``(2,)``: of the pool and of the manner.
        incongruence: From agreement to the chance of a conflict.
    """

    everybody: dict[str, Manner]
    exponents: dict[str, NDArray[np.float64]]
    incongruence: Incongruence


def fit_manner(scores: FusionScores, seen: Corrected, fitted: FittedFusion) -> FittedManner:
    """Return the numbers fitted on all clips.

    Args:
        scores: Clips of several people.
        seen: The same against each person's normal.
        fitted: What was fitted on them before.

    Raises:
        DatasetError: If a class is shown by too few people.
    """
    people = np.unique(scores.people)
    logs: Both = {name: np.empty((len(scores), 2, len(scores.classes))) for name in MODALITIES}
    for group in range(min(N_GROUPS, people.size)):
        is_in = np.isin(scores.people, people[group::N_GROUPS])
        if np.unique(scores.truth[~is_in]).size < len(scores.classes):
            raise DatasetError(
                "Every class must be shown by people of more than one group of four."
            )
        others = _everybody(scores.rows(~is_in), _rows(seen, ~is_in))
        part = _two_logs(scores.rows(is_in), _rows(seen, is_in), fitted, others)
        for name in MODALITIES:
            logs[name][is_in] = part[name]
    exponents, incongruence = _least_loss(logs, scores)
    return FittedManner(_everybody(scores, seen), exponents, incongruence)


def shown(
    scores: FusionScores, seen: Corrected, fitted: FittedFusion, manner: FittedManner
) -> Both:
    """Return what each modality shows in each clip, by modality, shape ``(n, k)``, rows sum to 1.

    A clip is judged by the person's clips in other parts than its own (as `known_people` does),
    without labels.
    """
    logs = _two_logs(scores, seen, fitted, manner.everybody)
    return {name: _mixed(logs[name], manner.exponents[name]) for name in MODALITIES}


def _everybody(scores: FusionScores, seen: Corrected) -> dict[str, Manner]:
    return {
        name: manner_of_everybody(_values(seen[name]), scores.truth, len(scores.classes))
        for name in MODALITIES
    }


def _values(distributions: NDArray[np.float64]) -> NDArray[np.float64]:
    return centred_logs(distributions).reshape(distributions.shape[0], -1)


def _rows(seen: Corrected, which: NDArray[np.bool_]) -> Corrected:
    return {name: part[which] for name, part in seen.items()}


def _two_logs(
    scores: FusionScores, seen: Corrected, fitted: FittedFusion, everybody: dict[str, Manner]
) -> Both:
    """Return logarithms of both distributions of each modality, shape ``(n, 2, k)``."""
    generator = np.random.default_rng(0)
    read = pooled(fitted.weights, seen)
    values = {name: _values(seen[name]) for name in MODALITIES}
    by_manner = {name: np.empty_like(read) for name in MODALITIES}
    for rows in people_rows(scores):
        blocks = np.array_split(generator.permutation(rows), min(N_BLOCKS, rows.size))
        for block in blocks:
            others = np.setdiff1d(rows, block)
            moments = {name: values[name][others] for name in MODALITIES}
            for name, one in manners_of_person(everybody, moments, read[others]).items():
                by_manner[name][block] = one.chances(values[name][block])
    return {
        name: np.log(
            np.stack((pooled(fitted.weights, {name: seen[name]}), by_manner[name]), axis=1)
        )
        for name in MODALITIES
    }


def _mixed(logs: NDArray[np.float64], exponents: NDArray[np.float64]) -> NDArray[np.float64]:
    z = np.tensordot(logs, exponents, axes=(1, 0))
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _least_loss(
    logs: Both, scores: FusionScores
) -> tuple[dict[str, NDArray[np.float64]], Incongruence]:
    drawn = [pairs(scores, seed=seed) for seed in range(1, N_DRAWS + 1)]

    def losses(
        first: NDArray[np.float64], second: NDArray[np.float64], y: float, n: list[float]
    ) -> NDArray[np.float64]:
        odds = n[0] + n[1] * np.log(np.maximum(agreement(first, second), LEAST))
        return np.asarray(np.logaddexp(0.0, odds) - y * odds)

    def loss(numbers: NDArray[np.float64]) -> float:
        face, voice = _mixed(logs["face"], numbers[:2]), _mixed(logs["voice"], numbers[2:4])
        line = numbers[4:].tolist()
        conflicts = [
            losses(face[exists], voice[voices[exists]], 1.0, line).mean()
            for voices, exists in drawn
        ]
        exists = drawn[0][1]
        congruent = losses(face[exists], voice[exists], 0.0, line).mean()
        return float(congruent + np.mean(conflicts))

    found = minimize(
        loss,
        np.array([0.5, 0.2, 0.5, 0.2, -2.0, -1.0]),
        method="L-BFGS-B",
        bounds=[(0.0, MOST_EXPONENT)] * 4 + [(None, None), (-20.0, 0.0)],
    ).x
    exponents = {"face": np.asarray(found[:2]), "voice": np.asarray(found[2:4])}
    return exponents, Incongruence(slope=float(found[5]), bias=float(found[4]))
