"""Draw terminal output as a PNG, colours included, for the documentation.

usage: script -qec "edge-affect demo --seconds 20" /dev/null | tools/terminal_picture.py OUT.png
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


def wrapped(text: str) -> list[str]:
    """Return lines no wider than the picture; colour codes do not count."""
    lines: list[str] = []
    for row in text.replace("\r", "").splitlines():
        if CODE.search(row) or len(row) <= WIDTH_COLUMNS:
            lines.append(row)
        else:
            lines += [row[i : i + WIDTH_COLUMNS] for i in range(0, len(row), WIDTH_COLUMNS)]
    return lines


def draw(text: str) -> Image.Image:
    """Return the picture of some terminal output."""
    font = ImageFont.truetype(str(FONT), SIZE_PX)
    lines = wrapped(text)
    width_px = round(font.getlength("M") * WIDTH_COLUMNS) + 2 * MARGIN_PX
    line_px = round(SIZE_PX * 1.4)
    image = Image.new("RGB", (width_px, line_px * len(lines) + 2 * MARGIN_PX), BACKGROUND)
    canvas = ImageDraw.Draw(image)
    for number, row in enumerate(lines):
        x, colour = float(MARGIN_PX), PLAIN
        # Splitting by the codes leaves text at even places and codes at odd ones.
        for place, part in enumerate(CODE.split(row)):
            if place % 2:
                colour = COLOURS.get(part, PLAIN)
                continue
            canvas.text((x, MARGIN_PX + number * line_px), part, fill=colour, font=font)
            x += font.getlength(part)
    return image


if __name__ == "__main__":
    draw(sys.stdin.read()).save(sys.argv[1], optimize=True)
