"""What the commands that train a model have in common: their options and their figures file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def training_parser(
    description: str | None, name: str, data: str, release: str
) -> argparse.ArgumentParser:
    """Return a parser with the options of every training.

    Args:
        description: Of the command.
        name: Folder below ``build/training`` for checkpoints.
        data: What ``--data`` is.
        release: What ``--release`` does besides writing the model.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help=data)
    parser.add_argument("--out", type=Path, default=Path("models_tflite"), help="where models go")
    parser.add_argument(
        "--work", type=Path, default=Path("build/training") / name, help="for checkpoints"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--release",
        action="store_true",
        help=f"write the model and {release}; without it only the development part is looked at",
    )
    return parser


def keep_figures(work: Path, found: dict[str, Any]) -> None:
    """Print the figures as JSON and write them to ``figures.json`` in ``work``."""
    text = json.dumps(found, indent=1)
    (work / "figures.json").write_text(text, encoding="utf-8")
    print(text, flush=True)
