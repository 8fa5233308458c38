"""Rows of a screen: pieces of text with a style each, never wider than the screen.

Texts come from whoever writes to the broker. What is not printable is replaced, so that no message
can move the cursor, change colours or hide a line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_affect.publishing.screen import Look

Piece = tuple[str, str]
"""A text and its style: words of ``STYLES`` with blanks between, or nothing."""
Row = list[Piece]

STYLES: dict[str, str] = {
    "dim": "2", "bold": "1", "inverse": "7",
    "neutral": "37", "happiness": "33", "surprise": "36", "sadness": "34", "anger": "31",
    "disgust": "32", "fear": "35", "contempt": "90",
    "good": "32", "warn": "33", "bad": "31",
}  # fmt: skip
WITHOUT_COLOUR = frozenset({"bold", "inverse"})
"""What a screen shows that has been told to use no colours."""
_RESET = "\x1b[0m"


def clean(text: str) -> str:
    r"""Return a text on one line without anything a terminal would obey.

    >>> clean("a\x1b[2Jb\nc")
    'a?[2Jb?c'
    """
    return "".join(c if c.isprintable() else "?" for c in text)


def width_of(text: str) -> int:
    """Return how many cells a clean text takes: Chinese characters take two.

    >>> width_of("ab"), width_of("笑声")
    (2, 4)
    """
    return sum(_cells(c) for c in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Return as much of a text as fits into ``width`` cells, with an ellipsis where it is cut.

    >>> cut("applause", 8), cut("applause", 5), cut("笑声笑声", 5)
    ('applause', 'appl…', '笑声…')
    """
    if width_of(text) <= width:
        return text
    taken, room = [], width - 1
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        taken.append(character)
    return "".join(taken) + "…" if width > 0 else ""


def padded(text: str, width: int) -> str:
    """Return a text of exactly ``width`` cells."""
    text = cut(text, width)
    return text + " " * (width - width_of(text))


def row(*pieces: Piece | str) -> Row:
    """Return a row; a bare text has no style."""
    return [piece if isinstance(piece, tuple) else (piece, "") for piece in pieces]


def row_width(pieces: Sequence[Piece]) -> int:
    """Return how many cells a row takes."""
    return sum(width_of(text) for text, _ in pieces)


def beside(left: Row, right: Row, at: int) -> Row:
    """Return one row with another one from cell ``at`` on."""
    shown = clipped(left, at)
    return [*shown, (" " * (at - row_width(shown)), ""), *right]


def clipped(pieces: Iterable[Piece], width: int) -> Row:
    """Return as much of a row as fits."""
    shown: Row = []
    for text, style in pieces:
        room = width - row_width(shown)
        if room <= 0:
            break
        shown.append((cut(text, room), style))
    return shown


def painted(pieces: Row, width: int, look: Look) -> str:
    """Return a row as a terminal takes it, no wider than ``width`` cells."""
    parts = []
    for text, style in clipped(pieces, width):
        shown = text if look.has_blocks else text.encode("ascii", "replace").decode()
        words = [w for w in style.split() if look.has_colour or w in WITHOUT_COLOUR]
        codes = ";".join(STYLES[word] for word in words)
        parts.append(f"\x1b[{codes}m{shown}{_RESET}" if codes else shown)
    return "".join(parts)


def plain(pieces: Row) -> str:
    """Return a row without any styles."""
    return "".join(text for text, _ in pieces)
