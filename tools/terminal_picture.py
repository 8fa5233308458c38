"""Draw terminal output as a PNG, colours included, for the documentation.

usage: script -qec "edge-affect demo --seconds 20" /dev/null | tools/terminal_picture.py OUT.png
       tmux capture-pane -ep -t SESSION | tools/terminal_picture.py OUT.png 80
Needs a monospaced font; on Debian: apt install fonts-dejavu-core
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
SIZE_PX = 15
MARGIN_PX = 16
WIDTH_COLUMNS = 104
BACKGROUND = "#1e1e24"
PLAIN = "#dcdcdc"
COLOURS = {
    "2": "#8a8a8a", "31": "#ff6b5e", "32": "#7bc96f", "33": "#ffd166", "34": "#6ea8fe",
    "35": "#d38cff", "36": "#5ad4e6", "37": "#ffffff", "90": "#9a9a9a",
}  # fmt: skip
CODE = re.compile(r"\x1b\[([0-9;]*)m")


def wrapped(text: str, n_columns: int) -> list[str]:
    """Return lines no wider than the picture; colour codes do not count."""
    lines: list[str] = []
    for row in text.replace("\r", "").splitlines():
        if CODE.search(row) or len(row) <= n_columns:
            lines.append(row)
        else:
            lines += [row[i : i + n_columns] for i in range(0, len(row), n_columns)]
    return lines


class Pen:
    """What the codes so far say: a colour, and whether it is swapped with the background."""

    def __init__(self) -> None:
        self.colour, self.is_inverse = PLAIN, False

    def obey(self, codes: str) -> None:
        """Take the numbers between ``ESC [`` and ``m``."""
        for code in codes.split(";"):
            if code in ("", "0"):
                self.colour, self.is_inverse = PLAIN, False
            elif code in ("7", "27"):
                self.is_inverse = code == "7"
            elif code in ("22", "39"):
                self.colour = PLAIN
            elif code in COLOURS:
                self.colour = COLOURS[code]


def draw(text: str, n_columns: int = WIDTH_COLUMNS) -> Image.Image:
    """Return the picture of some terminal output."""
    font = ImageFont.truetype(str(FONT), SIZE_PX)
    lines = wrapped(text, n_columns)
    width_px = round(font.getlength("M") * n_columns) + 2 * MARGIN_PX
    line_px = round(SIZE_PX * 1.4)
    image = Image.new("RGB", (width_px, line_px * len(lines) + 2 * MARGIN_PX), BACKGROUND)
    canvas = ImageDraw.Draw(image)
    for number, row in enumerate(lines):
        x, pen = float(MARGIN_PX), Pen()
        y = MARGIN_PX + number * line_px
        # Splitting by the codes leaves text at even places and codes at odd ones.
        for place, part in enumerate(CODE.split(row)):
            if place % 2:
                pen.obey(part)
                continue
            ink, length_px = pen.colour, font.getlength(part)
            if pen.is_inverse:
                canvas.rectangle((x, y, x + length_px, y + line_px - 1), fill=ink)
                ink = BACKGROUND
            canvas.text((x, y), part, fill=ink, font=font)
            x += length_px
    return image


if __name__ == "__main__":
    columns = int(sys.argv[2]) if len(sys.argv) > 2 else WIDTH_COLUMNS
    draw(sys.stdin.read(), columns).save(sys.argv[1], optimize=True)
