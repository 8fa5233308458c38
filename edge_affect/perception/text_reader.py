"""What any reader of text offers: the emotion that the words of one utterance express.

The lexicon (`lexicon_reader`) is the one that ships. A trained model takes its place by offering
the same: `tests/unit/test_utterances.py` puts one there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.types import N_EXPRESSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_SIGNS = 3
NEGATIVE, NEUTRAL, POSITIVE = range(N_SIGNS)


@dataclass(frozen=True, slots=True)
class TextReading:
    """What the words of one utterance express; it does not hold the words.

    Attributes:
        probabilities: Shape ``(8,)``, float64, order of ``Expression``, sums to 1.
        signs: Shape ``(3,)``, float64: negative, neutral, positive; sums to 1.
        is_telling: Whether any word said something about expression; without one the
            probabilities are no more than what is usual and must not be used as evidence.
    """

    probabilities: NDArray[np.float64] = field(repr=False)
    signs: NDArray[np.float64] = field(repr=False)
    is_telling: bool

    def __post_init__(self) -> None:
        if self.probabilities.shape != (N_EXPRESSIONS,) or self.signs.shape != (N_SIGNS,):
            raise ShapeError("A reading of text needs eight expressions and three signs.")
        for values in (self.probabilities, self.signs):
            if (values < 0.0).any() or not np.isclose(values.sum(), 1.0, atol=1e-6):
                raise ShapeError("What a reading of text holds must be probabilities.")

    @property
    def polarity(self) -> float:
        """Expected sign, [-1, 1]: the chance of positive less that of negative."""
        return float(self.signs[POSITIVE] - self.signs[NEGATIVE])


class TextReader(Protocol):
    """Reads the words of one utterance, in one language."""

    language: str
    """As in ``[words] language``."""

    def read(self, text: str) -> TextReading:
        """Return what a text expresses; an empty one tells nothing."""
