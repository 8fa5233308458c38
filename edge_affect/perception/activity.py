"""Voice activity: which moments hold speech, and which of them several people at once.

A small int8 model judges the log-mel frames that the expression model needs anyway, a whole hop at
a time; a level gate in front of it keeps an empty room free of charge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.errors import ManifestError
from edge_affect.perception.acoustic import AcousticSettings, LogMelHistory, window_tensor
from edge_affect.perception.interpreter import TfliteModel, load_model
from edge_affect.perception.overlap import OverlapDiscount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.config import Voice

SILENCE_DB = -96.0
EMPTY_DB = -100.0
"""What the front end gives for digital silence, put where a stream has not begun yet."""
LEVEL_SAMPLES = 640
"""The level gate looks at stretches of 40 ms."""
LABELS = ("speech", "overlap")
SPEECH, OVERLAP = range(len(LABELS))


def intensity_db(samples: NDArray[np.float32]) -> float:
    """Return the root-mean-square level of samples in dB relative to full scale.

    Digital silence maps to ``SILENCE_DB``, never to minus infinity, so that a muted microphone
    cannot poison anything computed from it.

    Args:
        samples: Shape ``(n_samples,)``, at least one, range [-1, 1].
    """
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(SILENCE_DB, 10.0 * float(np.log10(max(power, 1e-12))))


def loudest_db(samples: NDArray[np.float32]) -> float:
    """Return the level of the loudest stretch of ``LEVEL_SAMPLES``; as `intensity_db`."""
    n_whole = samples.size // LEVEL_SAMPLES * LEVEL_SAMPLES
    if n_whole == 0:
        return intensity_db(samples)
    power = np.square(samples[:n_whole].reshape(-1, LEVEL_SAMPLES)).mean(axis=1).max()
    return max(SILENCE_DB, 10.0 * float(np.log10(max(float(power), 1e-12))))


class SpeechDetector(Protocol):
    """What judges one window of frames; the int8 model in the product, anything in tests."""

    acoustic: AcousticSettings
    """The frames it wants, its window and its hop."""
    n_steps: int
    """Decisions in one window, evenly spread."""
    threshold: float
    """Probability from which on a step is speech."""
    discount: OverlapDiscount
    """What several people at once cost in certainty."""

    def probabilities(self, frames_db: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how likely each step holds speech, and several speakers: ``(n_steps, 2)``."""


class ActivityModel:
    """The int8 detector; its manifest brings front end, window and hop."""

    def __init__(self, model: TfliteModel) -> None:
        manifest = model.manifest
        if manifest.kind != "voice_activity":
            raise ManifestError(f"{manifest.path}: kind is {manifest.kind!r}, not voice_activity.")
        if manifest.labels != LABELS or len(manifest.outputs[0].shape) != 3:
            raise ManifestError(
                f"{manifest.path}: an activity model has the labels {', '.join(LABELS)} and an "
                "output of shape (1, steps, 2)."
            )
        self.manifest = manifest
        self.acoustic = AcousticSettings.from_manifest(manifest)
        self.discount = OverlapDiscount.from_manifest(manifest)
        self.n_steps = manifest.outputs[0].shape[1]
        self.threshold = manifest.threshold("speech")
        if self.acoustic.n_frames % self.n_steps or self.acoustic.n_hop % self.step_samples:
            raise ManifestError(
                f"{manifest.path}: {self.acoustic.n_frames} frames and a hop of "
                f"{self.acoustic.n_hop} samples do not divide into {self.n_steps} steps."
            )
        self._model = model

    @classmethod
    def load(cls, name: str = "voice_activity") -> ActivityModel:
        """Load by name, or by the path of a manifest; errors as `load_model`."""
        return cls(load_model(name))

    @property
    def step_samples(self) -> int:
        """Samples that one decision stands for."""
        return self.acoustic.n_frames // self.n_steps * self.acoustic.n_step

    def probabilities(self, frames_db: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how likely each step holds speech, and several speakers at once.

        Args:
            frames_db: One window of log-mels, shape ``(acoustic.n_frames, acoustic.n_mels)``.

        Returns:
            Shape ``(n_steps, 2)``, range [0, 1].

        Raises:
            ShapeError: If there is another number of frames or bands.
        """
        tensor = window_tensor(frames_db, self.acoustic, self.manifest.inputs[0])
        logits = self._model.run_real(tensor)[0][0].astype(np.float64) / self.manifest.temperature
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float64)


class SpeechActivity:
    """Streaming voice activity over the latest sound, judged whenever a hop is complete.

    Each step is judged twice: at once, and again when a hop of sound has followed it. The first hop
    of a window only serves as what went before.

    Args:
        detector: Judges windows that end with something loud enough.
        settings: The level gate and how sure the detector must be.
        n_samples: How far `speech_share` and `overlap_share` look back.
        history: Frames that somebody else extends just before each call, which then brings one
            whole hop; None keeps own ones.

    Attributes:
        threshold: Probability from which on a step is speech.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        settings: Voice,
        n_samples: int,
        history: LogMelHistory | None = None,
    ) -> None:
        acoustic = detector.acoustic
        step_samples = acoustic.n_frames // detector.n_steps * acoustic.n_step
        self._detector = detector
        self._settings = settings
        self.threshold = settings.min_speech_probability or detector.threshold
        self._is_shared = history is not None
        self._history = LogMelHistory(acoustic) if history is None else history
        self._n_hop_steps = acoustic.n_hop // step_samples
        self._n_share_steps = max(1, n_samples // step_samples)
        n_kept = max(self._n_share_steps, detector.n_steps)
        self._steps = np.zeros((n_kept, len(LABELS)))
        self._is_audible = np.zeros((n_kept, 1), dtype=bool)
        self._hop = np.zeros(acoustic.n_hop, dtype=np.float32)
        self._n_in_hop = 0

    @property
    def steps(self) -> NDArray[np.float64]:
        """Probabilities of the latest steps, oldest first, shape ``(n_steps_kept, 2)``."""
        return self._steps

    @property
    def n_hop_samples(self) -> int:
        """Samples in one hop."""
        return self._hop.size

    @property
    def n_hop_steps(self) -> int:
        """Steps in one hop; these latest ones will be judged once more."""
        return self._n_hop_steps

    def extend(self, samples: NDArray[np.float32]) -> None:
        """Take consecutive samples; shape ``(n_samples,)``, float32, range [-1, 1]."""
        position = 0
        while position < samples.size:
            part = samples[position : position + self._hop.size - self._n_in_hop]
            self._hop[self._n_in_hop : self._n_in_hop + part.size] = part
            if not self._is_shared:
                self._history.extend(part)
            position += part.size
            self._n_in_hop += part.size
            if self._n_in_hop == self._hop.size:
                self._n_in_hop = 0
                self._judge()

    def speech_share(self) -> float:
        """Return the share of the sound looked back on that holds speech, [0, 1]."""
        return float(self._is_speech().mean())

    def overlap_share(self) -> float:
        """Return how much of that speech is by several people at once, [0, 1]."""
        is_speech = self._is_speech()
        if not is_speech.any():
            return 0.0
        return float(self._steps[-self._n_share_steps :, OVERLAP][is_speech].mean())

    def clear(self) -> None:
        """Forget everything, as after a gap in the stream."""
        if not self._is_shared:
            self._history.clear()
        self._steps[:] = 0.0
        self._is_audible[:] = False
        self._hop[:] = 0.0
        self._n_in_hop = 0

    def _is_speech(self) -> NDArray[np.bool_]:
        probabilities = self._steps[-self._n_share_steps :, SPEECH]
        return np.asarray(probabilities >= self.threshold)

    def _judge(self) -> None:
        n_new = self._n_hop_steps
        for kept in (self._steps, self._is_audible):
            kept[:-n_new] = kept[n_new:]
            kept[-n_new:] = 0
        if loudest_db(self._hop) < self._settings.min_level_db:
            return
        self._is_audible[-n_new:] = True
        judged = self._detector.probabilities(self._window_db())[n_new:]
        n_judged = judged.shape[0]
        # What was below the gate, or before the stream began, stays silence.
        self._steps[-n_judged:] = judged * self._is_audible[-n_judged:]

    def _window_db(self) -> NDArray[np.float32]:
        n_frames = self._detector.acoustic.n_frames
        frames_db = self._history.latest_db()[-n_frames:]
        n_missing = n_frames - frames_db.shape[0]
        return np.pad(frames_db, ((n_missing, 0), (0, 0)), constant_values=EMPTY_DB)
