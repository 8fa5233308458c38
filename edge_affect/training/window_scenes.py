"""Random changes to many windows of log-mels at once: throats, noises, microphones, telephones.

Made on the bands and not on the samples, they cost next to nothing, so that every window is new.
Powers of sounds that have nothing to do with each other add up; that their waves would sometimes
add and sometimes cancel is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.acoustic import hz_from_mel, mel_from_hz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.acoustic import AcousticSettings

    Windows = NDArray[np.float32]

FLOOR = 1e-10
_WARPED_BELOW_HZ = 4_800.0
_FFT_BIN_HZ = 31.25
_N_BABBLE = 6
_MU_LAW_SNR_DB = 37.0
"""How far the noise of 8-bit mu-law steps lies below speech (ITU-T G.711)."""
_MU_LAW_BELOW_HZ = 4_000.0
_ACTIVE_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """How often and how far windows are changed.

    Attributes:
        untouched: Chance that a window stays as it is.
        throat: Chance of formants elsewhere, as another length of the vocal tract makes them.
        throat_change: Largest change of that length, as a natural logarithm.
        noise: Chance of steady noise, other voices or background sounds, one of them.
        lowest_snr_db: Noise is at most this loud against the active frames.
        highest_snr_db: Noise is at least this loud.
        microphone: Chance of another frequency response.
        slope_db: Steepest slope of a microphone, per octave around 1 kHz.
        wave_db: Deviation of each of three slow waves in its response.
        no_lows: Chance, with a microphone, that it does not hear what is low.
        no_highs: Chance, with a microphone, that it does not hear what is high.
        line: Chance of a narrow line; every second one is a telephone's, with its steps.
    """

    untouched: float = 0.25
    throat: float = 0.7
    throat_change: float = 0.15
    noise: float = 0.6
    lowest_snr_db: float = 0.0
    highest_snr_db: float = 32.0
    microphone: float = 0.6
    slope_db: float = 4.0
    wave_db: float = 2.5
    no_lows: float = 0.3
    no_highs: float = 0.15
    line: float = 0.18


class WindowScenes:
    """Changes batches of windows of one kind of log-mels.

    Args:
        acoustic: Of the windows.
        settings: How they are changed.
        backgrounds: Windows of sounds to mix in, ``(n, n_frames, n_mels)`` in dB, or None.
    """

    def __init__(
        self,
        acoustic: AcousticSettings,
        settings: SceneSettings,
        backgrounds: Windows | None = None,
    ) -> None:
        self._settings = settings
        self._ends = mel_from_hz(np.array([acoustic.low_hz, acoustic.high_hz]))
        mels = np.linspace(self._ends[0], self._ends[1], acoustic.n_mels + 2)[1:-1]
        self._centres_hz = hz_from_mel(mels)
        self._octaves = np.log2(self._centres_hz / 1_000.0)
        self._n_bins = np.maximum(1.0, np.gradient(self._centres_hz) / _FFT_BIN_HZ)
        self._high_hz = acoustic.high_hz
        self._backgrounds = backgrounds

    def __call__(self, windows_db: Windows, generator: np.random.Generator) -> Windows:
        """Return changed copies of ``windows_db``, shape ``(n, n_frames, n_mels)``, dB."""
        settings = self._settings
        n = windows_db.shape[0]
        may = generator.random(n) >= settings.untouched
        changed = windows_db.astype(np.float32, copy=True)
        for row in np.flatnonzero(may & (generator.random(n) < settings.throat)):
            limit = settings.throat_change
            changed[row] = self._throat(
                changed[row], float(np.exp(generator.uniform(-limit, limit)))
            )
        power = 10.0 ** (changed / 10.0)
        del changed
        power /= _loudness(power)[:, None, None]
        noisy = np.flatnonzero(may & (generator.random(n) < settings.noise))
        if noisy.size:
            power[noisy] += self._noise(power, noisy, generator)
        gains_db = np.zeros((n, power.shape[2]))
        for row in np.flatnonzero(may & (generator.random(n) < settings.microphone)):
            gains_db[row] += self._microphone(generator)
        lines = np.flatnonzero(may & (generator.random(n) < settings.line))
        for row in lines:
            gains_db[row] += self._line(generator)
        power *= (10.0 ** (gains_db / 10.0)).astype(np.float32)[:, None, :]
        power[lines[::2]] += self._steps(power[lines[::2]])
        return np.asarray(10.0 * np.log10(np.maximum(power, FLOOR)), dtype=np.float32)

    def _throat(self, window_db: Windows, factor: float) -> Windows:
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

    def _noise(
        self, power: Windows, rows: NDArray[np.intp], generator: np.random.Generator
    ) -> Windows:
        """Return the power of noise for some windows, all of them of loudness 1."""
        n_kinds = 2 if self._backgrounds is None else 3
        noise = np.empty((rows.size, *power.shape[1:]), dtype=np.float32)
        for place, kind in enumerate(generator.integers(0, n_kinds, rows.size)):
            if kind == 0:
                noise[place] = self._steady(power.shape[1], generator)
            elif kind == 1:
                voices = generator.integers(0, power.shape[0], _N_BABBLE)
                noise[place] = np.mean(power[voices], axis=0)
            else:
                noise[place] = self._background(generator)
        mean = noise.sum(axis=2).mean(axis=1)
        settings = self._settings
        snr_db = generator.uniform(settings.lowest_snr_db, settings.highest_snr_db, rows.size)
        scale = 10.0 ** (-snr_db / 10.0) / np.maximum(mean, FLOOR)
        return noise * scale.astype(np.float32)[:, None, None]

    def _steady(self, n_frames: int, generator: np.random.Generator) -> Windows:
        """Return noise that falls by 0 to 6 dB per octave."""
        slope = -generator.uniform(0.0, 6.0)
        colour = 10.0 ** (slope * np.maximum(self._octaves, -4.0) / 10.0)
        # The filters have equal area, so white noise is flat over the bands.
        # The power of noise in one bin has as much deviation as mean; a band has several bins.
        drawn = generator.standard_normal((2, n_frames, colour.size), dtype=np.float32)
        spread = (0.5 * (drawn**2).sum(axis=0) - 1.0) / np.sqrt(self._n_bins)
        return np.asarray(np.maximum(colour * (1.0 + spread), 0.0), dtype=np.float32)

    def _background(self, generator: np.random.Generator) -> Windows:
        if self._backgrounds is None:
            raise ValueError("There are no backgrounds to choose from.")
        row = int(generator.integers(self._backgrounds.shape[0]))
        return np.asarray(10.0 ** (self._backgrounds[row] / 10.0), dtype=np.float32)

    def _microphone(self, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return gains in dB: a slope, three slow waves, and sometimes an end to what is heard."""
        settings = self._settings
        slope = generator.uniform(-settings.slope_db, settings.slope_db)
        gains_db = np.clip(slope * self._octaves, -14.0, 14.0)
        turn = np.pi * np.arange(gains_db.size) / (gains_db.size - 1)
        for waves in range(1, 4):
            phase = generator.uniform(0.0, 2.0 * np.pi)
            gains_db += generator.normal(0.0, settings.wave_db) * np.cos(waves * turn + phase)
        if generator.random() < settings.no_lows:
            corner_hz = generator.uniform(200.0, 1_200.0)
            below = np.maximum(np.log2(corner_hz / self._centres_hz), 0.0)
            gains_db -= np.minimum(generator.uniform(4.0, 14.0) * below, 36.0)
        if generator.random() < settings.no_highs:
            corner_hz = generator.uniform(1_500.0, 4_000.0)
            above = np.maximum(np.log2(self._centres_hz / corner_hz), 0.0)
            gains_db -= np.minimum(generator.uniform(6.0, 18.0) * above, 40.0)
        return gains_db

    def _line(self, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return gains in dB that fall steeply below 100-350 Hz and above 3-4.5 kHz."""
        low_hz, high_hz = generator.uniform(100.0, 350.0), generator.uniform(3_000.0, 4_500.0)
        below = np.clip(50.0 * np.log2(low_hz / self._centres_hz), 0.0, 50.0)
        above = np.clip(200.0 * np.log2(self._centres_hz / high_hz), 0.0, 100.0)
        return np.asarray(-below - above)

    def _steps(self, power: Windows) -> Windows:
        """Return the noise of 8-bit mu-law, which follows the loudness of each frame."""
        share = np.where(self._centres_hz < _MU_LAW_BELOW_HZ, 1.0, 0.0)
        share *= 10.0 ** (-_MU_LAW_SNR_DB / 10.0) / share.sum()
        return np.asarray(power.sum(axis=2, keepdims=True) * share, dtype=np.float32)


def _loudness(power: Windows) -> NDArray[np.float32]:
    """Return the mean power of the active frames of each window, shape ``(n,)``."""
    frames = power.sum(axis=2)
    active = frames > _ACTIVE_SHARE * frames.max(axis=1, keepdims=True)
    mean = np.where(active, frames, 0.0).sum(axis=1) / np.maximum(active.sum(axis=1), 1)
    return np.maximum(mean, FLOOR).astype(np.float32)


def normalised(windows_db: Windows, acoustic: AcousticSettings) -> Windows:
    """Return `acoustic.normalise` of each of many windows, shape ``(n, n_frames, n_mels)``."""
    peak_db = windows_db.max(axis=(1, 2), keepdims=True)
    raised = np.maximum(windows_db, peak_db - np.float32(acoustic.floor_db))
    active = raised.max(axis=2) >= peak_db[:, :, 0] - acoustic.active_db
    n_active = active.sum(axis=1) * windows_db.shape[2]
    weight = active[:, :, None].astype(np.float32)
    mean = (raised * weight).sum(axis=(1, 2), dtype=np.float64) / n_active
    centred = raised - mean.astype(np.float32)[:, None, None]
    variance = (np.square(centred) * weight).sum(axis=(1, 2), dtype=np.float64) / n_active
    deviation = np.maximum(np.sqrt(variance), 1.0).astype(np.float32)
    scaled = centred / deviation[:, None, None]
    return np.asarray(np.clip(scaled, -acoustic.limit, acoustic.limit), dtype=np.float32)
