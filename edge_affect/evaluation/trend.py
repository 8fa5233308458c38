"""Whether a forecast of 10 s beats saying that nothing will change, on sequences of real clips."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.alerting.signals import signal
from edge_affect.alerting.trend import (
    COVERAGE,
    HALF_LIVES_S,
    HORIZON_S,
    N_FEATURES,
    QUANTITIES,
    TrendFeatures,
    TrendModel,
    predict,
    slope_per_s,
)
from edge_affect.clock import NS_PER_S
from edge_affect.errors import CannotWriteError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.mood_sequences import MoodSequence

MIN_CASES = 200
"""Fewer moments than this decide nothing."""
RIDGES: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0)
_N_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Cases:
    """Moments of one quantity at which a forecast could be made and checked.

    Attributes:
        features: Shape ``(n, n_features)``, see ``TrendFeatures``.
        targets: The value ``HORIZON_S`` later, shape ``(n,)``.
        groups: Number of the sequence, shape ``(n,)``.
    """

    features: NDArray[np.float64]
    targets: NDArray[np.float64]
    groups: NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many there are."""
        return int(self.targets.size)

    def rows(self, mask: NDArray[np.bool_]) -> Cases:
        """Return some of them."""
        return Cases(self.features[mask], self.targets[mask], self.groups[mask])


def cases_of(sequences: tuple[MoodSequence, ...], quantity: str) -> Cases:
    """Return all moments at which ``quantity`` is known now, long enough, and in 10 s."""
    features: list[tuple[float, ...]] = []
    targets: list[float] = []
    groups: list[int] = []
    for number, sequence in enumerate(sequences):
        values = {round(t.at_s, 3): signal(quantity, t.record) for t in sequence.ticks}
        watcher = TrendFeatures()
        for at_s, value in values.items():
            found = watcher.step(round(at_s * NS_PER_S), value)
            later = values.get(round(at_s + HORIZON_S, 3))
            if found is not None and later is not None:
                features.append(found)
                targets.append(later)
                groups.append(number)
    return Cases(
        np.array(features, dtype=np.float64).reshape(len(targets), N_FEATURES),
        np.array(targets, dtype=np.float64),
        np.array(groups, dtype=np.int64),
    )


def candidates() -> dict[str, NDArray[np.float64]]:
    """Return the forecasts without fitted weights: persistence, and each mean by itself."""
    named = {"persistence": np.eye(N_FEATURES)[1]}
    for index, half_life_s in enumerate(HALF_LIVES_S):
        named[f"mean of {half_life_s:g} s"] = np.eye(N_FEATURES)[2 + index]
    # Holt's line with the slope of the two faster means, halved three times on the way: what is
    # left of a steady slope after 10 s with a damping of half in 3.3 s.
    lag_s = (HALF_LIVES_S[1] - HALF_LIVES_S[0]) / np.log(2.0)
    reach_s = float(sum(0.5 ** (second / 3.3) for second in range(round(HORIZON_S))))
    line = np.eye(N_FEATURES)[2] * (1.0 + reach_s / lag_s) - np.eye(N_FEATURES)[3] * reach_s / lag_s
    named["damped line"] = line
    return named


def fitted_weights(cases: Cases, ridge: float) -> NDArray[np.float64]:
    """Return the weights of least squares, shrunk towards no influence of anything but the mean.

    Args:
        cases: To fit on.
        ridge: How strongly the weights are shrunk; the constant is not.
    """
    x, y = cases.features, cases.targets
    penalty = ridge * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    return np.asarray(np.linalg.solve(x.T @ x + penalty, x.T @ y), dtype=np.float64)


def _squares(cases: Cases, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((cases.targets - cases.features @ weights) ** 2, dtype=np.float64)


def _left_out_error(cases: Cases, ridge: float) -> float:
    """Return the mean squared error with each speaker forecast by the others' weights."""
    errors = np.empty(cases.n)
    for group in np.unique(cases.groups):
        mask = cases.groups == group
        errors[mask] = _squares(cases.rows(mask), fitted_weights(cases.rows(~mask), ridge))
    return float(errors.mean())


def chosen_ridge(cases: Cases) -> float:
    """Return the shrinkage that forecasts left-out speakers best."""
    errors = [_left_out_error(cases, ridge) for ridge in RIDGES]
    return RIDGES[int(np.argmin(errors))]


def fit(cases: Cases) -> TrendModel:
    """Return weights and interval; the interval is that of left-out speakers."""
    ridge = chosen_ridge(cases)
    weights = fitted_weights(cases, ridge)
    forecasts = np.empty(cases.n)
    for group in np.unique(cases.groups):
        mask = cases.groups == group
        forecasts[mask] = cases.rows(mask).features @ fitted_weights(cases.rows(~mask), ridge)
    residuals = cases.targets - forecasts
    edges = np.quantile(forecasts, (1 / 3, 2 / 3))
    parts = np.searchsorted(edges, forecasts, side="right")
    tail = (1.0 - COVERAGE) / 2.0
    # Where forecasts hardly differ, a part may be empty; it has the interval of all then.
    rows = [residuals[parts == part] if (parts == part).any() else residuals for part in range(3)]
    low, high = (
        tuple(round(float(np.quantile(row, q)), 4) for row in rows) for q in (tail, 1.0 - tail)
    )
    return TrendModel(
        is_published=True,
        weights=tuple(round(float(weight), 5) for weight in weights),
        edges=tuple(round(float(edge), 4) for edge in edges),
        low=low,
        high=high,
    )


def skill_interval(
    errors: NDArray[np.float64], reference: NDArray[np.float64], groups: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return the skill 1 - MSE / MSE of the reference, with the 95 % interval over speakers."""
    numbers = np.unique(groups)
    sums = np.array([[errors[groups == n].sum(), reference[groups == n].sum()] for n in numbers])
    draws = np.random.default_rng(0).multinomial(
        numbers.size, np.full(numbers.size, 1.0 / numbers.size), _N_DRAWS
    )
    pooled = draws @ sums
    skills = 1.0 - pooled[:, 0] / pooled[:, 1]
    low, high = np.quantile(skills, (0.025, 0.975))
    return 1.0 - float(errors.sum() / reference.sum()), float(low), float(high)


def figures(cases: Cases, model: TrendModel, quantity: str) -> dict[str, Any]:
    """Return how well the product's own forecast does on moments it was not fitted on."""
    points = [predict(model, tuple(row), quantity) for row in cases.features]
    errors = (cases.targets - np.array([p.forecast for p in points])) ** 2
    present = cases.features[:, 1]
    reference = (cases.targets - present) ** 2
    skill, low, high = skill_interval(errors, reference, cases.groups)
    inside = [
        p.low - 1e-9 <= y <= p.high + 1e-9 for p, y in zip(points, cases.targets, strict=True)
    ]
    slopes = np.array([slope_per_s(tuple(row)) for row in cases.features])
    return {
        "n": cases.n,
        "n_sequences": int(np.unique(cases.groups).size),
        "mse": round(float(errors.mean()), 5),
        "mse_persistence": round(float(reference.mean()), 5),
        "skill": round(skill, 3),
        "skill_low": round(low, 3),
        "skill_high": round(high, 3),
        "coverage": round(float(np.mean(inside)), 3),
        "interval_width": round(float(np.mean([p.high - p.low for p in points])), 3),
        "skill_of_others": {
            name: round(1.0 - float(_squares(cases, weights).sum() / reference.sum()), 3)
            for name, weights in candidates().items()
        },
        "slope_against_next_change": round(
            float(np.corrcoef(slopes, cases.targets - present)[0, 1]), 3
        ),
    }


def evaluate_trend(
    fit_on: tuple[MoodSequence, ...] | None,
    report_on: tuple[MoodSequence, ...],
    models: dict[str, TrendModel],
) -> tuple[dict[str, Any], dict[str, TrendModel]]:
    """Return the figures of every quantity, and the models they are of.

    Args:
        fit_on: Sequences to fit on; None measures ``models`` as they are.
        report_on: Sequences of other speakers.
        models: Those that are shipped.
    """
    report: dict[str, Any] = {}
    kept: dict[str, TrendModel] = {}
    for quantity in QUANTITIES:
        told = cases_of(report_on, quantity)
        known = told if fit_on is None else cases_of(fit_on, quantity)
        why_not = _why_not(told, known)
        if why_not is not None:
            report[quantity] = {"n": told.n, "is_published": False, "why": why_not}
            continue
        model = models.get(quantity) if fit_on is None else fit(known)
        if model is None or not model.is_published:
            report[quantity] = {"n": told.n, "is_published": False, "why": "it was left out"}
            continue
        row = figures(told, model, quantity)
        if fit_on is not None:
            row["n_fitted_on"] = known.n
            row["ridge"] = chosen_ridge(known)
        row["is_published"] = row["skill_low"] > 0.0
        report[quantity] = row
        if row["is_published"]:
            kept[quantity] = model
    return report, kept


def _why_not(told: Cases, known: Cases) -> str | None:
    """Return why there is nothing to measure, or None if there is."""
    if min(told.n, known.n) < MIN_CASES:
        return "too few moments at which it is known"
    if told.targets.std() == 0.0 or known.targets.std() == 0.0:
        return "it never changes"
    return None


def write_models(
    path: Path, report: dict[str, Any], models: dict[str, TrendModel], made_with: dict[str, str]
) -> None:
    """Write the table that ``alerting.trend`` reads.

    Raises:
        CannotWriteError: If that does not work.
    """
    rows: dict[str, Any] = {}
    for quantity in QUANTITIES:
        model = models.get(quantity)
        if model is None:
            rows[quantity] = {"is_published": False, "figures": report[quantity]}
            continue
        rows[quantity] = {
            "is_published": True,
            "weights": model.weights,
            "edges": model.edges,
            "low": model.low,
            "high": model.high,
            "figures": report[quantity],
        }
    table = {
        "horizon_s": HORIZON_S,
        "coverage": COVERAGE,
        "made_with": made_with,
        "quantities": rows,
    }
    try:
        path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotWriteError(f"{path} cannot be written: {error.strerror}.") from None
