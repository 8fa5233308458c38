"""Pictures of faces for the tools that measure on them."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np


def drawn_pictures(description: str) -> list[Path]:
    """Return the pictures that the command line asks for, in an order drawn with a fixed seed.

    Args:
        description: Of the tool, for ``--help``.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--csv", type=Path, required=True, help="lists the pictures, as path")
    parser.add_argument("--root", type=Path, required=True, help="folder of the listed paths")
    parser.add_argument("--n", type=int, default=2400, help="of them; default: 2400")
    args = parser.parse_args()
    with args.csv.open(encoding="utf-8", newline="") as file:
        paths = [args.root / row["path"] for row in csv.DictReader(file)]
    order = np.random.default_rng(0).permutation(len(paths))[: args.n]
    return [paths[row] for row in order]
