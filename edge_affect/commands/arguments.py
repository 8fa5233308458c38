"""Kinds of command-line arguments that several commands share."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from edge_affect.service import SOCKETS_FOLDER


def add_systemd_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes the sockets from systemd instead of a launcher."""
    parser.add_argument(
        "--systemd",
        nargs="?",
        type=Path,
        const=SOCKETS_FOLDER,
        metavar="FOLDER",
        help=f"take the sockets from systemd's units, in FOLDER; default: {SOCKETS_FOLDER}",
    )


def port(text: str) -> int:
    """Return a TCP port, 1 to 65535.

    Raises:
        argparse.ArgumentTypeError: If ``text`` is anything else.
    """
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0
    if not 0 < number <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return number


def seconds(text: str) -> float:
    """Return a length of time in seconds, above 0 and finite.

    Raises:
        argparse.ArgumentTypeError: If ``text`` is anything else.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value
