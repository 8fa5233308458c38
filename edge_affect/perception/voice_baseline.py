"""Reading a voice against what is normal for it: the voice model's answer, corrected.

The manner of speaking (`voice_manner`) is turned into one number for each expression by a linear
map that was fitted on voices of which each was measured against itself. The scores that a voice
model may bring for this purpose are added. A `RunningBaseline` follows what is normal for the sum;
what is left over is added to the logarithm of what the voice model says. All numbers are in one
JSON file beside the models.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population, RunningBaseline
from edge_affect.clock import NS_PER_S
from edge_affect.errors import ManifestError, ShapeError
from edge_affect.perception.expression_model import VoiceReading
from edge_affect.perception.model_store import shipped_models_dir
from edge_affect.perception.voice_manner import MANNER_NAMES
from edge_affect.shipped_numbers import read_numbers

FILE_NAME = "voice_baseline.json"
MOST_DEVIATIONS = 5.0
"""A number of the manner counts at most this far from everybody's."""
_LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True)
class VoiceBaselineModel:
    """The fitted numbers; ``m`` of the manner, ``k`` expressions.

    Attributes:
        labels: The ``k`` expressions in the order of the voice model's.
        manner_mean: Shape ``(m,)``, of everybody; stands in where a number is not known.
        manner_within: Shape ``(m,)``, > 0: deviation of one person's.
        weights: Shape ``(m, k)``: from the manner in deviations to scores.
        bias: Shape ``(k,)``, added to scores against the baseline.
        population: Of the ``k`` scores.
        effects: Of the expressions on the scores.
        guard: Against taking a mood for the person.
        share: Of the scores in the answer, >= 0; the voice model's logarithms count in full.
        model_share: Of the voice model's own scores in the scores, >= 0; those of the manner count
            in full.
        temperature: The sum is divided by this, > 0.
    """

    labels: tuple[str, ...]
    manner_mean: NDArray[np.float64] = field(repr=False)
    manner_within: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)
    bias: NDArray[np.float64] = field(repr=False)
    population: Population
    effects: ExpressionEffects
    guard: MoodGuard
    share: float
    temperature: float
    model_share: float = 0.0

    def __post_init__(self) -> None:
        m, k = len(MANNER_NAMES), len(self.labels)
        if self.manner_mean.shape != (m,) or self.manner_within.shape != (m,):
            raise ShapeError(f"A voice baseline needs mean and within of {m} numbers.")
        if self.weights.shape != (m, k) or self.bias.shape != (k,):
            raise ShapeError(f"A voice baseline needs weights of shape ({m}, {k}) and {k} biases.")
        if self.population.n_values != k or self.effects.shifts.shape != (k, k):
            raise ShapeError(f"A voice baseline needs a population of {k} scores.")
        if not (self.manner_within > 0).all() or not np.isfinite(self.weights).all():
            raise ShapeError("A voice baseline needs within > 0 and finite weights.")
        if not min(self.share, self.model_share) >= 0 or not self.temperature > 0:
            raise ShapeError("A voice baseline needs shares >= 0 and temperature > 0.")

    def scores(
        self, manner: NDArray[np.float64], model_scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what speaks for each expression, against everybody, shape ``(k,)``.

        Args:
            manner: From `voice_manner.manner`, NaN where a number is not known.
            model_scores: From `expression_model.VoiceReading`, shape ``(k,)``.
        """
        deviations = (manner - self.manner_mean) / self.manner_within
        known = np.where(np.isnan(deviations), 0.0, deviations)
        of_manner = np.clip(known, -MOST_DEVIATIONS, MOST_DEVIATIONS) @ self.weights
        return np.asarray(of_manner + self.model_share * model_scores)

    @classmethod
    def load(cls, path: Path | None = None) -> VoiceBaselineModel:
        """Read the shipped numbers, or those of another file.

        Raises:
            InputMissingError: If there is no such file.
            ManifestError: If it is not what `VoiceBaselineModel.text` writes.
        """
        return read_numbers(path or shipped_models_dir() / FILE_NAME, "voice baseline", _parse)

    def text(self) -> str:
        """Return the file's content."""
        names = self.labels
        content = {
            "labels": list(names),
            "share": _plain(self.share),
            "model_share": _plain(self.model_share),
            "temperature": _plain(self.temperature),
            "guard": {name: getattr(self.guard, name) for name in MoodGuard.__slots__},
            "scores": {
                name: {
                    "mean": _plain(self.population.mean[row]),
                    "between": _plain(self.population.between[row]),
                    "within": _plain(self.population.within[row]),
                    "bias": _plain(self.bias[row]),
                    "shifts": _plain(self.effects.shifts[row]),
                    "weight": _plain(self.effects.weights[row]),
                }
                for row, name in enumerate(names)
            },
            "manner": {
                name: {
                    "mean": _plain(self.manner_mean[row]),
                    "within": _plain(self.manner_within[row]),
                    "weights": _plain(self.weights[row]),
                }
                for row, name in enumerate(MANNER_NAMES)
            },
        }
        return json.dumps(content, indent=1) + "\n"


class VoiceBaseline:
    """Corrects the voice model's answers by what is normal for the voice that is heard.

    Args:
        model: The fitted numbers.
    """

    def __init__(self, model: VoiceBaselineModel) -> None:
        self._model = model
        self._baseline = RunningBaseline(model.population, model.effects, model.guard)

    def forget(self) -> None:
        """Start over, as after a pause: the next voice is anybody's."""
        self._baseline.forget()

    @property
    def weight(self) -> float:
        """Sum of the weights of what was heard so far, >= 0."""
        return self._baseline.weight

    def correct(
        self,
        reading: VoiceReading,
        manner: NDArray[np.float64],
        weight: float = 1.0,
    ) -> NDArray[np.float64]:
        """Learn from one window or clip, and return its corrected probabilities, shape ``(k,)``.

        Args:
            reading: Of the voice model, in the order of its labels.
            manner: Of the same sound, from `voice_manner.manner`.
            weight: What it counts for: 1 for sound of its own, less where windows overlap.

        Raises:
            ShapeError: If a shape differs or the probabilities do not sum to 1.
        """
        model = self._model
        if manner.shape != model.manner_mean.shape:
            raise ShapeError(f"A manner has {model.manner_mean.size} numbers, not {manner.shape}.")
        scores = model.scores(manner, reading.scores)
        self._baseline.observe(scores, reading.probabilities, weight)
        own = scores - self._baseline.normal + model.bias
        logits = np.log(np.maximum(reading.probabilities, _LEAST_PROBABILITY)) + model.share * own
        powers = np.exp((logits - logits.max()) / model.temperature)
        return np.asarray(powers / powers.sum(), dtype=np.float64)


class CallBaseline:
    """A `VoiceBaseline` for one call after another: silence ends a call and what was learned in it.

    Args:
        model: The fitted numbers.
        call_end_s: Silence that ends a call, > 0.
        weight: What one window counts for, (0, 1]: its hop over its length, as windows overlap.
    """

    def __init__(self, model: VoiceBaselineModel, call_end_s: float, weight: float) -> None:
        self._baseline = VoiceBaseline(model)
        self._call_end_ns = round(call_end_s * NS_PER_S)
        self._weight = weight
        self._heard_ns: int | None = None

    @property
    def weight(self) -> float:
        """Windows' worth of this call that was heard, >= 0."""
        return self._baseline.weight

    def forget(self) -> None:
        """Start over: the next voice is anybody's."""
        self._baseline.forget()
        self._heard_ns = None

    def correct(
        self,
        reading: VoiceReading,
        manner: NDArray[np.float64],
        observed_ns: int,
    ) -> NDArray[np.float64]:
        """Learn from the next window with speech and return its corrected probabilities.

        Args:
            reading: As for `VoiceBaseline.correct`.
            manner: As above.
            observed_ns: Monotonic clock at the middle of the window.
        """
        if self._heard_ns is not None and observed_ns - self._heard_ns > self._call_end_ns:
            self._baseline.forget()
        self._heard_ns = observed_ns
        return self._baseline.correct(reading, manner, self._weight)


def _plain(value: NDArray[np.float64] | np.float64 | float) -> Any:
    """Return numbers as JSON takes them, to six digits."""
    if isinstance(value, np.ndarray):
        return [_plain(float(item)) for item in value]
    return float(f"{float(value):.6g}")


def _parse(content: dict[str, Any]) -> VoiceBaselineModel:
    labels = tuple(str(name) for name in content["labels"])
    scores, manner = content["scores"], content["manner"]
    if tuple(manner) != MANNER_NAMES:
        raise ManifestError("its manner has other numbers than this version measures")

    def column(table: dict[str, Any], names: tuple[str, ...], key: str) -> NDArray[np.float64]:
        return np.array([table[name][key] for name in names], dtype=np.float64)

    return VoiceBaselineModel(
        labels=labels,
        manner_mean=column(manner, MANNER_NAMES, "mean"),
        manner_within=column(manner, MANNER_NAMES, "within"),
        weights=column(manner, MANNER_NAMES, "weights"),
        bias=column(scores, labels, "bias"),
        population=Population(
            *(column(scores, labels, key) for key in ("mean", "between", "within"))
        ),
        effects=ExpressionEffects(
            column(scores, labels, "shifts"), column(scores, labels, "weight")
        ),
        guard=MoodGuard(**{name: float(value) for name, value in content["guard"].items()}),
        share=float(content["share"]),
        temperature=float(content["temperature"]),
        model_share=float(content.get("model_share", 0.0)),
    )
