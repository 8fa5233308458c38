"""Speech found chunk by chunk with the Silero detector, padded as people annotate turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.perception.activity import SILENCE_DB
from edge_affect.perception.speech_net import CHUNK_SAMPLES, CONTEXT_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.config import Voice


REST_CHUNKS = 31
"""After about a second of nothing audible the detector rests."""


class ChunkDetector(Protocol):
    """What judges chunks; the Silero detector in the product, anything in tests."""

    threshold: float
    """Probability from which on a chunk is speech."""
    n_least_chunks: int
    """Chunks in a row that are needed; fewer are a click or a chirp."""
    n_pad_chunks: int
    """Chunks before and after speech that are called speech too."""

    def probabilities(self, chunks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of speech in consecutive chunks, shape ``(n,)``, range [0, 1].

        Args:
            chunks: Each behind the samples before it, ``(n, CONTEXT_SAMPLES + CHUNK_SAMPLES)``.
        """

    def reset(self) -> None:
        """Forget the stream so far."""


class ChunkActivity:
    """Streaming voice activity: a cheap level gate in front of the Silero detector.

    Args:
        detector: Judges chunks that are loud enough.
        settings: The level gate and how sure the detector must be.
        n_chunks: Length of the history that ``share`` looks back over.
    """

    def __init__(self, detector: ChunkDetector, settings: Voice, n_chunks: int) -> None:
        self._detector = detector
        self._min_level_db = settings.min_level_db
        self._threshold = settings.min_speech_probability or detector.threshold
        self._n_chunks = n_chunks
        self._n_quiet = 0
        self._flags: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self._pending: NDArray[np.float32] = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)

    def extend(self, samples: NDArray[np.float32]) -> None:
        """Judge consecutive samples; shape ``(n_samples,)``, float32, range [-1, 1].

        Many chunks at once cost a fraction of what they cost one by one.
        """
        pending = np.concatenate((self._pending, samples))
        n_whole = (pending.size - CONTEXT_SAMPLES) // CHUNK_SAMPLES
        length = CONTEXT_SAMPLES + CHUNK_SAMPLES
        if n_whole > 0:
            windows = np.lib.stride_tricks.sliding_window_view(pending, length)
            self._judge(windows[: n_whole * CHUNK_SAMPLES : CHUNK_SAMPLES])
        self._pending = pending[n_whole * CHUNK_SAMPLES :].copy()

    def share(self) -> float:
        """Return the share of the history that holds speech, padded, [0, 1]."""
        if self._flags.size == 0:
            return 0.0
        return float(self.padded().mean())

    def padded(self) -> NDArray[np.bool_]:
        """Return `flags` without runs that are too short, and with padding around the others."""
        long_enough = sustained(self._flags, self._detector.n_least_chunks)
        return padded(long_enough, self._detector.n_pad_chunks)

    def recent_share(self, n_chunks: int) -> float:
        """Return the share of the latest chunks called speech, as they are, not padded, [0, 1]."""
        return float(self._flags[-n_chunks:].sum()) / n_chunks

    @property
    def flags(self) -> NDArray[np.bool_]:
        """Decisions of the latest chunks, oldest first, not padded."""
        return self._flags

    def clear(self) -> None:
        """Forget everything, as after a gap in the stream."""
        self._n_quiet = 0
        self._flags = np.empty(0, dtype=bool)
        self._pending = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)
        self._detector.reset()

    def _judge(self, chunks: NDArray[np.float32]) -> None:
        """Judge chunks that came together; those in the gaps of speech are heard, too.

        A detector that remembers is not shown a stream with its silences cut out: only after
        ``REST_CHUNKS`` without anything audible does it rest, and begins afresh afterwards.
        """
        is_audible = levels_db(chunks[:, CONTEXT_SAMPLES:]) >= self._min_level_db
        is_speech: NDArray[np.bool_] = np.zeros(chunks.shape[0], dtype=bool)
        self._n_quiet = 0 if is_audible.any() else self._n_quiet + chunks.shape[0]
        if self._n_quiet >= REST_CHUNKS:
            self._detector.reset()
        else:
            is_speech = (self._detector.probabilities(chunks) >= self._threshold) & is_audible
        self._flags = np.concatenate((self._flags, is_speech))[-self._n_chunks :]


def levels_db(chunks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the root-mean-square level of each row in dB relative to full scale, ``(n,)``."""
    power = np.mean(np.square(chunks, dtype=np.float64), axis=1)
    return np.asarray(np.maximum(10.0 * np.log10(np.maximum(power, 1e-12)), SILENCE_DB))


def sustained(flags: NDArray[np.bool_], n_least: int) -> NDArray[np.bool_]:
    """Return decisions without the runs of fewer than ``n_least`` chunks of speech."""
    if n_least < 2 or flags.size < n_least:
        return flags if n_least < 2 else np.zeros_like(flags)
    starts = np.lib.stride_tricks.sliding_window_view(flags, n_least).all(axis=1)
    return np.asarray(np.convolve(starts, np.ones(n_least), mode="full") > 0.0)


def padded(flags: NDArray[np.bool_], n_pad_chunks: int) -> NDArray[np.bool_]:
    """Return chunk decisions with ``n_pad_chunks`` of speech put around each run of speech."""
    if flags.size == 0 or n_pad_chunks == 0:
        return flags
    wide = np.convolve(flags, np.ones(2 * n_pad_chunks + 1), mode="full") > 0.0
    return np.asarray(wide[n_pad_chunks:-n_pad_chunks])
