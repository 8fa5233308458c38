"""Random changes to windows of log-mels: other throats, microphones, lines and noises.

Made on the bands and not on the samples, they cost next to nothing, so that every window is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.acoustic import hz_from_mel, mel_from_hz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.acoustic import AcousticSettings

    Window = NDArray[np.float32]

_FLOOR = 1e-10
_WARPED_BELOW_HZ = 4_800.0
_FFT_BIN_HZ = 31.25


@dataclass(frozen=True, slots=True)
class WindowAugmentation:
    """How often and how far windows are changed.

    Attributes:
        throat: Chance of formants elsewhere, as another length of the vocal tract makes them.
        throat_change: Largest change of that length, as a natural logarithm.
        microphone: Chance of another frequency response.
        line: Chance of a narrow line, such as a telephone's.
        noise: Chance of steady coloured noise.
        lowest_snr_db: Noise is at most this loud against the active frames.
        highest_snr_db: Noise is at least this loud.
    """

    throat: float = 0.75
    throat_change: float = 0.15
    microphone: float = 0.5
    line: float = 0.15
    noise: float = 0.5
    lowest_snr_db: float = 0.0
    highest_snr_db: float = 35.0


class WindowChanger:
    """Changes windows of one kind of log-mels."""

    def __init__(self, acoustic: AcousticSettings, settings: WindowAugmentation) -> None:
        self._settings = settings
        self._ends = mel_from_hz(np.array([acoustic.low_hz, acoustic.high_hz]))
        mels = np.linspace(self._ends[0], self._ends[1], acoustic.n_mels + 2)[1:-1]
        self._centres_hz = hz_from_mel(mels)
        self._octaves = np.log2(self._centres_hz / 1_000.0)
        self._n_bins = np.maximum(1.0, np.gradient(self._centres_hz) / _FFT_BIN_HZ)
        self._high_hz = acoustic.high_hz

    def __call__(self, window_db: Window, generator: np.random.Generator) -> Window:
        """Return a changed copy of ``window_db``, shape ``(n_frames, n_mels)``."""
        settings = self._settings
        if generator.random() < settings.throat:
            limit = settings.throat_change
            window_db = self._throat(window_db, float(np.exp(generator.uniform(-limit, limit))))
        if generator.random() < settings.microphone:
            window_db = window_db + self._microphone(generator)
        if generator.random() < settings.line:
            window_db = window_db + self._line(generator)
        if generator.random() < settings.noise:
            window_db = self._noise(window_db, generator)
        return window_db.astype(np.float32)

    def _throat(self, window_db: Window, factor: float) -> Window:
        """Read each band at ``factor`` times its frequency (Jaitly and Hinton, VTLP, 2013)."""
        n_mels = self._centres_hz.size
        bend_hz = _WARPED_BELOW_HZ * min(1.0, 1.0 / factor)
        slope = (self._high_hz - bend_hz * factor) / (self._high_hz - bend_hz)
        above = bend_hz * factor + (self._centres_hz - bend_hz) * slope
        read_hz = np.where(self._centres_hz < bend_hz, self._centres_hz * factor, above)
        share = (mel_from_hz(read_hz) - self._ends[0]) / (self._ends[1] - self._ends[0])
        places = np.clip(share * (n_mels + 1) - 1.0, 0.0, n_mels - 1.0)
        lower = np.minimum(places.astype(np.int64), n_mels - 2)
        rest = (places - lower).astype(np.float32)
        return window_db[:, lower] * (1.0 - rest) + window_db[:, lower + 1] * rest

    def _microphone(self, generator: np.random.Generator) -> NDArray[np.float32]:
        """Return gains in dB: a slope of at most 3 dB per octave and three slow waves."""
        gains_db = np.clip(generator.uniform(-3.0, 3.0) * self._octaves, -12.0, 12.0)
        turn = np.pi * np.arange(gains_db.size) / (gains_db.size - 1)
        for waves in range(1, 4):
            phase = generator.uniform(0.0, 2.0 * np.pi)
            gains_db += generator.normal(0.0, 2.0) * np.cos(waves * turn + phase)
        return gains_db.astype(np.float32)

    def _line(self, generator: np.random.Generator) -> NDArray[np.float32]:
        """Return gains in dB that fall steeply below 100-350 Hz and above 3-5.5 kHz."""
        low_hz, high_hz = generator.uniform(100.0, 350.0), generator.uniform(3_000.0, 5_500.0)
        below = np.clip(24.0 * np.log2(low_hz / self._centres_hz), 0.0, 40.0)
        above = np.clip(60.0 * np.log2(self._centres_hz / high_hz), 0.0, 50.0)
        return (-below - above).astype(np.float32)

    def _noise(self, window_db: Window, generator: np.random.Generator) -> Window:
        """Add the power of noise that falls by 0 to 6 dB per octave."""
        power = 10.0 ** (window_db / 10.0)
        loudness = power.sum(axis=1)
        level = loudness[loudness > 1e-4 * loudness.max()].mean() / power.shape[1]
        slope = -generator.uniform(0.0, 6.0)
        snr_db = generator.uniform(self._settings.lowest_snr_db, self._settings.highest_snr_db)
        colour = 10.0 ** (slope * np.maximum(self._octaves, -4.0) / 10.0)
        mean = colour / colour.mean() * level * 10.0 ** (-snr_db / 10.0)
        # The power of noise in one bin has as much deviation as mean; a band has several bins.
        drawn = generator.standard_normal((2, *window_db.shape), dtype=np.float32)
        spread = (0.5 * (drawn**2).sum(axis=0) - 1.0) / np.sqrt(self._n_bins)
        total = power + np.maximum(mean * (1.0 + spread), 0.0)
        return np.asarray(10.0 * np.log10(np.maximum(total, _FLOOR)), dtype=np.float32)
