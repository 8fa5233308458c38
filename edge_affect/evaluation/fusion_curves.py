"""How late fusion grows with what was seen, and how it degrades with what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.fusion_fit import (
    floored,
    in_sequence,
    people_rows,
    pooled,
)
from edge_affect.evaluation.fusion_settled import answered, settled
from edge_affect.fusion.joint import Evidence
from edge_affect.fusion.pooling import freshness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.evaluation.fusion_fit import Corrected, FittedFusion
    from edge_affect.evaluation.fusion_scores import FusionScores

    Parts = list[tuple[FittedFusion, FusionScores]]

PLACES: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60)
N_ORDERS = 2
MOOD_SHARE = 0.8
SHARES: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
AGES_S: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
NOISES: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
HALF_LIFE_S = {"face": 0.5, "voice": 1.5}
"""Of the weight of what gets older; the defaults of [fusion]."""
MAX_AGE_S = 3.0
OTHER = {"face": "voice", "voice": "face"}


def clips_heard(parts: Parts) -> list[dict[str, Any]]:
    """Return accuracy by how many clips of a person were seen, in random orders, causal.

    Every order is turned round so that every clip stands at every place once.
    """
    generator = np.random.default_rng(0)
    hits: dict[int, list[bool]] = {place: [] for place in PLACES}
    for fitted, scores in parts:
        for rows in people_rows(scores):
            for _ in range(N_ORDERS):
                order = generator.permutation(rows)
                for turn in range(0, rows.size, max(1, rows.size // 6)):
                    sequence = np.roll(order, -turn)
                    said = pooled(fitted.weights, in_sequence(scores, fitted, sequence))
                    right = said.argmax(axis=1) == scores.truth[sequence]
                    for place in PLACES:
                        # A window of places around the one that is shown, so that few clips do not
                        # make the curve jump.
                        first = max(1, round(place / 1.25))
                        hits[place] += right[first - 1 : round(place * 1.25)].tolist()
    return [
        {"clips_heard": place, "n": len(right), "accuracy": round(float(np.mean(right)), 4)}
        for place, right in hits.items()
        if right
    ]


def moods(parts: Parts) -> list[dict[str, Any]]:
    """Return what a lasting mood does: sequences in which one class makes up `MOOD_SHARE`.

    Compared with the same clips alone; a baseline that took the mood for the person would lose.
    """
    generator = np.random.default_rng(0)
    rows_of: dict[int, list[tuple[bool, bool]]] = {}
    for fitted, scores in parts:
        alone = pooled(
            fitted.weights,
            {"face": floored(scores.face), "voice": floored(scores.voice)},
        ).argmax(axis=1)
        for rows in people_rows(scores):
            for number in range(len(scores.classes)):
                same = rows[scores.truth[rows] == number]
                others = rows[scores.truth[rows] != number]
                n_others = round(same.size * (1.0 - MOOD_SHARE) / MOOD_SHARE)
                if not same.size or others.size < n_others:
                    continue
                for _ in range(N_ORDERS):
                    chosen = generator.choice(others, n_others, replace=False)
                    sequence = generator.permutation(np.concatenate((same, chosen)))
                    said = pooled(fitted.weights, in_sequence(scores, fitted, sequence))
                    truth = scores.truth[sequence]
                    pair = zip(said.argmax(axis=1) == truth, alone[sequence] == truth, strict=True)
                    rows_of.setdefault(number, []).extend(pair)
    classes = parts[0][1].classes
    return [
        {
            "mood": classes[number],
            "n": len(pair),
            "accuracy": round(float(np.mean([one for one, _ in pair])), 4),
            "accuracy_alone": round(float(np.mean([one for _, one in pair])), 4),
        }
        for number, pair in sorted(rows_of.items())
    ]


def degradation(parts: Parts, seen: list[Corrected]) -> dict[str, Any]:
    """Return curves of accuracy for what goes wrong with one modality at a time.

    ``settled`` settles conflicts (`fusion.conflict`), ``settled_known`` also follows how often the
    person's other clips conflict. Beside them stand the plain product of the two, which takes
    everything at its word, and the other modality alone, which nothing happened to.
    """
    found: dict[str, Any] = {}
    for name in ("face", "voice"):
        found[f"{name}_missing"] = [
            {"share": share, **_accuracy(parts, seen, name, "missing", share)} for share in SHARES
        ]
        found[f"{name}_stale"] = [
            {"age_s": age_s, **_accuracy(parts, seen, name, "stale", age_s)} for age_s in AGES_S
        ]
        found[f"{name}_noisy"] = [
            {"noise": noise, **_accuracy(parts, seen, name, "noisy", noise)} for noise in NOISES
        ]
        found[f"{name}_contradicting"] = [
            {"share": share, **_accuracy(parts, seen, name, "contradicting", share)}
            for share in SHARES
        ]
    return found


def _accuracy(
    parts: Parts, seen: list[Corrected], name: str, what: str, much: float
) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    hits: dict[str, list[bool]] = {"fused": [], "product": [], "other_alone": []}
    confidences: list[float] = []
    conflicts: list[float] = []
    after: dict[str, list[tuple[bool, float]]] = {"settled": [], "settled_known": []}
    for (fitted, scores), corrected in zip(parts, seen, strict=True):
        other = OTHER[name]
        alone = pooled(fitted.weights, {other: corrected[other]})
        is_hit = generator.random(len(scores)) < much
        swapped = _elsewhere(scores, generator)
        weights = np.ones(len(scores))
        shown, answers = [], []
        for row in range(len(scores)):
            said, weight = corrected[name][row], 1.0
            if what == "stale":
                said = corrected[name][swapped[row]] if much > 0 else said
                weight = freshness(much, HALF_LIFE_S[name], MAX_AGE_S)
            elif what == "noisy":
                said = _noisy(said, much, generator)
            elif is_hit[row]:
                said = corrected[name][swapped[row]] if what == "contradicting" else said
                weight = 0.0 if what == "missing" else 1.0
            evidence = {other: Evidence(corrected[other][row])}
            if weight > 0.0:
                evidence[name] = Evidence(said, weight)
            fused = fitted.weights.pooled(evidence)
            product = corrected[other][row, 0] * (said[0] if what == "stale" or weight else 1.0)
            truth = scores.truth[row]
            hits["fused"].append(bool(fused.argmax() == truth))
            hits["product"].append(bool(product.argmax() == truth))
            hits["other_alone"].append(bool(alone[row].argmax() == truth))
            confidences.append(float(fused.max()))
            answers.append(fused)
            shown.append(fitted.weights.pooled({name: Evidence(said)}))
            weights[row] = weight
            level = fitted.incongruence.level(alone[row], shown[-1])
            if weight > 0.0 and level is not None:
                conflicts.append(level)
        both = {name: np.stack(shown), other: alone}
        for key in after:
            said_then = settled(
                fitted, scores, np.stack(answers), both, {name: weights},
                is_known=key == "settled_known",
            )  # fmt: skip
            right = (said_then.argmax(axis=1) == scores.truth).tolist()
            after[key] += list(zip(right, said_then.max(axis=1).tolist(), strict=True))
    report: dict[str, Any] = {key: round(float(np.mean(right)), 4) for key, right in hits.items()}
    report["confidence"] = round(float(np.mean(confidences)), 4)
    report["incongruence"] = round(float(np.mean(conflicts)), 4) if conflicts else None
    report["fused_answered"] = answered(list(zip(hits["fused"], confidences, strict=True)))
    for key, pairs_of in after.items():
        report[key] = round(float(np.mean([right for right, _ in pairs_of])), 4)
        report[f"{key}_confidence"] = round(float(np.mean([sure for _, sure in pairs_of])), 4)
        report[f"{key}_answered"] = answered(pairs_of)
    return report


def _elsewhere(scores: FusionScores, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return for each clip another of the same person with another label."""
    chosen = np.arange(len(scores))
    for row in range(len(scores)):
        others = np.flatnonzero(
            (scores.people == scores.people[row]) & (scores.truth != scores.truth[row])
        )
        if others.size:
            chosen[row] = generator.choice(others)
    return chosen


def _noisy(
    distributions: NDArray[np.float64], much: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return distributions mixed with noise: what a model makes of noise instead of a person.

    Args:
        distributions: Shape ``(n_sources, n_classes)``.
        much: Share of noise in the logarithms, [0, 1].
        generator: Of the noise.
    """
    logs = np.log(distributions)
    logs -= logs.mean(axis=1, keepdims=True)
    noise = generator.normal(0.0, 1.0, logs.shape) * logs.std(axis=1, keepdims=True)
    powers = np.exp((1.0 - much) * logs + much * noise)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
