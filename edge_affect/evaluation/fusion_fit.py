"""Fitting late fusion on labelled clips of several people, with as few numbers as do it.

Fitted are one exponent for each model and case (alone, joint), what is normal for everybody, and
two numbers that turn agreement into incongruence. Biases and weights by class were tried and lost
on folds that were not used to fit; decision 19 has the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from edge_affect.baseline import MoodGuard
from edge_affect.errors import DatasetError
from edge_affect.evaluation.fusion_scores import FACE_SOURCES, VOICE_SOURCES
from edge_affect.evaluation.person_effects import effects_and_spread
from edge_affect.fusion.incongruence import Incongruence, agreement
from edge_affect.fusion.joint import MOST_EXPONENT, JointWeights, ModalityWeights
from edge_affect.fusion.person import PersonNormal, PersonPopulation, centred_logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from edge_affect.evaluation.fusion_scores import FusionScores

MODALITIES = ("face", "voice")
N_BLOCKS = 6
"""A known person's clips are judged in so many parts, each after the others were seen."""
GUARD = MoodGuard(low_share=0.25, high_share=0.35, strength=1.4)
"""Tighter than for voices: of eight expressions each has a share of 0.125 in a mixed hour."""
SPREAD_PRIOR = 5.0
"""Observations of everybody's spread assumed beforehand; from 1 to 30 the answer hardly changes."""


@dataclass(frozen=True, slots=True)
class FittedFusion:
    """Everything that was fitted.

    Attributes:
        weights: Exponents of the pool.
        everybody: What is normal, by modality.
        incongruence: From agreement to the chance of a conflict.
        trust: By modality, sum 1: how often it was the right one where just one of the two was.
    """

    weights: JointWeights
    everybody: dict[str, PersonPopulation]
    incongruence: Incongruence
    trust: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0.5))


Corrected = dict[str, "NDArray[np.float64]"]
"""By modality, shape ``(n, n_sources, n_classes)``."""


def fit_fusion(scores: FusionScores) -> FittedFusion:
    """Return the numbers fitted on all clips.

    Raises:
        DatasetError: If there are too few people or a class never occurs.
    """
    _, numbers = np.unique(scores.people, return_inverse=True)
    k = len(scores.classes)
    if numbers.max() < 2 or (np.bincount(scores.truth, minlength=k) == 0).any():
        raise DatasetError("Fusion is fitted on clips of at least 3 people and every class.")
    everybody = {
        name: _population(getattr(scores, name), scores.truth, numbers, k) for name in MODALITIES
    }
    raw = {name: floored(getattr(scores, name)) for name in MODALITIES}
    weights = _weights(raw, scores)
    seen = known_people(scores, FittedFusion(weights, everybody, Incongruence()))
    weights = _weights(seen, scores)
    fitted = FittedFusion(weights, everybody, Incongruence())
    return FittedFusion(
        weights, everybody, _incongruence(seen, scores, fitted), _trust(seen, scores, weights)
    )


def _population(
    distributions: NDArray[np.float64],
    truth: NDArray[np.int64],
    people: NDArray[np.int64],
    k: int,
) -> PersonPopulation:
    values = centred_logs(distributions).reshape(truth.size, -1)
    population, effects = effects_and_spread(values, truth, people, k)
    variances = [values[people == person].var(axis=0) for person in np.unique(people)]
    spread = np.sqrt(np.maximum(np.mean(variances, axis=0), 1e-6))
    return PersonPopulation(population, effects, spread, GUARD, SPREAD_PRIOR)


def floored(distributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distributions of people about whom nothing is known, as `PersonNormal` gives them."""
    powers = np.exp(centred_logs(distributions))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _weights(corrected: Corrected, scores: FusionScores) -> JointWeights:
    logs = {name: np.log(part).transpose(1, 0, 2) for name, part in corrected.items()}
    n_face = logs["face"].shape[0]
    alone = {name: exponents_of_least_loss(part, scores.truth) for name, part in logs.items()}
    joint = exponents_of_least_loss(np.concatenate([logs["face"], logs["voice"]]), scores.truth)
    return JointWeights(
        classes=scores.classes,
        modalities={
            "face": ModalityWeights(FACE_SOURCES[:n_face], alone["face"], joint[:n_face]),
            "voice": ModalityWeights(VOICE_SOURCES, alone["voice"], joint[n_face:]),
        },
    )


def exponents_of_least_loss(
    logs: NDArray[np.float64], truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the exponents of least log loss, shape ``(n_sources,)``.

    Args:
        logs: Shape ``(n_sources, n, n_classes)``.
        truth: Shape ``(n,)``.
    """
    wanted = np.eye(logs.shape[2])[truth]

    def loss(exponents: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = np.tensordot(exponents, logs, 1)
        z -= z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        slope = (np.exp(log_p) - wanted) / truth.size
        return -float((log_p * wanted).sum()) / truth.size, (logs * slope).sum(axis=(1, 2))

    n = logs.shape[0]
    found = minimize(
        loss, np.full(n, 0.5), jac=True, method="L-BFGS-B", bounds=[(0.0, MOST_EXPONENT)] * n
    )
    return np.asarray(found.x)


def pooled(weights: JointWeights, corrected: Corrected) -> NDArray[np.float64]:
    """Return the pool of every clip at full weight, shape ``(n, n_classes)``.

    The same sum as `JointWeights.pooled`, for all clips at once; a test holds them together. With
    one modality that one counts alone.
    """
    case = "joint" if len(corrected) > 1 else "alone"
    z = sum(
        np.tensordot(getattr(weights.modalities[name], case), np.log(part), axes=(0, 1))
        for name, part in corrected.items()
    )
    powers = np.exp(z - np.max(z, axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _readings(scores: FusionScores, weights: JointWeights) -> NDArray[np.float64]:
    """Return what both modalities together read in each clip, of people not known yet.

    The guard goes by it: two modalities are harder to mislead about a mood than one.
    """
    return pooled(weights, {name: floored(getattr(scores, name)) for name in MODALITIES})


def known_people(scores: FusionScores, fitted: FittedFusion) -> Corrected:
    """Return what models say of each clip, read against the same person's other clips.

    A person's clips are dealt into parts at random; each part is judged after the others were
    seen, without labels. It stands for somebody who has been in front of the box for a while.
    """
    generator = np.random.default_rng(0)
    corrected = {name: np.empty_like(getattr(scores, name)) for name in MODALITIES}
    readings = _readings(scores, fitted.weights)
    for rows in people_rows(scores):
        parts = np.array_split(generator.permutation(rows), min(N_BLOCKS, rows.size))
        for part in parts:
            others = np.concatenate([one for one in parts if one is not part] or [part[:0]])
            for name in MODALITIES:
                said = getattr(scores, name)
                normal = PersonNormal(fitted.everybody[name])
                for row in others:
                    normal.observe(said[row], readings[row])
                for row in part:
                    corrected[name][row] = normal.corrected(said[row])
    return corrected


def in_sequence(scores: FusionScores, fitted: FittedFusion, order: NDArray[np.intp]) -> Corrected:
    """Return what models say of clips seen one after the other, each after those before it.

    Args:
        scores: The clips.
        fitted: What was fitted on other people.
        order: Rows of one person.
    """
    readings = _readings(scores.rows(np.isin(np.arange(len(scores)), order)), fitted.weights)
    place = {int(row): number for number, row in enumerate(np.sort(order))}
    corrected = {}
    for name in MODALITIES:
        said = getattr(scores, name)
        normal = PersonNormal(fitted.everybody[name])
        rows = []
        for row in order:
            rows.append(normal.corrected(said[row]))
            normal.observe(said[row], readings[place[int(row)]])
        corrected[name] = np.stack(rows)
    return corrected


def people_rows(scores: FusionScores) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each person."""
    for person in np.unique(scores.people):
        yield np.flatnonzero(scores.people == person)


def pairs(scores: FusionScores, seed: int = 0) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return for every clip a voice that conflicts with its face, and where there is one.

    A congruent pair is the face and the voice of one clip. A conflicting one is the same face with
    the voice of a clip of the same person with another label, drawn at random.

    Returns:
        Rows of the voices, shape ``(n,)``, and whether there is such a clip, shape ``(n,)``.
    """
    generator = np.random.default_rng(seed)
    voices = np.zeros(len(scores), dtype=np.intp)
    exists = np.zeros(len(scores), dtype=np.bool_)
    for row in range(len(scores)):
        others = np.flatnonzero(
            (scores.people == scores.people[row]) & (scores.truth != scores.truth[row])
        )
        if others.size:
            voices[row], exists[row] = generator.choice(others), True
    return voices, exists


def pair_agreements(
    said: dict[str, NDArray[np.float64]], scores: FusionScores, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Return the agreement of congruent and conflicting pairs, which conflict, and whose they are.

    Args:
        said: By modality, one distribution for each clip, shape ``(n, n_classes)``.
        scores: The clips.
        seed: Of the conflicting pairs.

    Returns:
        Three arrays of shape ``(n_pairs,)``: agreement, whether it is a conflict, row of the face.
    """
    voices, exists = pairs(scores, seed)
    face, voice = (said[name] for name in MODALITIES)
    rows = np.flatnonzero(exists)
    values = np.concatenate(
        (agreement(face[rows], voice[rows]), agreement(face[rows], voice[voices[rows]]))
    )
    return values, np.repeat([False, True], rows.size), np.tile(rows, 2)


def _trust(corrected: Corrected, scores: FusionScores, weights: JointWeights) -> dict[str, float]:
    is_right = {
        name: pooled(weights, {name: part}).argmax(axis=1) == scores.truth
        for name, part in corrected.items()
    }
    # One of each is assumed beforehand, so that nobody is never believed.
    face = 1 + int((is_right["face"] & ~is_right["voice"]).sum())
    voice = 1 + int((is_right["voice"] & ~is_right["face"]).sum())
    return {"face": face / (face + voice), "voice": voice / (face + voice)}


def _incongruence(corrected: Corrected, scores: FusionScores, fitted: FittedFusion) -> Incongruence:
    said = {name: pooled(fitted.weights, {name: part}) for name, part in corrected.items()}
    values, conflicts, _ = pair_agreements(said, scores, seed=1)
    logs = np.log(np.maximum(values, 1e-6))

    def loss(numbers: NDArray[np.float64]) -> float:
        odds = numbers[0] + numbers[1] * logs
        return float(np.mean(np.logaddexp(0.0, odds) - conflicts * odds))

    found = minimize(
        loss, np.array([-1.0, -1.0]), method="L-BFGS-B", bounds=[(None, None), (-20, 0)]
    )
    return Incongruence(slope=float(found.x[1]), bias=float(found.x[0]))
