"""Counts of what is done to frames and sound: inferences, pictures of Pillow's, copies of arrays.

Nothing is timed and nothing is replaced: Python's own profiling hook tells of every call, and those
that matter are counted by name. Only calls made by the product, by Pillow on its behalf and by the
tests count, so that the insides of numpy, which change from version to version, do not. What the
hook does not see, operators on arrays, shows in the peak of the memory that is in use at once.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL
from PIL import Image

import edge_affect

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OURS = tuple(
    str(Path(place).resolve().parent) for place in (edge_affect.__file__, PIL.__file__, __file__)
)
MAKING_ARRAYS = frozenset(
    {
        "array", "asarray", "ascontiguousarray", "copy", "astype", "tobytes",
        "concatenate", "stack", "pad", "append",
    }
)  # fmt: skip
"""Calls that make an array, or may; by numpy's and the array's own names."""
ON_PICTURES = frozenset(
    {"resize", "reduce", "transform", "convert", "copy", "crop", "paste", "transpose"}
)
"""Calls on a picture of Pillow's that make another one."""
CODING = {"decode": "filled", "encode": "taken_out"}


class OperationCounts:
    """What was counted, by group and name.

    Attributes:
        models: Inferences by the name of the model; rows of the speech detector.
        pictures: Pictures of Pillow's: filled from arrays, made from others, taken out again;
            ``pixels`` is the sum of what those that are made from others looked at.
        arrays: Calls that make arrays; ``copied_bytes`` are of the arrays' own methods.
    """

    def __init__(self) -> None:
        self.models: Counter[str] = Counter()
        self.pictures: Counter[str] = Counter()
        self.arrays: Counter[str] = Counter()
        self._ours: dict[str, bool] = {}

    def as_tables(self) -> dict[str, dict[str, int]]:
        """Return the counts as a budget file has them."""
        groups = {"models": self.models, "pictures": self.pictures, "arrays": self.arrays}
        return {group: dict(sorted(counts.items())) for group, counts in groups.items()}

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        """Take note of one event of the profiling hook."""
        if event == "c_call":
            if self._is_ours(frame):
                self._note_builtin(called)
        elif event == "call":
            self._note_python(frame)

    def _is_ours(self, frame: FrameType) -> bool:
        name = frame.f_code.co_filename
        if name not in self._ours:
            self._ours[name] = str(Path(name).resolve()).startswith(OURS) and name != __file__
        return self._ours[name]

    def _note_builtin(self, called: Any) -> None:
        name, owner = called.__name__, getattr(called, "__self__", None)
        if isinstance(owner, np.ndarray):
            if name in MAKING_ARRAYS:
                self.arrays[name] += 1
                self.arrays["copied_bytes"] += owner.nbytes
        elif type(owner).__name__ == "ImagingCore":
            if name in ON_PICTURES:
                self.pictures[name] += 1
                self.pictures["pixels"] += owner.size[0] * owner.size[1]
        elif type(owner).__name__ in ("ImagingDecoder", "ImagingEncoder"):
            if name in CODING:
                self.pictures[CODING[name]] += 1
        elif name in MAKING_ARRAYS and (called.__module__ or "").startswith("numpy"):
            self.arrays[name] += 1

    def _note_python(self, frame: FrameType) -> None:
        code = frame.f_code
        if code.co_name == "run" and code.co_filename.endswith("perception/interpreter.py"):
            self.models[frame.f_locals["self"].manifest.name] += 1
        elif code.co_name == "probabilities" and code.co_filename.endswith("speech_net.py"):
            if "chunks" in frame.f_locals and type(frame.f_locals["self"]).__name__ == "SpeechNet":
                self.models["speech_detection_calls"] += 1
                self.models["speech_detection_chunks"] += frame.f_locals["chunks"].shape[0]
        elif code.co_name == "fromarray" and code.co_filename == Image.__file__:
            self.pictures["fromarray"] += 1
        elif (
            code.co_name in MAKING_ARRAYS
            and "/numpy/" in code.co_filename
            and frame.f_back is not None
            and self._is_ours(frame.f_back)
        ):
            self.arrays[code.co_name] += 1


def counted(work: Callable[[], object]) -> dict[str, Any]:
    """Return what some work does; it runs on this thread.

    Returns:
        The tables of `OperationCounts.as_tables`, and ``peak_kib``: by how much the memory of
        Python and numpy that is in use at once grew.
    """
    counts = OperationCounts()
    before = sys.getprofile()
    # Garbage of earlier work would be freed at some moment or other, and lower the peak.
    gc.collect()
    tracemalloc.start()
    sys.setprofile(counts)
    try:
        work()
    finally:
        sys.setprofile(before)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return {"peak_kib": peak // 1024, **counts.as_tables()}
