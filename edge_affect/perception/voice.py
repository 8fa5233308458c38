"""Reading voices: windows of sound in, expression of the voice out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.perception.acoustic import LogMelHistory
from edge_affect.perception.activity import SpeechActivity
from edge_affect.perception.chunk_activity import ChunkActivity
from edge_affect.perception.expression_model import spread
from edge_affect.perception.prosody import ProsodyHistory
from edge_affect.perception.speech_net import CHUNK_SAMPLES
from edge_affect.perception.voice_manner import manner
from edge_affect.types import ExpressionEstimate, SoundObservation, VoiceObservation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.config import Voice
    from edge_affect.perception.activity import SpeechDetector
    from edge_affect.perception.chunk_activity import ChunkDetector
    from edge_affect.perception.expression_model import VoiceExpressionModel
    from edge_affect.perception.sound_events import SoundEventReader
    from edge_affect.perception.voice_arousal import VoiceArousal
    from edge_affect.perception.voice_baseline import CallBaseline
    from edge_affect.types import AudioBlock


@dataclass(frozen=True, slots=True)
class SpokenReaders:
    """What is read from the manner of speaking (`voice_manner`).

    Attributes:
        arousal: Maps it to arousal.
        baseline: Reads the voice against its own normal; None reads it against everybody's.
    """

    arousal: VoiceArousal
    baseline: CallBaseline | None = None


class VoiceReader:
    """Runs the voice model once a hop, where there is enough speech to read.

    Args:
        model: Its manifest brings window, hop, labels and temperature.
        detector: Of speech and of several people at once.
        settings: How much speech a window needs.
        events: Follows sound events through the same frames; None leaves them out.
        chunks: Says what is speech instead of ``detector``, which then only says what is by
            several people; None leaves both to ``detector``.
        spoken: What reads the manner of speaking; None leaves that out.
    """

    def __init__(
        self,
        model: VoiceExpressionModel,
        detector: SpeechDetector,
        settings: Voice,
        events: SoundEventReader | None = None,
        chunks: ChunkDetector | None = None,
        spoken: SpokenReaders | None = None,
    ) -> None:
        self._model = model
        self._settings = settings
        self._acoustic = model.acoustic
        is_shared = self._acoustic.shares_frames_with(detector.acoustic)
        n_frames = max(self._acoustic.n_frames, detector.acoustic.n_frames if is_shared else 0)
        self._history = LogMelHistory(self._acoustic, n_frames)
        self._prosody = ProsodyHistory(self._acoustic.n_window)
        self._discount = detector.discount
        self._activity = SpeechActivity(
            detector, settings, self._acoustic.n_window, self._history if is_shared else None
        )
        self._chunks = None
        if chunks is not None:
            n_chunks = self._acoustic.n_window // CHUNK_SAMPLES
            self._chunks = ChunkActivity(chunks, settings, n_chunks)
        self._events = events
        self._arousal = None if spoken is None else spoken.arousal
        self._baseline = None if spoken is None else spoken.baseline
        n_step = self._acoustic.n_hop if events is None else events.n_hop
        self._step = np.empty(n_step, dtype=np.float32)
        self._n_in_step = 0
        self._hop: list[NDArray[np.float32]] = []

    def feed(self, block: AudioBlock) -> tuple[VoiceObservation | SoundObservation, ...]:
        """Take the next block and return what it completes, oldest first.

        That is a `VoiceObservation` for every hop and, where sound events are sensed, a
        `SoundObservation` for every window of theirs, which come more often. A block that follows
        a gap starts over: a window never spans lost samples.
        """
        if block.n_lost:
            self.start_over()
        observations: list[VoiceObservation | SoundObservation] = []
        position = 0
        while position < block.samples.size:
            part = block.samples[position : position + self._step.size - self._n_in_step]
            self._step[self._n_in_step : self._n_in_step + part.size] = part
            position += part.size
            self._n_in_step += part.size
            if self._n_in_step == self._step.size:
                self._n_in_step = 0
                end_ns = block.start_ns + position * NS_PER_S // self._acoustic.sample_rate_hz
                observations += self._take(self._step.copy(), end_ns)
        return tuple(observations)

    def ease(self, share: float) -> None:
        """Judge sound events less often, as a share of what is usual, (0, 1]."""
        if self._events is not None:
            self._events.ease(share)

    def clear(self) -> None:
        """Forget all sound and whose it was, as after a pause."""
        self.start_over()
        if self._baseline is not None:
            self._baseline.forget()

    def start_over(self) -> None:
        """Forget all sound, as after a gap; who speaks goes on speaking."""
        self._history.clear()
        self._prosody.clear()
        self._activity.clear()
        if self._chunks is not None:
            self._chunks.clear()
        if self._events is not None:
            self._events.clear()
        self._hop = []
        self._step.fill(0.0)
        self._n_in_step = 0

    def _take(
        self, step: NDArray[np.float32], end_ns: int
    ) -> list[VoiceObservation | SoundObservation]:
        """Take one step, the hop of the sound events or else the whole hop."""
        observations: list[VoiceObservation | SoundObservation] = []
        self._history.extend(step)
        if self._chunks is not None:
            self._chunks.extend(step)
        if self._events is not None:
            spoken = self._spoken_share(self._events.n_window)
            sound = self._events.hear(step, self._history, end_ns, spoken)
            if sound is not None:
                observations.append(sound)
        self._hop.append(step)
        if len(self._hop) * step.size == self._acoustic.n_hop:
            hop, self._hop = np.concatenate(self._hop), []
            observations.append(self._observe(hop, end_ns))
        return observations

    def _observe(self, hop: NDArray[np.float32], end_ns: int) -> VoiceObservation:
        """Judge the window that ends with a hop; analysing a whole hop at once is cheapest."""
        self._prosody.extend(hop)
        self._activity.extend(hop)
        half_ns = self._acoustic.n_window * NS_PER_S // self._acoustic.sample_rate_hz // 2
        observed_ns = end_ns - half_ns
        speech_share = self._speech_share()
        prosody = self._prosody.window()
        estimate = arousal = None
        if speech_share >= self._settings.min_speech_share:
            window_db = self._history.window_db()
            if window_db is not None:
                spoken = None
                if self._arousal is not None or self._baseline is not None:
                    spoken = manner(window_db, prosody)
                estimate = self._estimate(window_db, observed_ns, spoken)
                if self._arousal is not None and spoken is not None:
                    arousal = self._arousal.arousal(spoken)
        return VoiceObservation(speech_share, estimate, observed_ns, prosody, arousal)

    def _speech_share(self) -> float:
        return self._activity.speech_share() if self._chunks is None else self._chunks.share()

    def _spoken_share(self, n_samples: int) -> float:
        """Return the share of the latest samples in which somebody speaks; 0 where none looks."""
        return (
            0.0 if self._chunks is None else self._chunks.recent_share(n_samples // CHUNK_SAMPLES)
        )

    def _estimate(
        self,
        window_db: NDArray[np.float32],
        observed_ns: int,
        spoken: NDArray[np.float64] | None,
    ) -> ExpressionEstimate:
        reading = self._model.read(window_db)
        meant = reading.probabilities
        if self._baseline is not None and spoken is not None:
            meant = self._baseline.correct(reading, spoken, observed_ns)
        known = self._model.as_heard(meant)
        known = self._discount.applied(known, self._activity.overlap_share())
        probabilities = spread(known, self._model.expressions)
        return ExpressionEstimate(probabilities, float(known.max()), observed_ns)
