"""Screaming and cheering by rule: loud, high or broad, harmonic or not, and for long enough.

No recording of either may be learned from, so nothing here is fitted: the bounds follow from what
is known of such voices, and stand in the manifest. A scream is loud, its pitch lies far above
speech and its power between 1 and 6 kHz (Arnal et al., "Human screams occupy a privileged niche in
the communication soundscape", Current Biology 25, 2015). A cheering crowd is loud, lasts, and its
many pitches blur into noise in the range of shouted vowels. Experimental, off by default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.acoustic import AcousticSettings, hz_from_mel, mel_from_hz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest

RULED_EVENTS: tuple[str, ...] = ("cheering", "screaming")

HIGH_HZ = (1_000.0, 6_000.0)
"""Where a scream has its power."""
VOWEL_HZ = (400.0, 4_000.0)
"""Where shouted vowels have their power."""
_CREST_REACH = 4
"""Bands on either side between which one harmonic stands out."""
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Bounds of both rules; the thresholds ``rule_*`` of the sound-event manifest.

    Attributes:
        rule_loud_db: A loud frame has at least this level, in dB full scale.
        rule_high_share: A scream has at least this share of its power in ``HIGH_HZ``, [0, 1].
        rule_scream_crest_db: Its strongest harmonic stands out of its surroundings by at least
            this much.
        rule_vowel_share: A cheer has at least this share of its power in ``VOWEL_HZ``, [0, 1].
        rule_cheer_crest_db: No harmonic of a cheer stands out by more than this.
        rule_cheer_swing_db: The level of a cheer varies by at most this (standard deviation).
    """

    rule_loud_db: float
    rule_high_share: float
    rule_scream_crest_db: float
    rule_vowel_share: float
    rule_cheer_crest_db: float
    rule_cheer_swing_db: float

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> RuleSettings:
        """Read the bounds.

        Raises:
            ManifestError: If the manifest lacks one.
        """
        return cls(**{item.name: manifest.threshold(item.name) for item in fields(cls)})


@dataclass(frozen=True, slots=True)
class FrameShape:
    """What the rules look at, one number for each frame.

    Attributes:
        level_db: Of the whole frame, dB full scale.
        high_share: Share of the power in ``HIGH_HZ``, [0, 1].
        vowel_share: Share of the power in ``VOWEL_HZ``, [0, 1].
        crest_db: By how much the strongest band between 500 Hz and 5 kHz stands out of the bands
            around it: the harmonicity of voices too high for a speech pitch tracker.
    """

    level_db: NDArray[np.float64]
    high_share: NDArray[np.float64]
    vowel_share: NDArray[np.float64]
    crest_db: NDArray[np.float64]


@lru_cache(maxsize=4)
def _bands(settings: AcousticSettings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre and the width of every band in Hz."""
    ends = mel_from_hz(np.array([settings.low_hz, settings.high_hz]))
    edges_hz = hz_from_mel(np.linspace(ends[0], ends[1], settings.n_mels + 2))
    return edges_hz[1:-1], 0.5 * (edges_hz[2:] - edges_hz[:-2])


def frame_shape(frames_db: NDArray[np.float32], settings: AcousticSettings) -> FrameShape:
    """Return the shape of each frame.

    Args:
        frames_db: Shape ``(n_frames, n_mels)``, from `log_mel_db`.
        settings: Of the frames.
    """
    centres_hz, widths_hz = _bands(settings)
    power = np.power(10.0, 0.1 * frames_db.astype(np.float64)) * widths_hz
    total = power.sum(axis=1) + _FLOOR
    # A Hann taper keeps 3/8 of the power; a one-sided spectrum holds half of it.
    scale = 2.0 / (settings.n_fft * settings.n_frame * 0.375)
    return FrameShape(
        level_db=10.0 * np.log10(total * scale + _FLOOR),
        high_share=power[:, _within(centres_hz, HIGH_HZ)].sum(axis=1) / total,
        vowel_share=power[:, _within(centres_hz, VOWEL_HZ)].sum(axis=1) / total,
        crest_db=_crest_db(frames_db, _within(centres_hz, (500.0, 5_000.0))),
    )


def _within(centres_hz: NDArray[np.float64], range_hz: tuple[float, float]) -> NDArray[np.bool_]:
    return (centres_hz >= range_hz[0]) & (centres_hz < range_hz[1])


def _crest_db(frames_db: NDArray[np.float32], bands: NDArray[np.bool_]) -> NDArray[np.float64]:
    sums = np.cumsum(np.pad(frames_db.astype(np.float64), ((0, 0), (1, 0))), axis=1)
    n_mels = frames_db.shape[1]
    low = np.maximum(np.arange(n_mels) - _CREST_REACH, 0)
    high = np.minimum(np.arange(n_mels) + _CREST_REACH + 1, n_mels)
    around = (sums[:, high] - sums[:, low]) / (high - low)
    return np.asarray((frames_db - around)[:, bands].max(axis=1), dtype=np.float64)


def rule_levels(
    frames_db: NDArray[np.float32], rules: RuleSettings, settings: AcousticSettings
) -> dict[str, float]:
    """Return the level of each of ``RULED_EVENTS`` in one window, [0, 1]: how much of it fits.

    Args:
        frames_db: One window, shape ``(n_frames, n_mels)``, from `log_mel_db`.
        rules: The bounds.
        settings: Of the frames.
    """
    shape = frame_shape(frames_db, settings)
    loud = shape.level_db >= rules.rule_loud_db
    scream = (
        loud
        & (shape.high_share >= rules.rule_high_share)
        & (shape.crest_db >= rules.rule_scream_crest_db)
    )
    cheer = (
        loud
        & (shape.vowel_share >= rules.rule_vowel_share)
        & (shape.crest_db <= rules.rule_cheer_crest_db)
    )
    steady = float(shape.level_db.std()) <= rules.rule_cheer_swing_db
    return {"cheering": float(cheer.mean()) * steady, "screaming": float(scream.mean())}
