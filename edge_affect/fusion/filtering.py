"""What one modality said over time: steady while an expression lasts, quick when it changes.

A hidden Markov model over when the present expression began, filtered forwards (R. P. Adams and
D. J. C. MacKay, "Bayesian online changepoint detection", 2007). Each hypothesis, a *run*, says that
nothing has changed since its beginning, and keeps the mean of what was read since. With every new
reading a run either goes on or ends:

- it goes on if the reading is near its mean (a normal distribution of known width), or if the
  reading is a slip that says nothing (a blink, a hand, a turned head), which happens now and then;
- it ends with the chance that an expression of known half-life gives to the time that has passed.

The answer is the mean of the runs, weighted by their chances. A single odd reading is more likely a
slip than a change, so it moves little; two or three that agree with each other are a change, and
the answer goes over to them without waiting for an average to follow. A mixture of two
expressions stays a mixture, and readings that never change are answered as they are.

Readings closer together than `CORRELATION_S` are not independent: they count as less than one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_affect.clock import NS_PER_S
from edge_affect.types import ExpressionEstimate

WIDTH = 0.12
"""Deviation of one reading from its run's mean, in probability. On real films one frame is 0.07
from the next (``benchmarks/fusion_time.py``); the rest is for what drifts while nothing changes."""
SLIP_SHARE = 0.05
"""Share of the readings that say nothing."""
CORRELATION_S = 0.25
ANYWHERE = 2.0
"""Density of a reading that could be anything: of the triangle that holds three expressions."""
MOST_RUNS = 6
LEAST_CHANCE = 1e-6
MOST_CHANGE = 0.95
LEAST_MEANT = 0.1
"""Even what looks like a slip moves a run's mean by so much of a reading: slips that do not end
are no slips."""


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """How fast a filter follows.

    Attributes:
        memory_s: Half-life of readings within a run, >= 0; 0 keeps the newest reading alone.
        expression_s: Half-life of an expression before it changes, > 0.
    """

    memory_s: float
    expression_s: float


class EvidenceFilter:
    """Follows the estimates of one modality; pure, it reads no clock.

    Args:
        settings: How fast.
    """

    def __init__(self, settings: FilterSettings) -> None:
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Drop everything that was seen or heard."""
        self._estimate: ExpressionEstimate | None = None
        self._chances: NDArray[np.float64] = np.ones(1)
        self._counts: NDArray[np.float64] = np.ones(1)
        # One row for each run: eight probabilities and the reliability.
        self._means: NDArray[np.float64] = np.zeros((1, 9))

    @property
    def estimate(self) -> ExpressionEstimate | None:
        """The filtered estimate, as old as the newest that went in; None before the first."""
        return self._estimate

    @property
    def n_runs(self) -> int:
        """How many hypotheses are kept, at most `MOST_RUNS`."""
        return int(self._chances.size)

    def add(self, new: ExpressionEstimate) -> None:
        """Take the next estimate into account."""
        reading = np.append(new.probabilities, new.reliability)
        before = self._estimate
        if before is None or self._settings.memory_s == 0.0:
            self._chances, self._counts, self._means = np.ones(1), np.ones(1), reading[None]
            self._estimate = new
            return
        age_s = max(0.0, (new.observed_ns - before.observed_ns) / NS_PER_S)
        self._step(reading, age_s)
        mean = self._chances @ self._means
        probabilities = np.clip(mean[:-1], 0.0, 1.0)
        self._estimate = ExpressionEstimate(
            probabilities=probabilities / probabilities.sum(),
            reliability=float(np.clip(mean[-1], 0.0, 1.0)),
            observed_ns=max(new.observed_ns, before.observed_ns),
        )

    def _step(self, reading: NDArray[np.float64], age_s: float) -> None:
        change = min(1.0 - 0.5 ** (age_s / self._settings.expression_s), MOST_CHANGE)
        # A slip is short: a reading further away from the one before is less likely to be one.
        slip = SLIP_SHARE * min(1.0, CORRELATION_S / max(age_s, CORRELATION_S))
        near = self._density(reading)
        density = (1.0 - slip) * near + slip * ANYWHERE
        is_meant = (1.0 - slip) * near / density
        said = min(1.0, age_s / CORRELATION_S)
        going_on = self._chances * (1.0 - change) * density**said
        ended = change * ANYWHERE**said
        kept = 0.5 ** (age_s / self._settings.memory_s)
        is_meant = np.maximum(is_meant, LEAST_MEANT)
        counts = self._counts * kept + is_meant
        steps = (is_meant / np.maximum(counts, 1.0))[:, None]
        means = self._means + steps * (reading - self._means)
        chances = np.append(going_on, ended)
        chances /= chances.sum()
        best = np.argsort(-chances, kind="stable")[:MOST_RUNS]
        best = best[chances[best] >= LEAST_CHANCE]
        self._chances = chances[best] / chances[best].sum()
        self._counts = np.append(np.maximum(counts, 1.0), 1.0)[best]
        self._means = np.concatenate((means, reading[None]))[best]

    def _density(self, reading: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how well each run foresees a reading; a young run is unsure of its own mean."""
        variance = WIDTH**2 * (1.0 + 1.0 / self._counts)
        distance = np.square(self._means[:, :-1] - reading[:-1]).sum(axis=1)
        return np.asarray(np.exp(-distance / (2.0 * variance)) / (2.0 * np.pi * variance))
