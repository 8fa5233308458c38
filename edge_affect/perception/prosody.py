"""Prosody of the latest stretch of sound: how something is said, without what is said.

All definitions are published ones (the docstrings say where) and the code is our own. Frames are
computed once and kept as a few numbers each, so that overlapping windows cost no second transform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.pitch import (
    MIN_VOICED_HARMONICITY,
    N_CANDIDATES,
    PitchCandidates,
    choose,
    pitch_candidates,
)
from edge_affect.perception.short_time import (
    FRAME_RATE_HZ,
    N_BANDS,
    N_FRAME,
    N_STEP,
    TOTAL,
    frame_bands,
    frame_power,
    level_db,
    split,
)
from edge_affect.perception.speech_rate import (
    level_gates_db,
    pauses_s,
    quantile,
    speaking,
    syllable_nuclei,
    within_speech,
    without_short_runs,
)
from edge_affect.perception.voice_quality import (
    CycleChanges,
    centroid_hz,
    cycle_changes,
    slope_db_per_octave,
    voice_spectrum,
)
from edge_affect.types import Prosody

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_VOICED_FRAMES = 10
"""With less voice than this (0.1 s) nothing is said about a voice."""
MIN_VOICED_RUN = 3
CYCLE_STRIDE = 4
"""Roughness is looked at in every so many frames."""
N_BATCH = 100
"""Frames that are transformed at once, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class FrameValues:
    """What is kept of consecutive frames, before any look at their neighbours.

    Attributes:
        candidates: Periodicities.
        bands: From `short_time.frame_bands`.
        changes: From cycle to cycle, of the likeliest candidate.
    """

    candidates: PitchCandidates
    bands: NDArray[np.float32]
    changes: CycleChanges

    @property
    def n_frames(self) -> int:
        """How many frames these are."""
        return int(self.bands.shape[0])


@dataclass(frozen=True, slots=True)
class ProsodyFrames:
    """The course of a voice in frames of 50 ms, one every 10 ms.

    Attributes:
        f0_hz: Shape ``(n_frames,)``, float32, [60, 600]; NaN where nothing is voiced.
        harmonicity: Same shape, [0, 1]: share of the power that repeats with the period, voiced
            or not; 0 where nothing repeats at all.
        level_db: Same shape, [-96, 0]: power above 50 Hz relative to full scale.
        is_speaking: Same shape, bool: neither a pause nor silence nor steady noise.
    """

    f0_hz: NDArray[np.float32]
    harmonicity: NDArray[np.float32]
    level_db: NDArray[np.float32]
    is_speaking: NDArray[np.bool_]


def frame_values(samples: NDArray[np.float32], n_before: int = 0) -> FrameValues:
    """Return what is kept of every complete frame.

    Args:
        samples: Mono, shape ``(n_samples,)``, float32, range [-1, 1], 16 kHz.
        n_before: Frames of the stream before these; changes from cycle to cycle are measured in
            every ``CYCLE_STRIDE``-th frame of the stream.

    Raises:
        ShapeError: If ``samples`` is not one-dimensional float32.
    """
    power = frame_power(split(samples))
    candidates = pitch_candidates(power)
    is_voiced = candidates.harmonicity[:, 0] > MIN_VOICED_HARMONICITY
    is_voiced &= (n_before + np.arange(is_voiced.size)) % CYCLE_STRIDE == 0
    f0_hz = np.where(is_voiced, candidates.f0_hz[:, 0], np.float32(np.nan))
    return FrameValues(candidates, frame_bands(power), cycle_changes(samples, f0_hz))


def prosody_frames(values: FrameValues) -> ProsodyFrames:
    """Return the course of the voice, each frame chosen with a look at its neighbours."""
    if values.n_frames == 0:
        nothing = np.empty(0, dtype=np.float32)
        return ProsodyFrames(nothing, nothing, nothing, np.empty(0, dtype=np.bool_))
    chosen = choose(values.candidates)
    rows = np.arange(values.n_frames)
    harmonicity = values.candidates.harmonicity[rows, chosen]
    levels_db = level_db(values.bands[:, TOTAL])
    voiced_db, sounding_db = level_gates_db(levels_db)
    is_voiced = (harmonicity > MIN_VOICED_HARMONICITY) & (levels_db > voiced_db)
    is_voiced = without_short_runs(is_voiced, MIN_VOICED_RUN)
    f0_hz = np.where(is_voiced, values.candidates.f0_hz[rows, chosen], np.float32(np.nan))
    is_speaking = speaking(is_voiced | (levels_db > sounding_db))
    return ProsodyFrames(f0_hz, harmonicity, levels_db, is_speaking)


def summarise(values: FrameValues) -> Prosody | None:
    """Return the prosody of a run of frames, or None where there is no frame."""
    if values.n_frames == 0:
        return None
    frames = prosody_frames(values)
    is_voiced = ~np.isnan(frames.f0_hz)
    n_voiced = int(np.count_nonzero(is_voiced))
    voiced_share = n_voiced / values.n_frames
    if n_voiced < MIN_VOICED_FRAMES or not frames.is_speaking.any():
        return Prosody(voiced_share, _mean_level_db(values.bands[:, TOTAL]))
    is_heard = frames.is_speaking
    semitones = 12.0 * np.log2(frames.f0_hz[is_voiced].astype(np.float64))
    low, middle, high = (quantile(np.sort(semitones), share) for share in (0.16, 0.5, 0.84))
    spectrum = voice_spectrum(values.bands, is_voiced, ~is_heard)
    speech = np.flatnonzero(is_heard)
    n_spoken = int(speech[-1] - speech[0]) + 1
    pauses = pauses_s(is_heard)
    nuclei = within_speech(syllable_nuclei(values.bands, frames.harmonicity), is_heard)
    return Prosody(
        voiced_share=voiced_share,
        intensity_db=_mean_level_db(values.bands[is_heard, TOTAL]),
        intensity_spread_db=float(frames.level_db[is_voiced].std()),
        f0_hz=2.0 ** (middle / 12.0),
        f0_spread_st=(high - low) / 2.0,
        f0_slope_st_per_s=_slope_per_s(np.flatnonzero(is_voiced), semitones),
        speech_rate_hz=nuclei.size * FRAME_RATE_HZ / n_spoken,
        pause_share=sum(pauses) * FRAME_RATE_HZ / n_spoken,
        mean_pause_s=sum(pauses) / len(pauses) if pauses else 0.0,
        spectral_slope_db=slope_db_per_octave(spectrum),
        centroid_hz=centroid_hz(spectrum),
        harmonicity=float(frames.harmonicity[is_voiced].mean()),
        jitter=_median_known(values.changes.jitter[is_voiced]),
        shimmer_db=_median_known(values.changes.shimmer_db[is_voiced]),
    )


def prosody_of(samples: NDArray[np.float32]) -> Prosody | None:
    """Return the prosody of a whole clip, or None where it is shorter than a frame.

    Args:
        samples: Mono, shape ``(n_samples,)``, float32, range [-1, 1], 16 kHz.

    Raises:
        ShapeError: If ``samples`` is not one-dimensional float32.
    """
    return summarise(frame_values(samples))


def _mean_level_db(power: NDArray[np.float32]) -> float:
    return float(level_db(np.asarray([power.mean(dtype=np.float64)]))[0])


def _slope_per_s(rows: NDArray[np.intp], semitones: NDArray[np.float64]) -> float:
    """Return the straight line's slope through values at frames, by least squares, per second."""
    time_s = (rows - rows.mean()) / FRAME_RATE_HZ
    return float(time_s @ semitones / (time_s @ time_s))


def _median_known(values: NDArray[np.float32]) -> float | None:
    known = values[~np.isnan(values)]
    return quantile(np.sort(known), 0.5) if known.size else None


class ProsodyHistory:
    """The latest frames of a stream; each frame is computed once although windows overlap.

    Args:
        n_window: Samples that `window` looks back over.
    """

    def __init__(self, n_window: int = 40_000) -> None:
        self._n_frames = 1 + (n_window - N_FRAME) // N_STEP
        self._values: FrameValues
        self._pending: list[NDArray[np.float32]]
        self._n_pending: int
        self._n_before: int
        self.clear()

    def extend(self, samples: NDArray[np.float32]) -> None:
        """Append consecutive samples; shape ``(n_samples,)``, float32, range [-1, 1]."""
        self._pending.append(samples.copy())
        self._n_pending += samples.size
        if self._n_pending >= N_FRAME + N_BATCH * N_STEP:
            self._analyse()

    def clear(self) -> None:
        """Forget everything, as after a gap in the stream."""
        self._values = _no_frames()
        self._pending = []
        self._n_pending = 0
        self._n_before = 0

    def window(self) -> Prosody | None:
        """Return the prosody of the latest whole window, or None while there is none yet."""
        self._analyse()
        if self._values.n_frames < self._n_frames:
            return None
        return summarise(self._values)

    def frames(self) -> ProsodyFrames:
        """Return the course of the voice over the latest window, or what there is of it."""
        self._analyse()
        return prosody_frames(self._values)

    def _analyse(self) -> None:
        """Turn all complete frames into numbers; no sample is kept longer than needed."""
        if self._n_pending < N_FRAME:
            return
        samples = np.concatenate(self._pending)
        first = 0
        while samples.size - first >= N_FRAME:
            part = samples[first : first + N_FRAME + (N_BATCH - 1) * N_STEP]
            new = frame_values(part, self._n_before)
            self._n_before += new.n_frames
            self._values = _joined(self._values, new, self._n_frames)
            first += new.n_frames * N_STEP
        self._pending = [samples[first:].copy()]
        self._n_pending = samples.size - first


def _no_frames() -> FrameValues:
    none = np.empty((0, N_CANDIDATES), dtype=np.float32)
    nothing = np.empty(0, dtype=np.float32)
    bands = np.empty((0, N_BANDS + 2), dtype=np.float32)
    return FrameValues(PitchCandidates(none, none), bands, CycleChanges(nothing, nothing))


def _joined(old: FrameValues, new: FrameValues, n_kept: int) -> FrameValues:
    """Return the last ``n_kept`` frames of both."""
    return FrameValues(
        PitchCandidates(
            np.concatenate((old.candidates.f0_hz, new.candidates.f0_hz))[-n_kept:],
            np.concatenate((old.candidates.harmonicity, new.candidates.harmonicity))[-n_kept:],
        ),
        np.concatenate((old.bands, new.bands))[-n_kept:],
        CycleChanges(
            np.concatenate((old.changes.jitter, new.changes.jitter))[-n_kept:],
            np.concatenate((old.changes.shimmer_db, new.changes.shimmer_db))[-n_kept:],
        ),
    )
