"""Log-mel front end of the voice model, in plain numpy.

Training, evaluation and the live path all come through here. Frames stand on a fixed grid and
depend on their own samples alone, so that the live path computes each frame once although windows
overlap (`LogMelHistory`). Only complete frames count: a window of 40,000 samples has 248.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ManifestError, ShapeError
from edge_affect.perception.interpreter import quantise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest, TensorSpec

_POWER_FLOOR = 1e-10
_INTEGERS = ("sample_rate_hz", "n_frame", "n_step", "n_fft", "n_mels", "n_window", "n_hop")


@dataclass(frozen=True, slots=True)
class AcousticSettings:
    """What a log-mel window is; the `[preprocessing]` table of a voice model.

    Attributes:
        sample_rate_hz: Rate of the samples.
        n_frame: Samples in one frame (400 at 16 kHz are 25 ms).
        n_step: Samples from one frame to the next.
        n_fft: Length of the transform, >= n_frame.
        n_mels: Number of mel bands.
        low_hz: Lower edge of the lowest band.
        high_hz: Upper edge of the highest band, at most half the rate.
        n_window: Samples in one analysis window.
        n_hop: Samples from one window to the next, a multiple of n_step.
        active_db: Frames whose loudest band is within this of the window's peak set its level.
        floor_db: Nothing is taken to be further below the peak than this.
        limit: Normalised values are clipped to [-limit, limit].
    """

    sample_rate_hz: int = 16_000
    n_frame: int = 400
    n_step: int = 160
    n_fft: int = 512
    n_mels: int = 64
    low_hz: float = 50.0
    high_hz: float = 8_000.0
    n_window: int = 40_000
    n_hop: int = 16_000
    active_db: float = 40.0
    floor_db: float = 80.0
    limit: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.n_step <= self.n_frame <= self.n_fft or self.n_window < self.n_frame:
            raise ManifestError("Acoustic settings need n_step <= n_frame <= n_fft and n_window.")
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate_hz / 2:
            raise ManifestError("Acoustic settings need low_hz < high_hz <= half the sample rate.")
        if self.n_hop < self.n_step or self.n_hop % self.n_step:
            raise ManifestError("Acoustic settings need n_hop to be a multiple of n_step.")
        if self.n_mels < 1 or min(self.active_db, self.floor_db, self.limit) <= 0:
            raise ManifestError("Acoustic settings must be positive.")

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> AcousticSettings:
        """Read the settings of a model.

        Raises:
            ManifestError: If a key is missing, unknown or not a number.
        """
        numbers = manifest.preprocessing_numbers({field.name for field in fields(cls)})
        whole = {name: int(numbers.pop(name)) for name in _INTEGERS}
        return cls(**whole, **numbers)  # type: ignore[arg-type]  # names checked just above

    def shares_frames_with(self, other: AcousticSettings) -> bool:
        """Return whether both have the same frames and hop, however they window them."""
        names = ("sample_rate_hz", "n_frame", "n_step", "n_fft", "n_mels", "low_hz", "high_hz")
        return all(getattr(self, name) == getattr(other, name) for name in (*names, "n_hop"))

    @property
    def n_frames(self) -> int:
        """Complete frames in one analysis window."""
        return 1 + (self.n_window - self.n_frame) // self.n_step


def mel_from_hz(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mels: linear below 1 kHz, logarithmic above (Slaney, Auditory Toolbox, 1998)."""
    logarithmic = 15.0 + 27.0 * np.log(np.maximum(frequency_hz, 1_000.0) / 1_000.0) / np.log(6.4)
    return np.where(frequency_hz < 1_000.0, frequency_hz * 3.0 / 200.0, logarithmic)


def hz_from_mel(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frequency of ``mels``; the inverse of `mel_from_hz`."""
    logarithmic = 1_000.0 * np.exp((np.maximum(mels, 15.0) - 15.0) * np.log(6.4) / 27.0)
    return np.where(mels < 15.0, mels * 200.0 / 3.0, logarithmic)


@lru_cache(maxsize=8)
def mel_filters(settings: AcousticSettings) -> NDArray[np.float64]:
    """Return triangular filters of equal area, shape ``(n_fft // 2 + 1, n_mels)``."""
    ends = mel_from_hz(np.array([settings.low_hz, settings.high_hz]))
    edges_hz = hz_from_mel(np.linspace(ends[0], ends[1], settings.n_mels + 2))
    bins_hz = np.fft.rfftfreq(settings.n_fft, 1.0 / settings.sample_rate_hz)[:, np.newaxis]
    left, centre, right = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - left) / (centre - left)
    falling = (right - bins_hz) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (right - left))
    return np.asarray(triangles, dtype=np.float64)


@lru_cache(maxsize=8)
def _taper(n_frame: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_frame) / n_frame)


def log_mel_db(samples: NDArray[np.float32], settings: AcousticSettings) -> NDArray[np.float32]:
    """Return the log-mel power of every complete frame, in dB, unnormalised.

    Args:
        samples: Mono, shape ``(n_samples,)``, float32, range [-1, 1].
        settings: Of the model.

    Returns:
        Shape ``(n_frames, n_mels)``, float32; no row where there is no complete frame.

    Raises:
        ShapeError: If ``samples`` is not one-dimensional float32.
    """
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise ShapeError("A log-mel front end needs one-dimensional float32 samples.")
    if samples.size < settings.n_frame:
        return np.empty((0, settings.n_mels), dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, settings.n_frame)
    tapered = frames[:: settings.n_step] * _taper(settings.n_frame)
    spectrum = np.fft.rfft(tapered, settings.n_fft, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    mel_power = np.maximum(power @ mel_filters(settings), _POWER_FLOOR)
    return np.asarray(10.0 * np.log10(mel_power), dtype=np.float32)


def normalise(frames_db: NDArray[np.float32], settings: AcousticSettings) -> NDArray[np.float32]:
    """Return a window with level and contrast taken out, clipped to [-limit, limit].

    Mean and deviation come from the active frames alone, so that pauses and padding around the
    words do not change how the words look.

    Args:
        frames_db: Shape ``(n_frames, n_mels)``, from `log_mel_db`.
        settings: Of the model.
    """
    peak_db = frames_db.max()
    raised = np.maximum(frames_db, peak_db - settings.floor_db)
    active = raised[raised.max(axis=1) >= peak_db - settings.active_db]
    deviation = max(float(active.std()), 1.0)
    scaled = (raised - active.mean()) / np.float32(deviation)
    return np.asarray(np.clip(scaled, -settings.limit, settings.limit), dtype=np.float32)


def window_tensor(
    frames_db: NDArray[np.float32], settings: AcousticSettings, spec: TensorSpec
) -> NDArray[np.int8]:
    """Return the model input of one window, of the shape and quantisation of ``spec``.

    Args:
        frames_db: Shape ``(settings.n_frames, n_mels)``, from `log_mel_db` or `LogMelHistory`.
        settings: Of the model.
        spec: The model's input.

    Raises:
        ShapeError: If there is another number of frames or bands.
    """
    if frames_db.shape != (settings.n_frames, settings.n_mels):
        raise ShapeError(
            f"A window needs {settings.n_frames} frames of {settings.n_mels} bands, "
            f"not {frames_db.shape}."
        )
    codes = quantise(normalise(frames_db, settings), spec)
    return np.asarray(codes.reshape(spec.shape), dtype=np.int8)


def clip_windows(
    samples: NDArray[np.float32], settings: AcousticSettings
) -> tuple[NDArray[np.float32], ...]:
    """Return the overlapping windows by which a whole clip is scored.

    A clip shorter than one window is padded with silence on both sides. A longer one gives a window
    at every hop, and a last one that ends with the clip.
    """
    missing = settings.n_window - samples.size
    if missing >= 0:
        before = missing // 2
        return (np.pad(samples, (before, missing - before)),)
    starts = list(range(0, -missing + 1, settings.n_hop))
    if starts[-1] != -missing:
        starts.append(-missing)
    return tuple(samples[start : start + settings.n_window] for start in starts)


def clip_log_probabilities(window_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one clip's log-probabilities: the renormalised mean over its windows' logarithms.

    Args:
        window_probabilities: Shape ``(n_windows, n_classes)``, each row sums to 1.
    """
    mean = np.log(np.maximum(window_probabilities, 1e-12)).mean(axis=0)
    return np.asarray(mean - np.log(np.exp(mean).sum()), dtype=np.float64)


class LogMelHistory:
    """The latest frames of a stream; each frame is computed once although windows overlap.

    Nothing is computed before somebody asks: a silent room costs no transform, and a whole hop at
    once costs a quarter of what it costs block by block.

    Args:
        settings: Of the frames.
        n_frames: How many frames to remember; None takes one window of ``settings``.
    """

    def __init__(self, settings: AcousticSettings, n_frames: int | None = None) -> None:
        self._settings = settings
        self._n_frames = settings.n_frames if n_frames is None else n_frames
        self._frames_db: NDArray[np.float32]
        self._pending: list[NDArray[np.float32]]
        self._n_pending: int
        self.clear()

    def extend(self, samples: NDArray[np.float32]) -> None:
        """Append consecutive samples; shape ``(n_samples,)``, float32, range [-1, 1]."""
        self._pending.append(samples)
        self._n_pending += samples.size
        n_late = self._n_pending - self._settings.n_frame - self._n_frames * self._settings.n_step
        if n_late >= 0:
            # More than a history is waiting: what is older would never be asked for.
            n_dropped = (n_late // self._settings.n_step + 1) * self._settings.n_step
            self._pending = [np.concatenate(self._pending)[n_dropped:]]
            self._n_pending -= n_dropped
            self._frames_db = self._frames_db[:0]

    def clear(self) -> None:
        """Forget everything, as after a gap in the stream."""
        self._frames_db = np.empty((0, self._settings.n_mels), np.float32)
        self._pending = []
        self._n_pending = 0

    def latest_db(self) -> NDArray[np.float32]:
        """Return as many of the latest frames as there are, at most ``n_frames``."""
        if self._n_pending >= self._settings.n_frame:
            pending = np.concatenate(self._pending)
            new_db = log_mel_db(pending, self._settings)
            self._pending = [pending[new_db.shape[0] * self._settings.n_step :].copy()]
            self._n_pending = self._pending[0].size
            self._frames_db = np.concatenate((self._frames_db, new_db))[-self._n_frames :]
        return self._frames_db

    def window_db(self) -> NDArray[np.float32] | None:
        """Return the latest whole window for `window_tensor`, or None while there is none yet."""
        frames_db = self.latest_db()
        n_window = self._settings.n_frames
        return None if frames_db.shape[0] < n_window else frames_db[-n_window:]
