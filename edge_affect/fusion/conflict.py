"""What to answer where two modalities plainly show different things.

A product of two distributions takes for granted that both show the same expression. Where they do
not it settles on something that neither shows, and is sure of it. The chance of a conflict
(`fusion.incongruence`) says how far that can be taken for granted::

    answer = (1 - chance) * product + chance * sum of share * what each shows alone

a mixture over whether both show the same (Hoeting et al., "Bayesian model averaging", Statistical
Science 14(4), 1999). The shares say whom to believe in a conflict. So the answer of a conflict
names what the more trusted one shows, keeps the other beside it, and is less sure.

Conflicts are rare unless they are not: how frequent they are with this person can be followed, as
the share of a mixture whose parts are known, by expectation-maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError
from edge_affect.fusion.incongruence import Incongruence, agreement
from edge_affect.fusion.pooling import linear_pool

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL_SHARE = 0.03
"""Share of conflicts that is taken for usual. Of 0.03, 0.05, 0.1 and 0.2 the first two cost at most
0.2 points where there is none, on clips that were fitted on; the smaller is taken."""
PRIOR_MOMENTS = 33.0
"""Moments for which the usual share counts when it is followed: about one conflict."""
N_STEPS = 20
LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class ConflictFallback:
    """From the product of two modalities to what can be said if they conflict.

    Attributes:
        incongruence: Fitted where conflicts are as frequent as agreement.
        usual_share: Of conflicts, (0, 1).
    """

    incongruence: Incongruence = field(default_factory=Incongruence)
    usual_share: float = USUAL_SHARE

    def __post_init__(self) -> None:
        if not 0.0 < self.usual_share < 1.0:
            raise ShapeError("A fallback needs a usual share of conflicts between 0 and 1.")

    def chance(
        self,
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        share: float | None = None,
    ) -> NDArray[np.float64]:
        """Return the chance of a conflict, shape ``(...)``; 0 where nothing can be compared.

        Args:
            first: What one modality shows, shape ``(..., n_classes)``, sums to 1.
            second: As above.
            share: Of conflicts with this person, (0, 1); None takes the usual one.
        """
        usual = self.usual_share if share is None else share
        both = agreement(first, second)
        line = self.incongruence
        odds = line.bias + line.slope * np.log(np.maximum(both, LEAST))
        odds = odds + np.log(usual / (1.0 - usual))
        return np.asarray(np.where(np.isnan(both), 0.0, 1.0 / (1.0 + np.exp(-odds))))

    def share_of_conflicts(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
        """Return how frequent conflicts are with one person, (0, 1).

        Args:
            first: What one modality showed in each moment, shape ``(n, n_classes)``.
            second: As above; with no moments the answer is the usual share.
        """
        share = self.usual_share
        for _ in range(N_STEPS):
            expected = float(self.chance(first, second, share).sum())
            share = (PRIOR_MOMENTS * self.usual_share + expected) / (PRIOR_MOMENTS + len(first))
        return share

    def settled(
        self,
        product: NDArray[np.float64],
        shown: Mapping[str, NDArray[np.float64]],
        weights: Mapping[str, float],
        trust: Mapping[str, float],
    ) -> NDArray[np.float64]:
        """Return the answer, shape ``(n_classes,)``, sums to 1; the product with one modality.

        Args:
            product: What both say together if they show the same, shape ``(n_classes,)``.
            shown: By modality, at most two: what it says alone, of the same shape.
            weights: By modality, [0, 1]: as one fades, so does the conflict.
            trust: By modality, >= 0: how far to believe it in a conflict, against the other.
        """
        names = sorted(shown)
        believed = np.array([trust[name] * weights[name] for name in names])
        if len(names) != 2 or believed.sum() <= 0.0:
            return product
        chance = float(self.chance(shown[names[0]], shown[names[1]]))
        chance *= min(weights[name] for name in names)
        alone = linear_pool(np.stack([shown[name] for name in names]), believed)
        return np.asarray((1.0 - chance) * product + chance * alone)
