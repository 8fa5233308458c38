"""What one person's face or voice usually looks like to the models, and how far it moves.

A resting face that looks sad, or a voice that always sounds angry, shifts what a model says of
every picture. Followed over a track or a call, without a label and without knowing who it is, that
shift can be taken out (`edge_affect.baseline.RunningBaseline`, guarded against taking a lasting
mood for the person). People also differ in how much they show: the spread of what a model says is
followed too, and brought to everybody's.

Everything is in centred logarithms of probabilities: of each source, less their mean over the
classes it knows. It lives in memory only and is forgotten with the track or the call.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population, RunningBaseline
from edge_affect.errors import ShapeError

LEAST_PROBABILITY = 1e-6
"""Models are not taken to be surer than this: logarithms below it would be noise."""
SPREAD_RANGE = (0.6, 1.6)
"""Nobody is taken to show less or more than this, against everybody."""


def centred_logs(distributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logarithms less their mean over the known classes; 0 for an unknown class.

    Args:
        distributions: Shape ``(..., n_classes)``; 0 for a class that the model does not know.
    """
    is_known = distributions > 0.0
    logs = np.where(is_known, np.log(np.maximum(distributions, LEAST_PROBABILITY)), 0.0)
    mean = logs.sum(axis=-1, keepdims=True) / is_known.sum(axis=-1, keepdims=True)
    return np.asarray(np.where(is_known, logs - mean, 0.0))


@dataclass(frozen=True, slots=True)
class PersonPopulation:
    """What is normal over many people, for the sources of one modality.

    Attributes:
        population: Of ``n_sources * n_classes`` centred logarithms.
        effects: What each of the classes does to them.
        spread: Shape ``(n_sources * n_classes,)``, > 0: deviation of one person's values about
            their own mean, everything they express included.
        guard: Against taking a lasting mood for the person.
        spread_prior: Observations of everybody's spread that are assumed beforehand, > 0;
            infinite leaves the spread alone.
    """

    population: Population
    effects: ExpressionEffects
    spread: NDArray[np.float64] = field(repr=False)
    guard: MoodGuard
    spread_prior: float

    def __post_init__(self) -> None:
        if self.spread.shape != self.population.mean.shape or not (self.spread > 0).all():
            raise ShapeError("A population of persons needs a spread above 0 for each value.")
        if not self.spread_prior > 0:
            raise ShapeError("A population of persons needs spread_prior > 0.")


class PersonNormal:
    """Follows one person's normal, and brings what models say of them to everybody's.

    Args:
        everybody: What is normal for everybody, the answer before anything was seen.
    """

    def __init__(self, everybody: PersonPopulation) -> None:
        self._everybody = everybody
        self._baseline = RunningBaseline(everybody.population, everybody.effects, everybody.guard)
        self.forget()

    def forget(self) -> None:
        """Start over with everybody's normal."""
        self._baseline.forget()
        size = self._everybody.spread.size
        self._sum: NDArray[np.float64] = np.zeros(size)
        self._square_sum: NDArray[np.float64] = np.zeros(size)
        self._n = 0.0

    def observe(
        self, distributions: NDArray[np.float64], read: NDArray[np.float64], weight: float = 1.0
    ) -> None:
        """Learn from one observation.

        Args:
            distributions: Shape ``(n_sources, n_classes)``.
            read: What was expressed meanwhile as far as is known, shape ``(n_classes,)``, sum 1.
            weight: How much to trust it, >= 0; 1 counts as one.
        """
        values = centred_logs(distributions).ravel()
        self._baseline.observe(values, read, weight)
        self._sum = self._sum + weight * values
        self._square_sum = self._square_sum + weight * np.square(values)
        self._n += weight

    def corrected(self, distributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what models say, as if everybody's face or voice had said it.

        Args:
            distributions: Shape ``(n_sources, n_classes)``.

        Returns:
            Of the same shape, rows sum to 1; unknown classes stay 0.
        """
        mean = self._everybody.population.mean.reshape(distributions.shape)
        offset = self._baseline.offset.reshape(distributions.shape)
        values = centred_logs(distributions) - offset - mean
        values = mean + values / self.spread_ratio.reshape(distributions.shape)
        powers = np.where(distributions > 0.0, np.exp(values), 0.0)
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    @property
    def spread_ratio(self) -> NDArray[np.float64]:
        """How much this person shows against everybody, shape ``(n,)``; 1 during a mood."""
        prior, usual = self._everybody.spread_prior, self._everybody.spread
        if self._n == 0.0 or not np.isfinite(prior):
            return np.ones_like(usual)
        about_mean = self._square_sum - np.square(self._sum) / self._n
        variance = (prior * np.square(usual) + np.maximum(about_mean, 0.0)) / (prior + self._n)
        ratio = np.clip(np.sqrt(variance) / usual, *SPREAD_RANGE)
        return np.asarray(ratio ** (1.0 - self._baseline.engaged))
