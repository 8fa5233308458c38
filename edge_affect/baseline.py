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
value. A mood is not taken for the person as long as the caller says what effect it expects of the
expression it reads: only what is left over moves the baseline. What even that lets through is
bounded, as nobody is further from everybody than ``reach`` times the spread of people.

Pure numpy: perception, fusion and evaluation all use it. It keeps two arrays, no label and no
identity, and `RunningBaseline.forget` drops them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError


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


class RunningBaseline:
    """Follows what is normal for whoever is seen now.

    Args:
        population: What is normal for everybody, the answer before anything was seen.
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
        self, population: Population, *, reach: float = 3.0, memory: float = np.inf
    ) -> None:
        if not reach > 0 or not memory > 0:
            raise ShapeError("A running baseline needs reach > 0 and memory > 0.")
        self._population = population
        self._limit = reach * population.between
        self._memory = memory
        # No spread of people: infinite weight on everybody, and the offset stays 0.
        ratio = np.full(population.n_values, np.inf)
        np.divide(population.within, population.between, out=ratio, where=population.between > 0)
        self._prior_weight = ratio**2
        self.forget()

    def forget(self) -> None:
        """Start over with everybody's normal, as after a pause or a gap."""
        self._sum = np.zeros(self._population.n_values)
        self._weight = 0.0

    @property
    def weight(self) -> float:
        """Sum of the weights of what was observed and not faded yet, >= 0."""
        return self._weight

    @property
    def offset(self) -> NDArray[np.float64]:
        """How this person differs from everybody, shape ``(n,)``."""
        estimate = self._sum / (self._weight + self._prior_weight)
        return np.clip(estimate, -self._limit, self._limit)

    @property
    def normal(self) -> NDArray[np.float64]:
        """What is normal for this person, shape ``(n,)``."""
        return self._population.mean + self.offset

    def observe(
        self,
        values: NDArray[np.float64],
        effect: NDArray[np.float64] | None = None,
        weight: float = 1.0,
    ) -> None:
        """Learn from one observation.

        Args:
            values: Shape ``(n,)``, finite.
            effect: Shape ``(n,)``: what the expression that is read adds to the values on average;
                None takes the whole difference for the person's own.
            weight: How much to trust the observation, >= 0; 1 counts as one.

        Raises:
            ShapeError: If a shape differs, a value is not finite or the weight is negative.
        """
        surplus = self._checked(values) - self._population.mean
        if effect is not None:
            surplus = surplus - self._checked(effect)
        if not 0.0 <= weight < np.inf:
            raise ShapeError(f"An observation cannot have the weight {weight}.")
        self._sum = self._sum + weight * surplus
        self._weight += weight
        if self._weight > self._memory:
            self._sum = self._sum * (self._memory / self._weight)
            self._weight = self._memory

    def relative(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values against what is normal for this person, in ``within`` deviations.

        Args:
            values: Shape ``(n,)``, finite.

        Raises:
            ShapeError: If the shape differs or a value is not finite.
        """
        return (self._checked(values) - self.normal) / self._population.within

    def _checked(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if values.shape != self._population.mean.shape or not np.isfinite(values).all():
            raise ShapeError(
                f"A baseline of {self._population.n_values} values was given {values.shape}, "
                "or a value that is not finite."
            )
        return values
