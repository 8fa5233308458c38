"""What the face path says of single pictures, each shown like a film that does not move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.config import Face
from edge_affect.evaluation.portrait_list import decode
from edge_affect.evaluation.progress import with_progress
from edge_affect.fusion.derived_states import DerivedStates
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.types import VideoFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge_affect.evaluation.portrait_list import Portrait
    from edge_affect.states import StateTable

N_FRAMES = 2
STEP_NS = NS_PER_S // 10
BUDGET_MS = 1000.0
"""Everything is read on every frame: what a picture shows, not what there is time for."""


def picture_states(portraits: Sequence[Portrait], table: StateTable) -> NDArray[np.float64]:
    """Return the states of every picture, shape ``(n, 6)``, order of ``STATES``; NaN where unknown.

    Raises:
        InputMissingError: If a picture or a model is not there.
        MediaError: If a picture cannot be decoded.
    """
    reader = FaceReader(FaceModels.load(), Face(budget_ms=BUDGET_MS))
    found = np.full((len(portraits), len(table.states)), np.nan)
    for row, portrait in enumerate(with_progress(portraits, len(portraits), "pictures")):
        found[row] = states_of_picture(decode(portrait.path), reader, table)
    return found


def states_of_picture(
    pixels: NDArray[np.uint8], reader: FaceReader, table: StateTable
) -> NDArray[np.float64]:
    """Return the states of one picture, shape ``(6,)``; NaN where unknown.

    Args:
        pixels: Shape ``(height, width, 3)``, uint8, RGB.
        reader: Forgets everything first.
        table: Of states.
    """
    reader.clear()
    derived = DerivedStates(table)
    now_ns = 0
    for step in range(N_FRAMES):
        now_ns = step * STEP_NS
        derived.add_faces(reader.observe(VideoFrame(np.ascontiguousarray(pixels), now_ns)))
    return np.array(derived.at(now_ns), dtype=np.float64)
