"""What was said lately, and what it changes in what voice and face show.

Words say less of what is expressed than voice and face do, and whoever means the opposite says it
in words. So they are the last to be heard: the answer of voice and face is pooled with them by a
small exponent from a file (`WordsWeights`); alone they answer for themselves and are seldom sure
enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.errors import ManifestError
from edge_affect.fusion.pooling import log_linear_pool
from edge_affect.record import N_PHRASES, Expression
from edge_affect.shipped_numbers import read_numbers

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.types import WordsObservation
    from edge_affect.words_settings import Words

FILE_NAME = "words_lexicon.json"
MOST_EXPONENT = 4.0
NEGATIVE_EXPRESSIONS = (
    Expression.SADNESS, Expression.ANGER, Expression.DISGUST, Expression.FEAR, Expression.CONTEMPT
)  # fmt: skip
POSITIVE_EXPRESSIONS = (Expression.HAPPINESS,)


@dataclass(frozen=True, slots=True)
class WordsWeights:
    """How far words are taken at their word.

    Attributes:
        alone: Exponent where neither voice nor face counts, [0, 4].
        joint: Exponent beside them, [0, 4].
    """

    alone: float = 1.0
    joint: float = 0.4

    def __post_init__(self) -> None:
        if not all(0.0 <= one <= MOST_EXPONENT for one in (self.alone, self.joint)):
            raise ManifestError(f"Exponents of words must be in [0, {MOST_EXPONENT:g}].")

    @classmethod
    def load(cls, path: Path) -> WordsWeights:
        """Read the exponents.

        Raises:
            InputMissingError: If there is no such file.
            ManifestError: If it holds none.
        """

        def parse(content: Any) -> WordsWeights:
            return cls(float(content["fusion"]["alone"]), float(content["fusion"]["joint"]))

        return read_numbers(path, "table of exponents of words", parse)


class Wording:
    """Follows the latest utterance and the phrases; reads no clock.

    Args:
        settings: Half-life and age.
        weights: Exponents.
        phrase_hold_s: How long a phrase is told, so that no tick misses it.
    """

    def __init__(self, settings: Words, weights: WordsWeights, phrase_hold_s: float) -> None:
        self._settings = settings
        self._weights = weights
        self._hold_ns = round(phrase_hold_s * NS_PER_S)
        self._latest: WordsObservation | None = None
        self._heard_ns = 0
        self._phrases_ns: list[int | None] = [None] * N_PHRASES

    def forget(self) -> None:
        """Drop everything remembered."""
        self._latest = None
        self._phrases_ns = [None] * N_PHRASES

    def add(self, observation: WordsObservation, now_ns: int) -> None:
        """Take the newest utterance into account; ages count from now, when it was understood."""
        if observation.signs is not None or self._latest is None:
            self._latest, self._heard_ns = observation, now_ns
        for slot, is_heard in enumerate(observation.phrases):
            if is_heard:
                self._phrases_ns[slot] = now_ns

    def phrases(self, now_ns: int) -> tuple[bool, ...]:
        """Return for each slot whether its phrase was said just now."""
        return tuple(
            at_ns is not None and now_ns - at_ns <= self._hold_ns for at_ns in self._phrases_ns
        )

    def polarity(self, now_ns: int) -> float | None:
        """Return the polarity of the latest utterance, [-1, 1]; None where it says nothing."""
        if self._latest is None or self._latest.signs is None or not self._weight(now_ns):
            return None
        return self._latest.signs[2] - self._latest.signs[0]

    def pooled(
        self, shown: NDArray[np.float64] | None, now_ns: int
    ) -> tuple[NDArray[np.float64] | None, bool]:
        """Return an answer with the words in it, and whether they are in it.

        Args:
            shown: What voice and face show, shape ``(8,)``, sums to 1; None where neither counts.
            now_ns: Monotonic clock.
        """
        weight = self._weight(now_ns)
        if self._latest is None or self._latest.estimate is None or weight <= 0.0:
            return shown, False
        said = self._latest.estimate.probabilities
        if shown is None:
            exponents = np.array([self._weights.alone * weight])
            return log_linear_pool(said[None], exponents), True
        exponents = np.array([1.0, self._weights.joint * weight])
        return log_linear_pool(np.stack([shown, said]), exponents), True

    def opposition(self, shown: NDArray[np.float64] | None, now_ns: int) -> float | None:
        """Return the chance that words and manner have opposite signs, [0, 1]; irony may be that.

        The chance that the words are positive times that of a negative expression, plus the other
        way round, as if each were read independently; less by the age of the words. Neutral words
        oppose nothing. None where one of the two is missing.
        """
        if shown is None or self._latest is None or self._latest.signs is None:
            return None
        weight = self._weight(now_ns)
        if weight <= 0.0:
            return None
        bad = float(sum(shown[e] for e in NEGATIVE_EXPRESSIONS))
        good = float(sum(shown[e] for e in POSITIVE_EXPRESSIONS))
        negative, _, positive = self._latest.signs
        return weight * (positive * bad + negative * good)

    def _weight(self, now_ns: int) -> float:
        age_s = max(0.0, (now_ns - self._heard_ns) / NS_PER_S)
        if self._latest is None or age_s > self._settings.max_age_s:
            return 0.0
        return float(0.5 ** (age_s / self._settings.half_life_s))
