"""The emotion of an utterance by counting words: weak, explainable, and without any training.

Each entry of the lexicon that a text holds adds to the scores of its expressions; negations,
degrees and contrasts before it change by how much. Scores become probabilities by a few numbers
that stand in ``models_tflite/words_lexicon.json``. The sign of an English text comes from VADER
(Hutto and Gilbert, "VADER: a parsimonious rule-based model for sentiment analysis of social media
text", ICWSM 2014), where that package is installed, and from the scores; the file says how much of
each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.perception.lexicon import Lexicon, load_lexicon
from edge_affect.perception.model_store import shipped_models_dir
from edge_affect.perception.text_reader import TextReading
from edge_affect.record import EXPRESSIONS, Expression
from edge_affect.shipped_numbers import read_numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

FILE_NAME = "words_lexicon.json"
_POSITIVE = (Expression.HAPPINESS,)
_NEGATIVE = (
    Expression.SADNESS, Expression.ANGER, Expression.DISGUST, Expression.FEAR, Expression.CONTEMPT
)  # fmt: skip
_QUESTION = frozenset("?\uff1f")
_EXCLAMATION = frozenset("!\uff01")


@dataclass(frozen=True, slots=True)
class LexiconNumbers:
    """From scores to probabilities; plain numbers from a file.

    Attributes:
        scale: Log-odds for one plain entry against none, > 0.
        neutral: Log-odds of neutral against an expression without any entry.
        most: Scores above this count as this, > 0.
        surprise_mark: Score of surprise that an exclamation or question mark adds to one.
        sign_scale: Log-odds of positive, and of negative the other way, at a sentiment of 1.
        sign_neutral: Log-odds of neutral at a sentiment of 0.
        sign_gain: Factor on the sentiment of the scores.
        vader_share: Share of VADER in the sentiment, where it is installed, [0, 1].
    """

    scale: float
    neutral: float
    most: float
    surprise_mark: float
    sign_scale: float
    sign_neutral: float
    sign_gain: float
    vader_share: float

    @classmethod
    def load(cls, path: Path | None = None) -> LexiconNumbers:
        """Read the numbers; None takes the file that ships.

        Raises:
            InputMissingError: If there is no such file.
            ManifestError: If a number is missing or is none.
        """

        def parse(content: Any) -> LexiconNumbers:
            return cls(**{name: float(content["lexicon"][name]) for name in cls.__slots__})

        return read_numbers(
            path or shipped_models_dir() / FILE_NAME, "table of a lexicon's numbers", parse
        )


class LexiconReader:
    """Reads text by counting words.

    Args:
        lexicon: Words of one language.
        numbers: From scores to probabilities.
        sentiment: Returns the sentiment of a text, [-1, 1]; None takes it from the scores.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        numbers: LexiconNumbers,
        sentiment: Callable[[str], float] | None = None,
    ) -> None:
        self.language = lexicon.language
        self._lexicon = lexicon
        self._numbers = numbers
        self._sentiment = sentiment

    @classmethod
    def load(cls, language: str, path: Path | None = None) -> LexiconReader:
        """Return the reader of a language.

        Args:
            language: "en" or "zh".
            path: A lexicon of the user's own; None takes the one that ships.

        Raises:
            InputMissingError: If a file is missing.
            ManifestError: If one is not what it should be.
        """
        sentiment = vader() if language == "en" else None
        return cls(load_lexicon(path, language), LexiconNumbers.load(), sentiment)

    def read(self, text: str) -> TextReading:
        """Return what a text expresses."""
        scores = self.scores(text)
        numbers = self._numbers
        logits = numbers.scale * np.minimum(scores, numbers.most)
        logits[Expression.NEUTRAL] += numbers.neutral
        sentiment = numbers.sign_gain * self._score_sentiment(scores)
        if self._sentiment is not None:
            share = numbers.vader_share
            sentiment = share * self._sentiment(text) + (1.0 - share) * sentiment
        side = numbers.sign_scale * sentiment
        signs = _softmax(np.array([-side, numbers.sign_neutral, side]))
        return TextReading(_softmax(logits), signs, bool(scores.any() or sentiment))

    def scores(self, text: str) -> NDArray[np.float64]:
        """Return how much the entries in a text add up to, shape ``(8,)``, >= 0."""
        lexicon = self._lexicon
        found = lexicon.units(text)
        total = np.zeros(len(EXPRESSIONS))
        factor, negated_until, position = 1.0, -1, 0
        while position < len(found):
            length, scores = self._longest(found, position)
            here = tuple(found[position : position + length])
            if scores is not None:
                part = factor * scores
                if position <= negated_until:
                    part = self._negated(part)
                total += part
                factor = 1.0
            elif here in lexicon.negation.words:
                negated_until = position + length - 1 + lexicon.negation.reach
            elif here in lexicon.degrees:
                factor *= lexicon.degrees[here]
            elif here in lexicon.contrasts:
                total *= lexicon.before
                factor, negated_until = 1.0, -1
            position += length
        marks = set(text)
        if marks & _QUESTION and marks & _EXCLAMATION:
            total[Expression.SURPRISE] += self._numbers.surprise_mark
        return total

    def _longest(self, found: list[str], position: int) -> tuple[int, NDArray[np.float64] | None]:
        """Return the length of the longest entry, negation, degree or contrast, and its scores."""
        lexicon = self._lexicon
        for length in range(min(lexicon.longest, len(found) - position), 0, -1):
            here = tuple(found[position : position + length])
            is_function = (
                here in lexicon.negation.words
                or here in lexicon.degrees
                or here in lexicon.contrasts
            )
            scores = lexicon.scores(here)
            if is_function and (scores is None or self._goes_on(found, position + length)):
                return length, None
            if scores is not None:
                return length, scores
        return 1, None

    def _goes_on(self, found: list[str], position: int) -> bool:
        """Return whether an entry follows, so that a word such as "terribly" is a degree of it."""
        for length in range(min(self._lexicon.longest, len(found) - position), 0, -1):
            if self._lexicon.scores(tuple(found[position : position + length])) is not None:
                return True
        return False

    def _negated(self, part: NDArray[np.float64]) -> NDArray[np.float64]:
        negation = self._lexicon.negation
        turned = np.zeros_like(part)
        np.add.at(turned, negation.turned, part)
        return negation.kept * part + (1.0 - negation.kept) * 0.5 * turned

    def _score_sentiment(self, scores: NDArray[np.float64]) -> float:
        good = float(sum(scores[e] for e in _POSITIVE))
        bad = float(sum(scores[e] for e in _NEGATIVE))
        return (good - bad) / (good + bad + 1.0)


def vader() -> Callable[[str], float] | None:
    """Return VADER's compound sentiment, [-1, 1], or None where the package is not installed."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyzer = SentimentIntensityAnalyzer()

    def compound(text: str) -> float:
        return float(analyzer.polarity_scores(text)["compound"])

    return compound


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
