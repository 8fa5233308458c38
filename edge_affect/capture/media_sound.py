"""The sound of a media file as blocks: 16 kHz, mono, gap-free, nothing missing at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.capture.media_file import MediaReader
from edge_affect.capture.resampling import Resampler, to_mono
from edge_affect.capture.source import BLOCK_SAMPLES
from edge_affect.errors import MediaError
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

GAP_TOLERANCE_S = 0.05
"""Timestamps of containers are coarse; only a larger gap in the sound is filled with silence."""
MAX_GAP_S = 600.0
"""A larger jump is a broken timestamp, not a silence."""
MAX_START_S = 86_400.0
"""Sound that begins later than this after the pictures has a broken timestamp as well."""


def sound_of(
    path: Path, channel: int = 0, loop_samples: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Yield the sound of a file from media time zero on, once or round and round.

    Args:
        path: The file.
        channel: Which channel, from 1; 0 mixes all to mono.
        loop_samples: Length of one round at 16 kHz, cut or filled with silence; None plays once.

    Raises:
        InputMissingError: If there is no such file.
        MediaError: If it holds no sound, or not this channel, or is damaged.
    """
    if loop_samples is None:
        yield from _once(path, channel)
        return
    while True:
        n_left = loop_samples
        for samples in _once(path, channel):
            yield samples[:n_left]
            n_left -= min(n_left, samples.size)
            if n_left == 0:
                break
        yield from _silence(n_left, SAMPLE_RATE_HZ)


def chunked(
    pieces: Iterable[NDArray[np.float32]], n_samples: int = BLOCK_SAMPLES
) -> Iterator[NDArray[np.float32]]:
    """Cut a stream into runs of ``n_samples``; what is left at the end makes a shorter last one.

    >>> [run.size for run in chunked([np.zeros(5, np.float32), np.zeros(4, np.float32)], 4)]
    [4, 4, 1]
    """
    pending: NDArray[np.float32] = np.zeros(0, np.float32)
    for piece in pieces:
        pending = np.concatenate((pending, piece))
        while pending.size >= n_samples:
            yield pending[:n_samples].copy()
            pending = pending[n_samples:]
    if pending.size > 0:
        yield pending


class _Splicer:
    """Puts decoded sound where its timestamps say, at one native rate."""

    def __init__(self, rate_hz: int, zero_s: float) -> None:
        self.rate_hz = rate_hz
        self._zero_s = zero_s
        self._n_in = 0
        self._resampler = Resampler(rate_hz)

    @property
    def end_s(self) -> float:
        """Media time just after the last sample taken."""
        return self._zero_s + self._n_in / self.rate_hz

    def push(self, samples: NDArray[np.float32], start_s: float) -> Iterator[NDArray[np.float32]]:
        """Yield at 16 kHz the silence before the samples, where there is a gap, and them."""
        gap_s = start_s - self.end_s
        is_first = self.end_s == 0.0
        if is_first and gap_s < 0.0:
            # What lies before media time zero is the encoder's run-in.
            samples = samples[round(-gap_s * self.rate_hz) :]
        elif gap_s <= MAX_START_S if is_first else GAP_TOLERANCE_S < gap_s <= MAX_GAP_S:
            for silence in _silence(round(gap_s * self.rate_hz), self.rate_hz):
                yield self._push(silence)
        yield self._push(samples)

    def finish(self) -> NDArray[np.float32]:
        """Return what the resampler held back."""
        return self._resampler.push(np.zeros(0, np.float32), is_last=True)

    def _push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self._n_in += samples.size
        return self._resampler.push(samples)


def _once(path: Path, channel: int) -> Iterator[NDArray[np.float32]]:
    reader = MediaReader(path, "audio")
    try:
        splicer = None
        for sound in reader.sounds():
            if channel > sound.frames.shape[1]:
                raise MediaError(
                    f"{path} has {sound.frames.shape[1]} channels of sound, not a channel "
                    f"{channel}; choose one of them, or 0 for all."
                )
            if splicer is None:
                splicer = _Splicer(sound.rate_hz, 0.0)
            elif sound.rate_hz != splicer.rate_hz:
                yield splicer.finish()
                splicer = _Splicer(sound.rate_hz, splicer.end_s)
            yield from splicer.push(to_mono(sound.frames, channel), sound.start_s)
        if splicer is not None:
            yield splicer.finish()
    finally:
        reader.close()


def _silence(n_samples: int, rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """Yield zeros in pieces of at most a second."""
    while n_samples > 0:
        yield np.zeros(min(n_samples, rate_hz), np.float32)
        n_samples -= min(n_samples, rate_hz)
