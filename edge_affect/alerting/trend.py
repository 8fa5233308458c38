"""Where valence, arousal, anger and attention have been heading, and where they may be in 10 s.

The forecast is a weighted sum of the present value and of means that forget at three speeds, one
of them slow enough to be what is usual here. The weights shrink a noisy present value towards what
has been usual; they, the interval, and whether a quantity is published at all come from
``trend.json``, which ``edge-affect evaluate trend --fit ... --write`` writes.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from edge_affect.alerting.signals import signal
from edge_affect.alerting.smoothing import FadingMean
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DataError

if TYPE_CHECKING:
    from edge_affect.record import AffectRecord

QUANTITIES: tuple[str, ...] = ("valence", "arousal", "anger", "attention")
HORIZON_S = 10.0
COVERAGE = 0.8
"""Chance that the value will lie within the interval, where the sequences are like life."""
HALF_LIVES_S: tuple[float, ...] = (2.0, 10.0, 120.0)
N_FEATURES = 2 + len(HALF_LIVES_S)
WARM_UP_S = 10.0
"""Nothing is said before values are known over this long."""
FORGET_S = 30.0
"""Unknown for this long, the scene is a new one."""
_SLOPE_FAST, _SLOPE_SLOW = HALF_LIVES_S[0], HALF_LIVES_S[1]
RANGES: dict[str, tuple[float, float]] = {
    "valence": (-1.0, 1.0), "arousal": (-1.0, 1.0), "anger": (0.0, 1.0), "attention": (0.0, 1.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """What is said of one quantity.

    Attributes:
        slope_per_s: How fast it has been changing over the last seconds.
        forecast: Where it may be in ``HORIZON_S``.
        low: Lower end of the interval of ``COVERAGE``.
        high: Upper end.
    """

    slope_per_s: float
    forecast: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TrendModel:
    """How one quantity is forecast.

    Attributes:
        is_published: Whether it beat persistence on sequences it was not fitted on.
        weights: Of the features, ``N_FEATURES`` numbers.
        edges: Forecasts at which the interval changes, ascending.
        low: What to add to the forecast for the lower end, one for each part between edges.
        high: The same for the upper end.
    """

    is_published: bool
    weights: tuple[float, ...]
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        n_parts = len(self.edges) + 1
        numbers = (*self.weights, *self.edges, *self.low, *self.high)
        has_shape = len(self.weights) == N_FEATURES and len(self.low) == len(self.high) == n_parts
        if not has_shape or not all(math.isfinite(number) for number in numbers):
            raise DataError("The table of trends has a row that is not one.")


class TrendFeatures:
    """What the forecast of one quantity rests on: a few means, nothing else is remembered."""

    def __init__(self) -> None:
        self._means = tuple(FadingMean(half_life_s) for half_life_s in HALF_LIVES_S)
        self._last_ns: int | None = None
        self._known_ns: int | None = None
        self._since_ns: int | None = None

    def step(self, now_ns: int, value: float | None) -> tuple[float, ...] | None:
        """Take the value of one tick, None where it is unknown.

        Returns:
            One, the value and its means from fast to slow; None while too little is known. A tick
            that is not later than the last one says nothing and changes nothing.
        """
        if self._last_ns is not None and now_ns <= self._last_ns:
            return None
        self._last_ns = now_ns
        if self._known_ns is not None and now_ns - self._known_ns >= FORGET_S * NS_PER_S:
            self._known_ns = self._since_ns = None
            for mean in self._means:
                mean.forget()
        if value is None:
            return None
        self._known_ns = now_ns
        if self._since_ns is None:
            self._since_ns = now_ns
        means = [mean.add(now_ns, value) for mean in self._means]
        if now_ns - self._since_ns < WARM_UP_S * NS_PER_S:
            return None
        return (1.0, value, *means)


def slope_per_s(features: tuple[float, ...]) -> float:
    """Return how fast a quantity has been changing.

    A mean that forgets lags behind a steady change by its mean age, half-life / ln 2; the distance
    of two of them over the difference of their lags is the slope, exactly so on a long ramp.
    """
    lag_s = (_SLOPE_SLOW - _SLOPE_FAST) / math.log(2.0)
    return (features[2] - features[3]) / lag_s


def predict(model: TrendModel, features: tuple[float, ...], quantity: str) -> TrendPoint:
    """Return trend and forecast, within the range of the quantity."""
    lowest, highest = RANGES[quantity]

    def within(value: float) -> float:
        return round(min(max(value, lowest), highest), 3)

    total = sum(w * f for w, f in zip(model.weights, features, strict=True))
    forecast = min(max(total, lowest), highest)
    part = sum(forecast >= edge for edge in model.edges)
    return TrendPoint(
        slope_per_s=round(slope_per_s(features), 4),
        forecast=within(forecast),
        low=within(forecast + min(0.0, model.low[part])),
        high=within(forecast + max(0.0, model.high[part])),
    )


class Trend:
    """Trend and forecast of all published quantities.

    Args:
        models: By quantity; those of ``trend.json`` where it is None.
    """

    def __init__(self, models: dict[str, TrendModel] | None = None) -> None:
        table = shipped_models() if models is None else models
        self._models = {name: model for name, model in table.items() if model.is_published}
        self._features = {name: TrendFeatures() for name in self._models}

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is published, in the order of ``QUANTITIES``."""
        return tuple(self._models)

    def step(self, now_ns: int, record: AffectRecord | None) -> dict[str, TrendPoint | None]:
        """Take the record of one tick; return what is said of each published quantity.

        Args:
            now_ns: Monotonic clock, later than before; an earlier or equal one changes nothing.
            record: Newest record, or None.
        """
        said: dict[str, TrendPoint | None] = {}
        for name, model in self._models.items():
            value = None if record is None else signal(name, record)
            features = self._features[name].step(now_ns, value)
            said[name] = None if features is None else predict(model, features, name)
        return said


def shipped_models() -> dict[str, TrendModel]:
    """Return the models of ``trend.json`` by quantity.

    Raises:
        DataError: If the file that came with the package is damaged.
    """
    text = resources.files("edge_affect.alerting").joinpath("trend.json").read_text("utf-8")
    return read_models(text)


def read_models(text: str) -> dict[str, TrendModel]:
    """Return the models in the text of a table of trends.

    Raises:
        DataError: If it is no such table.
    """
    try:
        rows: dict[str, Any] = json.loads(text)["quantities"]
        return {name: _model(rows[name]) for name in QUANTITIES if name in rows}
    except (ValueError, KeyError, TypeError):
        raise DataError("The table of trends is damaged; install the package again.") from None


def _model(row: dict[str, Any]) -> TrendModel:
    if not row["is_published"]:
        return TrendModel(False, (0.0,) * N_FEATURES, (), (0.0,), (0.0,))  # noqa: FBT003 (says nothing)
    return TrendModel(
        is_published=True,
        weights=tuple(map(float, row["weights"])),
        edges=tuple(map(float, row["edges"])),
        low=tuple(map(float, row["low"])),
        high=tuple(map(float, row["high"])),
    )
