"""A sheet of faces that a model read right and wrong, for people to look at.

It shows pictures of real people: it belongs on the desk of who looks at it, not into a repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import CannotWriteError
from edge_affect.record import EXPRESSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

N_EACH = 7
"""Faces of each kind in a row: picked at random among the right, the surest among the wrong."""
TILE_PX = 112
CAPTION_PX = 30
EDGE_PX = 6
RIGHT_COLOUR = (61, 122, 61)
WRONG_COLOUR = (176, 58, 46)


def pick(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> list[list[int]]:
    """Return for each expression the items to show: right ones, then wrong ones.

    Args:
        truth: Shape ``(n,)``.
        probabilities: Shape ``(n, 8)``; rows of not-a-number are left out.
    """
    generator = np.random.default_rng(0)
    is_read = ~np.isnan(probabilities).any(axis=1)
    confidence = np.where(is_read, probabilities.max(axis=1), -1.0)
    guess = np.where(is_read, np.nan_to_num(probabilities).argmax(axis=1), -1)
    rows = []
    for expression in range(len(EXPRESSIONS)):
        right = np.flatnonzero(is_read & (truth == expression) & (guess == expression))
        wrong = np.flatnonzero(is_read & (truth == expression) & (guess != expression))
        shown = generator.permutation(right)[:N_EACH].tolist()
        surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:N_EACH].tolist()
        rows.append([*shown, *surest])
    return rows


def save_montage(
    path: Path,
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    crops: NDArray[np.uint8],
) -> None:
    """Write a sheet with one row for each expression, right answers green, wrong ones red.

    Args:
        path: Of a picture file, such as ``.png``.
        truth: Shape ``(n,)``.
        probabilities: Shape ``(n, 8)``; rows of not-a-number are left out.
        crops: Shape ``(n, side, side)``, uint8, grey.

    Raises:
        CannotWriteError: If the file cannot be written.
    """
    from PIL import Image, ImageDraw

    rows = pick(truth, probabilities)
    across, down = TILE_PX + EDGE_PX, TILE_PX + CAPTION_PX + EDGE_PX
    sheet = Image.new("RGB", (2 * N_EACH * across, len(rows) * down), "white")
    draw = ImageDraw.Draw(sheet)
    for row, items in enumerate(rows):
        for column, item in enumerate(items):
            x, y = column * across, row * down
            guess = int(probabilities[item].argmax())
            colour = RIGHT_COLOUR if guess == truth[item] else WRONG_COLOUR
            face = Image.fromarray(crops[item]).resize((TILE_PX, TILE_PX))
            sheet.paste(face.convert("RGB"), (x, y))
            draw.rectangle((x, y, x + TILE_PX - 1, y + TILE_PX - 1), outline=colour, width=3)
            label = f"people: {EXPRESSIONS[truth[item]]}"
            answer = f"model: {EXPRESSIONS[guess]} {probabilities[item, guess]:.2f}"
            draw.text((x + 2, y + TILE_PX + 2), label, fill="black")
            draw.text((x + 2, y + TILE_PX + 14), answer, fill=colour)
    try:
        sheet.save(path)
    except (OSError, ValueError) as error:
        raise CannotWriteError(f"The montage {path} cannot be written: {error}.") from None
