"""How one person shows each expression, learned from what models say of them, without a label.

`fusion.person` takes out what is always there in somebody's face or voice. People also differ from
expression to expression: one shows disgust as another shows anger. What models say under each
expression is taken for normal about a mean of that expression, with one covariance for all (R. A.
Fisher, 1936). The means are moved to the person by their other moments, each counting for the
expressions that were read in it: maximum a posteriori adaptation (Gauvain and Lee, IEEE
Transactions on Speech and Audio Processing 2(2), 1994) inside an expectation-maximisation. The
means of everybody count as a few moments each, so an expression that the person has not shown
stays at everybody's.

A mood does no harm: what is read as sadness moves the mean of sadness alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError

PRIOR_MOMENTS = 1.0
"""Moments for which everybody's mean of an expression counts. Chosen with the next two on inner
folds of people; between 0.3 and 3 the answer hardly changes."""
OFF_DIAGONAL = 0.7
"""Share of the covariance between values that is believed (Friedman, 1989)."""
RIDGE = 0.01
"""Added to the variances, as a share of their mean."""
N_STEPS = 2
LEAST_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Manner:
    """What models say under each of ``k`` expressions, of everybody or of one person.

    Attributes:
        means: Shape ``(k, n_values)``.
        precision: Shape ``(n_values, n_values)``, the inverse of the common covariance.
    """

    means: NDArray[np.float64] = field(repr=False)
    precision: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if self.means.ndim != 2 or self.precision.shape != (self.means.shape[1],) * 2:
            raise ShapeError("A manner needs means of shape (k, n) and a precision of (n, n).")
        if not (np.isfinite(self.means).all() and np.isfinite(self.precision).all()):
            raise ShapeError("A manner needs finite numbers.")

    def chances(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of each expression, all alike beforehand, shape ``(n, k)``.

        Args:
            values: Shape ``(n, n_values)``.
        """
        away = values[:, None] - self.means
        logs = -0.5 * np.einsum("nki,ij,nkj->nk", away, self.precision, away)
        powers = np.exp(logs - logs.max(axis=1, keepdims=True)) + LEAST_CHANCE
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def moved(self, values: NDArray[np.float64], read: NDArray[np.float64]) -> Manner:
        """Return it with means moved to one person.

        Args:
            values: The person's moments, shape ``(n, n_values)``; none changes nothing.
            read: What was read in each, shape ``(n, k)``, rows sum to 1.
        """
        total = PRIOR_MOMENTS * self.means + read.T @ values
        counts = PRIOR_MOMENTS + read.sum(axis=0)
        return Manner(total / counts[:, None], self.precision)


def manner_of_everybody(values: NDArray[np.float64], truth: NDArray[np.int64], k: int) -> Manner:
    """Return the manner fitted on labelled moments of many people.

    Args:
        values: Shape ``(n, n_values)``.
        truth: Expression of each, shape ``(n,)``; each of the ``k`` occurs.
        k: How many expressions there are.
    """
    means = np.stack([values[truth == number].mean(axis=0) for number in range(k)])
    rest = values - means[truth]
    covariance = rest.T @ rest / truth.size
    variances = np.diag(np.diag(covariance))
    mixed = OFF_DIAGONAL * covariance + (1.0 - OFF_DIAGONAL) * variances
    ridge = RIDGE * float(np.trace(covariance)) / covariance.shape[0]
    return Manner(means, np.linalg.inv(mixed + ridge * np.eye(covariance.shape[0])))


def manners_of_person(
    everybody: dict[str, Manner],
    values: dict[str, NDArray[np.float64]],
    read: NDArray[np.float64],
) -> dict[str, Manner]:
    """Return the manner of one person in each modality.

    Args:
        everybody: By modality.
        values: The person's moments, by modality, shape ``(n, n_values)``.
        read: What all modalities together read in each, shape ``(n, k)``, rows sum to 1.
    """
    expected = read
    found = dict(everybody)
    for _ in range(N_STEPS):
        found = {name: one.moved(values[name], expected) for name, one in everybody.items()}
        joint = np.prod([one.chances(values[name]) for name, one in found.items()], axis=0)
        expected = 0.5 * read + 0.5 * joint / joint.sum(axis=1, keepdims=True)
    return found
