"""Kinds of command-line arguments that several commands share."""

from __future__ import annotations

import argparse
import math


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
