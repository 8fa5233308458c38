"""Which pictures the nets of mesh and eyes learn from, and which are kept to measure them."""

from __future__ import annotations

import numpy as np

N_HELD_OUT = 300


def learned_and_held_out(names: list[str]) -> tuple[list[str], list[str]]:
    """Return both parts of some pictures, in a fixed order that does not depend on theirs."""
    ordered = sorted(names)
    shuffled = [ordered[row] for row in np.random.default_rng(46).permutation(len(ordered))]
    return shuffled[:-N_HELD_OUT], shuffled[-N_HELD_OUT:]
