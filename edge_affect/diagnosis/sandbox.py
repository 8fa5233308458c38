"""The cage: built and proven here, in a process of its own that ends at once."""

from __future__ import annotations

import subprocess
import sys

from edge_affect.diagnosis.check import Finding, Subject, ok
from edge_affect.errors import CageError

_TRY = """
import sys
from edge_affect.errors import EdgeAffectError
from edge_affect.sensing import cage
try:
    cage.enter(cage.CagePolicy())
    print(len(cage.prove().refused))
except EdgeAffectError as error:
    sys.exit(str(error))
"""
TIMEOUT_S = 60.0


def cage(_subject: Subject) -> Finding:
    """Build the cage as ``run`` does, try every way out, and say how many there were."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TRY],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CageError(f"The cage was not ready within {TIMEOUT_S:.0f} s.") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["The process in the cage died."]
        raise CageError(lines[-1])
    n_ways = int(done.stdout)
    return ok(f"The cage can be built here: {n_ways} ways out tried, none works.", ways_out=n_ways)
