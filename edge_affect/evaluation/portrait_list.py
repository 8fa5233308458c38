"""Lists of whole pictures: a CSV with a path, where known a label, and groups."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import DatasetError, InputMissingError, MediaError
from edge_affect.record import EXPRESSIONS, Expression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAX_GROUPS = 30
"""A column with more different values is no grouping."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One picture of the list.

    Attributes:
        path: Of the picture.
        label: What it shows, or None where the list has no labels.
        groups: Other columns of the list, by name.
    """

    path: Path
    label: Expression | None
    groups: dict[str, str] = field(default_factory=dict)


def read_portraits(listing: Path, root: Path, option: str = "--csv") -> tuple[Portrait, ...]:
    """Return the pictures of a CSV with ``path``, ``label`` where it has them, and groups.

    Args:
        listing: The CSV file.
        root: Folder that the listed paths are relative to.
        option: What the user named the file with.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If a column or value is missing, or a label is no expression.
    """
    if not listing.is_file():
        raise InputMissingError(f"The list of pictures {listing} does not exist; check {option}.")
    try:
        with listing.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DatasetError(f"{listing} is not a readable CSV file: {error}.") from None
    if not rows or not rows[0].get("path"):
        raise DatasetError(f"{listing} needs a header with 'path' and at least one picture.")
    return tuple(_portrait(row, listing, root, n) for n, row in enumerate(rows, start=2))


def _portrait(row: dict[str, str], listing: Path, root: Path, line: int) -> Portrait:
    if None in row or None in row.values() or not row["path"]:
        raise DatasetError(
            f"{listing}, line {line}: the number of columns differs from the header."
        )
    label = row.get("label")
    if label is not None and label not in EXPRESSIONS:
        raise DatasetError(
            f"{listing}, line {line}: label {label!r} is not one of {', '.join(EXPRESSIONS)}."
        )
    groups = {name: value for name, value in row.items() if name not in {"path", "label"}}
    return Portrait(
        root / row["path"], None if label is None else Expression[label.upper()], groups
    )


def truth_of(portraits: tuple[Portrait, ...]) -> NDArray[np.int64] | None:
    """Return the labels, shape ``(n,)``, or None where a picture has none."""
    labels = [int(p.label) for p in portraits if p.label is not None]
    return np.array(labels, dtype=np.int64) if len(labels) == len(portraits) else None


def group_columns(portraits: tuple[Portrait, ...]) -> dict[str, NDArray[np.str_]]:
    """Return the value of each picture, shape ``(n,)``, for each column that groups them."""
    columns = {}
    for name in portraits[0].groups:
        values = np.array([portrait.groups[name] for portrait in portraits], dtype=np.str_)
        if len(set(values.tolist())) <= MAX_GROUPS:
            columns[name] = values
    return columns


def decode(path: Path) -> NDArray[np.uint8]:
    """Return a picture, shape ``(height, width, 3)``, uint8, RGB, the right way up.

    Raises:
        InputMissingError: If there is no such file.
        MediaError: If it cannot be decoded.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise InputMissingError(f"The picture {path} does not exist; check --root.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(f"The picture {path} cannot be decoded: {error}.") from None
