"""What is normal for one voice or face, learned while it is seen and forgotten with it.

A value is taken as the sum of what is normal for everybody, what is normal for this person, what
is expressed at the moment, and chance::

    value = mean + offset + effect of the expression + chance

The offset is the one unknown that stays the same from one observation to the next. With normal
distributions of known widths its best estimate has a closed form, the posterior mean of a normal
mean with known variance (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.5), which is
also the maximum a posteriori adaptation of speaker models (Gauvain and Lee, IEEE Transactions on
Speech and Audio Processing 2(2), 1994)::

    offset = sum of weight * (value - mean - effect) / (sum of weights + within**2 / between**2)

So the first observations move it little, and less the less people differ from each other in that
value.

A mood must not be taken for the person. While the expressions that were read spread over several,
their effects cancel out, and the person's own mean is the best baseline. Where one expression makes
up more than its share of what was read, `MoodGuard` turns to the sum above, in which what that
expression usually does to the values is taken out first, and in which an expression that varies
much says less about the person. What even that lets through is bounded, as nobody is further from
everybody than ``reach`` times the spread of people.

Pure numpy: perception, fusion and evaluation all use it. It keeps four small sums, no label and no
identity, and `RunningBaseline.forget` drops them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError

SUM_TOLERANCE = 1.1e-5
"""Probabilities may sum to this much more or less than 1; rounding alone stays far below it."""


@dataclass(frozen=True, slots=True)
class Population:
    """What is normal over many people, for ``n`` values at once.

    Attributes:
        mean: Shape ``(n,)``, of everybody.
        between: Shape ``(n,)``, >= 0: deviation from person to person; 0 for a value whose
            baseline must not move.
        within: Shape ``(n,)``, > 0: deviation of one person's values, what the expression does
            to them taken out.
    """

    mean: NDArray[np.float64] = field(repr=False)
    between: NDArray[np.float64] = field(repr=False)
    within: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or not self.mean.size:
            raise ShapeError("A population needs one mean for each value.")
        if not self.mean.shape == self.between.shape == self.within.shape:
            raise ShapeError("A population needs mean, between and within of one shape.")
        if not all(np.isfinite(part).all() for part in (self.mean, self.between, self.within)):
            raise ShapeError("A population needs finite numbers.")
        if (self.between < 0).any() or (self.within <= 0).any():
            raise ShapeError("A population needs between >= 0 and within > 0.")

    @property
    def n_values(self) -> int:
        """How many values are followed at once."""
        return int(self.mean.size)


@dataclass(frozen=True, slots=True)
class ExpressionEffects:
    """What expressions do to the ``n`` values of a population, for ``k`` expressions.

    Attributes:
        shifts: Shape ``(k, n)``: what each adds to the values on average.
        weights: Shape ``(k,)``, > 0, mean 1: how much an observation under each says about the
            person; less where people differ much in how they express it.
    """

    shifts: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if self.shifts.ndim != 2 or self.weights.shape != self.shifts.shape[:1]:
            raise ShapeError("Effects need shifts of shape (k, n) and k weights.")
        if not np.isfinite(self.shifts).all() or not np.isfinite(self.weights).all():
            raise ShapeError("Effects need finite numbers.")
        if (self.weights <= 0).any():
            raise ShapeError("Effects need weights above 0.")


@dataclass(frozen=True, slots=True)
class MoodGuard:
    """From when on effects of expressions are taken out, by the commonest one's share so far.

    Attributes:
        low_share: Up to here nothing is taken out, [0, 1).
        high_share: From here on everything is, (low_share, 1].
        strength: Effects are multiplied by this, >= 0: above 1 because probabilities that are
            shared among expressions make the usual effect look smaller than it is.
        prior: Observations of every expression that are assumed beforehand, > 0.
    """

    low_share: float = 0.3
    high_share: float = 0.4
    strength: float = 1.4
    prior: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.low_share < self.high_share <= 1.0:
            raise ShapeError("A mood guard needs 0 <= low_share < high_share <= 1.")
        if not self.strength >= 0.0 or not self.prior > 0.0:
            raise ShapeError("A mood guard needs strength >= 0 and prior > 0.")

    def engaged(self, counts: NDArray[np.float64]) -> float:
        """Return how far effects are taken out, [0, 1].

        Args:
            counts: Sums of the probabilities read so far, shape ``(k,)``.
        """
        raised = counts + self.prior
        share = float(raised.max() / raised.sum())
        return min(max((share - self.low_share) / (self.high_share - self.low_share), 0.0), 1.0)


class RunningBaseline:
    """Follows what is normal for whoever is seen now.

    Args:
        population: What is normal for everybody, the answer before anything was seen.
        effects: What expressions do to the values; None takes every difference for the person's.
        guard: When those are taken out.
        reach: The offset stays within this many ``between`` of everybody, > 0.
        memory: Sum of weights that is remembered at most, > 0: older observations fade so that the
            baseline can follow a change of person; infinite remembers all alike.

    >>> everybody = Population(np.array([200.0]), np.array([50.0]), np.array([25.0]))
    >>> voice = RunningBaseline(everybody)
    >>> for _ in range(4):
    ...     voice.observe(np.array([120.0]))
    >>> float(voice.normal.round(1)[0]), float(voice.relative(np.array([150.0])).round(2)[0])
    (124.7, 1.01)
    """

    def __init__(
        self,
        population: Population,
        effects: ExpressionEffects | None = None,
        guard: MoodGuard | None = None,
        *,
        reach: float = 3.0,
        memory: float = np.inf,
    ) -> None:
        if not reach > 0 or not memory > 0:
            raise ShapeError("A running baseline needs reach > 0 and memory > 0.")
        if effects is not None and effects.shifts.shape[1] != population.n_values:
            raise ShapeError("The effects are of another number of values than the population.")
        self._population = population
        self._effects = effects
        self._guard = guard or MoodGuard()
        self._limit = reach * population.between
        self._memory = memory
        # No spread of people: infinite weight on everybody, and the offset stays 0.
        ratio = np.full(population.n_values, np.inf)
        np.divide(population.within, population.between, out=ratio, where=population.between > 0)
        self._prior_weight = ratio**2
        self.forget()

    def forget(self) -> None:
        """Start over with everybody's normal, as after a pause or a gap."""
        self._surplus: NDArray[np.float64] = np.zeros(self._population.n_values)
        self._expected: NDArray[np.float64] = np.zeros(self._population.n_values)
        n_effects = 0 if self._effects is None else self._effects.weights.size
        self._counts: NDArray[np.float64] = np.zeros(n_effects)
        self._weight = 0.0

    @property
    def weight(self) -> float:
        """Sum of the weights of what was observed and not faded yet, >= 0."""
        return self._weight

    @property
    def engaged(self) -> float:
        """How far the mood guard takes the effects of expressions out, [0, 1]."""
        return 0.0 if self._effects is None else self._guard.engaged(self._counts)

    @property
    def offset(self) -> NDArray[np.float64]:
        """How this person differs from everybody, shape ``(n,)``."""
        own = self._surplus - self.engaged * self._guard.strength * self._expected
        limited = np.minimum(own / (self._weight + self._prior_weight), self._limit)
        return np.asarray(np.maximum(limited, -self._limit))

    @property
    def normal(self) -> NDArray[np.float64]:
        """What is normal for this person, shape ``(n,)``."""
        return self._population.mean + self.offset

    def observe(
        self,
        values: NDArray[np.float64],
        probabilities: NDArray[np.float64] | None = None,
        weight: float = 1.0,
    ) -> None:
        """Learn from one observation.

        Args:
            values: Shape ``(n,)``, finite.
            probabilities: Of the expressions that were read meanwhile, shape ``(k,)``, sum 1;
                needed exactly where the baseline knows their effects.
            weight: How much to trust the observation, >= 0; 1 counts as one.

        Raises:
            ShapeError: If a shape differs, a value is not finite or the weight is negative.
        """
        surplus = self._checked(values) - self._population.mean
        if not 0.0 <= weight < np.inf:
            raise ShapeError(f"An observation cannot have the weight {weight}.")
        if self._effects is not None:
            read = self._checked_probabilities(probabilities)
            self._counts = self._counts + weight * read
            weight *= 1.0 + self.engaged * (float(read @ self._effects.weights) - 1.0)
            self._expected = self._expected + weight * (read @ self._effects.shifts)
        elif probabilities is not None:
            raise ShapeError(
                "This baseline knows no effects of expressions; give no probabilities."
            )
        self._surplus = self._surplus + weight * surplus
        self._weight += weight
        if self._weight > self._memory:
            self._fade(self._memory / self._weight)

    def relative(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values against what is normal for this person, in ``within`` deviations.

        Args:
            values: Shape ``(n,)``, finite.

        Raises:
            ShapeError: If the shape differs or a value is not finite.
        """
        return (self._checked(values) - self.normal) / self._population.within

    def _fade(self, share: float) -> None:
        self._surplus = share * self._surplus
        self._expected = share * self._expected
        self._counts = share * self._counts
        self._weight = self._memory

    def _checked(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if values.shape != self._population.mean.shape or not np.isfinite(values).all():
            raise ShapeError(
                f"A baseline of {self._population.n_values} values was given {values.shape}, "
                "or a value that is not finite."
            )
        return values

    def _checked_probabilities(
        self, probabilities: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        if probabilities is None or probabilities.shape != self._counts.shape:
            raise ShapeError(f"A baseline needs {self._counts.size} probabilities of expressions.")
        sums_to_one = abs(float(probabilities.sum()) - 1.0) <= SUM_TOLERANCE
        if not sums_to_one or (probabilities < 0).any():
            raise ShapeError("Probabilities of expressions must be >= 0 and sum to 1.")
        return probabilities
