"""Which of the configured phrases a transcript holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.perception.lexicon import units
from edge_affect.record import N_PHRASES

if TYPE_CHECKING:
    from edge_affect.words_settings import Phrase


class PhraseMatcher:
    """Finds sayings as runs of whole words; signs and capitals make no difference.

    Args:
        phrases: In the order of the record's slots.
        is_spaced: Whether the language puts spaces between words.
    """

    def __init__(self, phrases: tuple[Phrase, ...], *, is_spaced: bool) -> None:
        self._is_spaced = is_spaced
        self._sayings = tuple(
            tuple(tuple(self._words(saying)) for saying in phrase.say) for phrase in phrases
        )

    def match(self, text: str) -> tuple[bool, ...]:
        """Return for each of the eight slots whether one of its sayings is in the text."""
        words = self._words(text)
        found = [any(_holds(words, s) for s in sayings) for sayings in self._sayings]
        return (*found, *(False,) * (N_PHRASES - len(found)))

    def _words(self, text: str) -> list[str]:
        found = units(text, is_spaced=self._is_spaced)
        return [unit for unit in found if any(c.isalnum() for c in unit)]


def _holds(words: list[str], saying: tuple[str, ...]) -> bool:
    n = len(saying)
    return any(tuple(words[i : i + n]) == saying for i in range(len(words) - n + 1))
