"""Words of expressed emotion, read from a file that anybody can extend (docs/words.md).

A file names, for each expression, entries in three strengths, and what negates, strengthens or
weakens them. An entry is one word or several; the longest that fits wins, so that an idiom is not
read word by word.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import InputMissingError, ManifestError
from edge_affect.record import EXPRESSIONS

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

STRENGTHS: dict[str, float] = {"strong": 2.0, "plain": 1.0, "weak": 0.4}
LANGUAGES: tuple[str, ...] = ("en", "zh")
_SPACED: frozenset[str] = frozenset({"en"})
"""Languages that put spaces between words; in the others each character is a unit."""
_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*|\d+|\S")
_ENDINGS = ("ing", "ed", "es", "ly", "s", "d")


@dataclass(frozen=True, slots=True)
class Negation:
    """What negates.

    Attributes:
        words: As units.
        reach: Units behind it that are negated.
        kept: Share of a negated score that stays, [0, 1].
        turned: Shape ``(8,)``, int: which expression takes the place of each.
    """

    words: frozenset[tuple[str, ...]]
    reach: int
    kept: float
    turned: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's words.

    Attributes:
        language: "en" or "zh".
        entries: By units: scores in the order of ``Expression``, shape ``(8,)``.
        negation: What negates.
        degrees: By units: factor on the next entry.
        contrasts: Words behind which what came before counts less.
        before: How much less, [0, 1].
        longest: Units in the longest entry, negation or degree.
    """

    language: str
    entries: dict[tuple[str, ...], NDArray[np.float64]] = field(repr=False)
    negation: Negation = field(repr=False)
    degrees: dict[tuple[str, ...], float] = field(repr=False)
    contrasts: frozenset[tuple[str, ...]] = field(repr=False)
    before: float
    longest: int

    @property
    def is_spaced(self) -> bool:
        """Whether the language puts spaces between words."""
        return self.language in _SPACED

    def units(self, text: str) -> list[str]:
        """Return the units of a text: words and signs, or characters; all in small letters."""
        return units(text, is_spaced=self.is_spaced)

    def scores(self, found: tuple[str, ...]) -> NDArray[np.float64] | None:
        """Return the scores of an entry, of a word also by its stem; None if it is none."""
        scores = self.entries.get(found)
        if scores is not None or len(found) != 1 or not self.is_spaced:
            return scores
        for ending in _ENDINGS:
            stem = found[0].removesuffix(ending)
            if stem != found[0] and len(stem) >= 3:
                for form in (stem, stem + "e", stem[:-1]):
                    scores = self.entries.get((form,))
                    # Without a doubled letter "hoping" must not become "hop".
                    is_doubled = form != stem[:-1] or stem[-1:] == stem[-2:-1]
                    if scores is not None and is_doubled:
                        return scores
        return None


def units(text: str, *, is_spaced: bool) -> list[str]:
    """Return words and signs, or single characters without spaces.

    >>> units("Don't CRY, please!", is_spaced=True)
    ["don't", 'cry', ',', 'please', '!']
    """
    lowered = text.lower().replace("\u2019", "'")
    if is_spaced:
        found: list[str] = []
        for part in lowered.split():
            # Emoticons are made of signs: a part without letters stays whole.
            found += [part] if not any(c.isalnum() for c in part) else _WORD.findall(part)
        return found
    return [c for c in lowered if not c.isspace()]


def load_lexicon(path: Path | None, language: str) -> Lexicon:
    """Read a file of words.

    Args:
        path: The file; None takes the one that ships.
        language: The file must be in this one.

    Raises:
        InputMissingError: If there is no such file, or none ships for the language.
        ManifestError: If it is not what docs/words.md says.
    """
    if path is None:
        path = Path(str(resources.files("edge_affect"))) / "lexicons" / f"words_{language}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputMissingError(
            f"The lexicon {path} cannot be read ({error.strerror}); languages that ship are "
            f"{', '.join(LANGUAGES)}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"The lexicon {path} is not valid TOML: {error}.") from None
    try:
        lexicon = _lexicon(table)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ManifestError(f"The lexicon {path} lacks or misspells {error}.") from None
    if lexicon.language != language:
        raise ManifestError(
            f"The lexicon {path} is in {lexicon.language!r}, but the language is {language!r}."
        )
    return lexicon


def _lexicon(table: dict[str, Any]) -> Lexicon:
    language = table["language"]
    is_spaced = language in _SPACED

    def listed(text: str) -> list[tuple[str, ...]]:
        return [tuple(units(_spelt(e), is_spaced=is_spaced)) for e in text.split()]

    entries: dict[tuple[str, ...], NDArray[np.float64]] = {}
    for name, strengths in table["expressions"].items():
        index = EXPRESSIONS.index(name)
        for strength, text in strengths.items():
            for entry in listed(text):
                scores = entries.setdefault(entry, np.zeros(len(EXPRESSIONS)))
                scores[index] = max(scores[index], STRENGTHS[strength])
    for values in entries.values():
        # An entry that several expressions claim is no stronger than one that one claims.
        values /= max(1, np.count_nonzero(values)) ** 0.5  # noqa: PLW2901 (in place)
    negations, degrees = table["negations"], table["degrees"]
    turned = np.arange(len(EXPRESSIONS))
    for name, other in negations["turned"].items():
        turned[EXPRESSIONS.index(name)] = EXPRESSIONS.index(other)
    negation = Negation(
        frozenset(listed(negations["words"])),
        int(negations["reach"]),
        float(negations["kept"]),
        turned,
    )
    factors = {
        entry: float(degrees[f"{side}_factor"])
        for side in ("down", "up")
        for entry in listed(degrees[side])
    }
    contrasts = frozenset(listed(table["contrasts"]["words"]))
    everything = (*entries, *negation.words, *factors, *contrasts)
    if not entries or () in everything:
        raise ValueError("its entries")
    return Lexicon(
        language, entries, negation, factors, contrasts, float(table["contrasts"]["before"]),
        max(map(len, everything)),
    )  # fmt: skip


def _spelt(entry: str) -> str:
    """Return an entry with spaces for the signs that join its words; emoticons stay."""
    return entry.replace("_", " ") if any(c.isalpha() for c in entry) else entry
