"""Recordings played through the sound-event reader, hop by hop as the live path does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.config import Voice
from edge_affect.perception.acoustic import LogMelHistory
from edge_affect.perception.chunk_activity import ChunkActivity
from edge_affect.perception.speech_net import CHUNK_SAMPLES
from edge_affect.record import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from edge_affect.perception.acoustic import AcousticSettings
    from edge_affect.perception.chunk_activity import ChunkDetector
    from edge_affect.perception.sound_events import SoundEventReader
    from edge_affect.types import SoundObservation

LEAD_S = 3.0
"""Near-silence before a clip, so that nothing is missed because the box has just been started."""
TAIL_S = 2.0
"""Near-silence after a clip, so that what began at its end is still told."""
LEAD_LEVEL = 1e-4
"""Deviation of the near-silence: -80 dB full scale."""
ONSET_DB = 25.0
"""A clip's event begins with the first 20 ms within this of its loudest 20 ms."""
_ONSET_STEP = 320


class EventStream:
    """Feeds samples of any length to a reader and counts what starts.

    Args:
        reader: Of the events.
        host: Settings of the frames.
        speech: Says what is speech, as in the live path; None hears none.

    Attributes:
        n_samples: Fed so far.
    """

    def __init__(
        self,
        reader: SoundEventReader,
        host: AcousticSettings,
        speech: ChunkDetector | None = None,
    ) -> None:
        self._reader = reader
        self._n_chunks = reader.n_window // CHUNK_SAMPLES
        self._speech = None if speech is None else ChunkActivity(speech, Voice(), self._n_chunks)
        if self._speech is not None:
            self._speech.clear()
        self._host = host
        self._history = LogMelHistory(host)
        self._rest: NDArray[np.float32] = np.empty(0, dtype=np.float32)
        self.n_samples = 0

    def feed(self, samples: NDArray[np.float32]) -> list[tuple[float, SoundObservation]]:
        """Return the observations that these samples complete, each with when it was known in s."""
        pending = np.concatenate((self._rest, samples))
        n_hop = self._reader.n_hop
        found: list[tuple[float, SoundObservation]] = []
        for start in range(0, pending.size - n_hop + 1, n_hop):
            hop = pending[start : start + n_hop]
            self._history.extend(hop)
            self.n_samples += n_hop
            known_s = self.n_samples / self._host.sample_rate_hz
            share = 0.0
            if self._speech is not None:
                self._speech.extend(hop)
                share = self._speech.recent_share(self._n_chunks)
            observation = self._reader.hear(hop, self._history, round(known_s * 1e9), share)
            if observation is not None:
                found.append((known_s, observation))
        self._rest = pending[pending.size // n_hop * n_hop :]
        return found


@dataclass(frozen=True, slots=True)
class ClipHearing:
    """What the reader made of one clip on its own.

    Attributes:
        peaks: Highest level of each of ``EVENTS``, [0, 1]; 0 where not sensed.
        starts_s: When the first start of each was known, from the clip's onset; NaN for never.
        duration_s: Of the clip.
    """

    peaks: NDArray[np.float64]
    starts_s: NDArray[np.float64]
    duration_s: float


def hear_clip(
    samples: NDArray[np.float32],
    reader: SoundEventReader,
    host: AcousticSettings,
    phase: float,
    speech: ChunkDetector | None = None,
) -> ClipHearing:
    """Return what a fresh reader makes of one clip between near-silences.

    Args:
        samples: Of the clip.
        reader: Cleared before.
        host: Settings of the frames and of the hop.
        phase: Where in a hop of the host the clip begins, [0, 1).
        speech: As in `EventStream`.
    """
    rate_hz = host.sample_rate_hz
    reader.clear()
    n_lead = round(LEAD_S * rate_hz) + int(phase * host.n_hop)
    generator = np.random.default_rng(0)
    lead, tail = (
        (LEAD_LEVEL * generator.standard_normal(n)).astype(np.float32)
        for n in (n_lead, round(TAIL_S * rate_hz) + host.n_hop)
    )
    heard = EventStream(reader, host, speech).feed(np.concatenate((lead, samples, tail)))
    onset_s = n_lead / rate_hz + onset_of(samples) / rate_hz
    peaks: NDArray[np.float64] = np.zeros(len(EVENTS))
    starts_s: NDArray[np.float64] = np.full(len(EVENTS), np.nan)
    for known_s, observation in heard:
        levels = [0.0 if level is None else level for level in observation.levels]
        peaks = np.maximum(peaks, levels)
        is_first = np.array(observation.started) & np.isnan(starts_s)
        starts_s[is_first] = known_s - onset_s
    return ClipHearing(peaks, starts_s, samples.size / rate_hz)


def onset_of(samples: NDArray[np.float32]) -> int:
    """Return the sample at which a clip's sound begins."""
    n_steps = samples.size // _ONSET_STEP
    if n_steps == 0:
        return 0
    steps = samples[: n_steps * _ONSET_STEP].reshape(n_steps, _ONSET_STEP)
    power = np.square(steps, dtype=np.float64).mean(axis=1)
    return int(np.argmax(power >= power.max() * 10.0 ** (-ONSET_DB / 10.0))) * _ONSET_STEP


def count_starts(
    recordings: Iterable[NDArray[np.float32]],
    reader: SoundEventReader,
    host: AcousticSettings,
    speech: ChunkDetector | None = None,
) -> tuple[NDArray[np.int64], float]:
    """Return how often each of ``EVENTS`` started in recordings played without a pause, and hours.

    Args:
        recordings: Samples, one after the other.
        reader: Cleared before.
        host: Settings of the frames and of the hop.
        speech: As in `EventStream`.
    """
    reader.clear()
    stream = EventStream(reader, host, speech)
    starts = np.zeros(len(EVENTS), dtype=np.int64)
    for samples in recordings:
        for _, observation in stream.feed(samples):
            starts += np.array(observation.started)
    return starts, stream.n_samples / host.sample_rate_hz / 3600.0
