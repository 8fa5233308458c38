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

On top of that the strongest expression is held. Another one takes its place when it is the
strongest of the answer and the readings have said so for long enough: the logarithm of the ratio of
the two, summed over time and never below 0, must come to `SWITCH_COST_NATS_S`, a cumulative-sum
test (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954). A clear change has paid
that by the time the runs follow it; a near-tie that sways about the border has not. Until then the
answer waits at the border, between what it last was with the held one on top and what it is now.
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
SWITCH_COST_NATS_S = 0.9
"""Evidence that another expression must gather before it is named, as a log ratio times seconds:
the largest in steps of 0.1 with no scripted lag above 0.6 s (``benchmarks/fusion_time.py``)."""
LEAST_COUNTED = 0.01
"""Probabilities below this count as this much: one reading is never sure enough to decide alone."""
BORDER = 0.01
"""How far ahead the held expression stays at the border, in probability."""


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """How fast a filter follows.

    Attributes:
        memory_s: Half-life of readings within a run, >= 0; 0 keeps the newest reading alone.
        expression_s: Half-life of an expression before it changes, > 0.
        switch_cost: What another expression must gather to be named, in nats times seconds, >= 0;
            0 holds nothing.
    """

    memory_s: float
    expression_s: float
    switch_cost: float = SWITCH_COST_NATS_S


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
        self._held: _HeldTop | None = None

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
            self._held = _HeldTop(new.probabilities, self._settings.switch_cost)
            return
        age_s = max(0.0, (new.observed_ns - before.observed_ns) / NS_PER_S)
        self._step(reading, age_s)
        mean = self._chances @ self._means
        probabilities = np.minimum(np.maximum(mean[:-1], 0.0), 1.0)
        probabilities = probabilities / probabilities.sum()
        if self._held is not None:
            probabilities = self._held.answer(probabilities, new.probabilities, age_s)
        self._estimate = ExpressionEstimate(
            probabilities=probabilities,
            reliability=min(max(float(mean[-1]), 0.0), 1.0),
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


class _HeldTop:
    """Keeps the strongest expression until another has gathered enough evidence.

    Args:
        first: The first answer, shape ``(8,)``.
        cost: What it must gather, >= 0.
    """

    def __init__(self, first: NDArray[np.float64], cost: float) -> None:
        self._cost = cost
        self._take(first)

    def _take(self, p: NDArray[np.float64]) -> None:
        self._top = int(p.argmax())
        self._last = p
        self._against: NDArray[np.float64] = np.zeros_like(p)

    def answer(
        self, p: NDArray[np.float64], reading: NDArray[np.float64], age_s: float
    ) -> NDArray[np.float64]:
        """Return ``p``, or where it must wait a mixture of ``p`` and the last answer.

        Args:
            p: The filtered answer, shape ``(8,)``, sums to 1.
            reading: What it was made with last, of the same shape.
            age_s: Time since the one before, >= 0.
        """
        logs = np.log(np.maximum(reading, LEAST_COUNTED))
        self._against = np.maximum(self._against + age_s * (logs - logs[self._top]), 0.0)
        rival = int(p.argmax())
        if rival == self._top:
            self._last = p
            return p
        if self._against[rival] >= self._cost:
            self._take(p)
            return p
        lead = self._last[self._top] - self._last
        lag = p - p[self._top]
        wanted = np.minimum(BORDER, lead)
        # The share of the last answer with which the held one is as far ahead as is wanted.
        shares = np.zeros_like(p)
        np.divide(lag + wanted, lag + lead, out=shares, where=lag + wanted > 0.0)
        share = float(np.clip(shares.max(), 0.0, 1.0))
        return np.asarray(share * self._last + (1.0 - share) * p)
