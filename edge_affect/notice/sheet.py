"""The notice as a PDF sheet of A4.

Latin text is set in Helvetica, which every viewer has. Everything else needs a font with its
characters: a TrueType file on this machine is embedded, so that the sheet prints anywhere; without
one, the viewer is asked for its own Chinese font (STSong-Light, one of the fonts that PDF names).
"""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from edge_affect.errors import ConfigError, DataError, InputMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.notice.content import Notice, Section

FONT_FILES: tuple[Path, ...] = (
    Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"),
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    Path("/usr/share/fonts/truetype/arphic/uming.ttc"),
)
"""Where Debian's packages put fonts with Chinese characters that can be embedded."""
VIEWERS_FONT = "STSong-Light"
OWN_FONT = "NoticeFont"
PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
"""A4 in points."""
MARGIN = 40.0
GAP = 22.0
CODE_SIZE = 92.0


class Lettering:
    """Which font sets which characters.

    Args:
        font: A TrueType file for what Helvetica lacks; None looks in the usual places.

    Attributes:
        is_embedded: Whether the font travels in the file.

    Raises:
        InputMissingError: If the file is not there.
        DataError: If it is no font that can be embedded.
    """

    def __init__(self, font: Path | None = None) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.pdfbase.ttfonts import TTFError, TTFont

        if font is not None and not font.is_file():
            raise InputMissingError(f"There is no font file {font}.")
        path = font or next((path for path in FONT_FILES if path.is_file()), None)
        self._glyphs: dict[int, int] | None = None
        self.is_embedded = path is not None
        if path is None:
            self._name = VIEWERS_FONT
            pdfmetrics.registerFont(UnicodeCIDFont(VIEWERS_FONT))
            return
        try:
            loaded = TTFont(OWN_FONT, str(path))
        except TTFError as error:
            raise DataError(f"The font {path} cannot be embedded: {error}.") from None
        self._name = OWN_FONT
        self._glyphs = loaded.face.charToGlyph
        pdfmetrics.registerFont(loaded)

    def markup(self, text: str, *, is_bold: bool = False) -> str:
        """Return text as a paragraph's markup, each run in a font that has it.

        Raises:
            DataError: If no font has a character.
        """
        parts = []
        for is_latin, run in itertools.groupby(text, _is_latin):
            piece = "".join(run)
            if is_latin:
                name = "Helvetica-Bold" if is_bold else "Helvetica"
            else:
                name = self._name
                self._check(piece)
            parts.append(f'<font name="{name}">{escape(piece)}</font>')
        return "".join(parts)

    def _check(self, piece: str) -> None:
        missing = [c for c in piece if self._glyphs is not None and ord(c) not in self._glyphs]
        if missing:
            raise DataError(
                f"The font has no {missing[0]!r}; name one that has it with --font FILE.ttf."
            )


def _is_latin(character: str) -> bool:
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def sheet(
    notice: Notice, lettering: Lettering, code: Sequence[Sequence[int]] | None = None
) -> bytes:
    """Return the PDF file.

    Args:
        notice: What it says.
        lettering: Fonts.
        code: Rows of modules of the QR code, or None for none.

    Raises:
        ConfigError: If the texts of the configuration are too long for one sheet.
        DataError: If no font has a character.
    """
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    # Without dates and random numbers in it, the same notice is the same file.
    canvas = Canvas(out, pagesize=(PAGE_WIDTH, PAGE_HEIGHT), invariant=1, lang=notice.html_lang)
    canvas.setTitle(notice.title)
    _Setter(canvas, lettering).set(notice, code)
    canvas.save()
    return out.getvalue()


class _Setter:
    """Sets one notice on one canvas, from top to bottom."""

    def __init__(self, canvas: Any, lettering: Lettering) -> None:
        self._canvas = canvas
        self._lettering = lettering

    def set(self, notice: Notice, code: Sequence[Sequence[int]] | None) -> None:
        width = PAGE_WIDTH - 2 * MARGIN
        head = self._stack(
            [self._text(notice.title, 23, is_bold=True), self._text(notice.subtitle, 13)],
            width - 32,
        )
        top = self._boxed(head, MARGIN, PAGE_HEIGHT - MARGIN, width)
        bottom = self._columns(notice.sections, top - GAP)
        contact_width = width - 32 - (CODE_SIZE + GAP if code else 0)
        contact = self._stack(
            [
                self._text(notice.contact_heading, 12.5, is_bold=True),
                self._text(notice.contact, 15),
            ],
            contact_width,
        )
        low = CODE_SIZE + 24 if code else 0.0
        end = self._boxed(contact, MARGIN, bottom - GAP, width, min_height=low)
        if code:
            self._draw_code(code, PAGE_WIDTH - MARGIN - 16 - CODE_SIZE, bottom - GAP - 14)
            caption = self._stack([self._text(notice.code_caption, 8)], CODE_SIZE + 8)
            self._draw(caption, PAGE_WIDTH - MARGIN - 16 - CODE_SIZE, bottom - GAP - 18 - CODE_SIZE)
        if end < MARGIN:
            raise ConfigError(
                "The texts of [deployment] are too long for one sheet; shorten purpose, "
                "legal_basis or contact, or print the HTML notice."
            )

    def _text(self, text: str, size: float, *, is_bold: bool = False) -> Any:
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import Paragraph

        style = ParagraphStyle(
            "notice", fontName="Helvetica", fontSize=size, leading=size * 1.35, spaceAfter=size / 4
        )
        # Chinese has no spaces to break lines at; text in Latin letters has.
        if not all(map(_is_latin, text)):
            style.wordWrap = "CJK"
        return Paragraph(self._lettering.markup(text, is_bold=is_bold), style)

    def _stack(self, paragraphs: list[Any], width: float) -> list[tuple[Any, float]]:
        return [(item, item.wrap(width, PAGE_HEIGHT)[1]) for item in paragraphs]

    def _draw(self, stack: list[tuple[Any, float]], left: float, top: float) -> float:
        for paragraph, height in stack:
            top -= height
            paragraph.drawOn(self._canvas, left, top)
            top -= paragraph.style.spaceAfter
        return top

    def _boxed(
        self,
        stack: list[tuple[Any, float]],
        left: float,
        top: float,
        width: float,
        min_height: float = 0.0,
    ) -> float:
        used: float = sum(height + paragraph.style.spaceAfter for paragraph, height in stack)
        height = max(used + 24, min_height + 24)
        self._canvas.setLineWidth(3)
        self._canvas.roundRect(left, top - height, width, height, 10)
        self._draw(stack, left + 16, top - (height - used) / 2)
        return top - height

    def _columns(self, sections: Sequence[Section], top: float) -> float:
        """Set the sections in two columns of about the same height; return the lower end."""
        width = (PAGE_WIDTH - 2 * MARGIN - GAP) / 2
        stacks = [
            self._stack(
                [
                    self._text(section.heading, 13.5, is_bold=True),
                    *(self._text(line, 12) for line in section.lines),
                ],
                width,
            )
            for section in sections
        ]
        heights = [sum(h + p.style.spaceAfter for p, h in stack) + 18 for stack in stacks]
        split = min(range(len(stacks) + 1), key=lambda i: max(sum(heights[:i]), sum(heights[i:])))
        ends = []
        for number, column in enumerate((stacks[:split], stacks[split:])):
            y, left = top, MARGIN + number * (width + GAP)
            for stack in column:
                self._canvas.setLineWidth(1.4)
                self._canvas.line(left, y, left + width, y)
                y = self._draw(stack, left, y - 4) - 14
            ends.append(y)
        return min(ends)

    def _draw_code(self, code: Sequence[Sequence[int]], left: float, top: float) -> None:
        size = CODE_SIZE / len(code)
        for row, line in enumerate(code):
            for column, is_dark in enumerate(line):
                if is_dark:
                    self._canvas.rect(
                        left + column * size, top - (row + 1) * size, size * 1.02, size * 1.02,
                        stroke=0, fill=1,
                    )  # fmt: skip
