"""Perception, fusion and gate in their order: blocks and frames in, records out."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from edge_affect.record import AbstainReason, AffectRecord, SourceState
from edge_affect.sensing.memory import overwrite
from edge_affect.sensing.meter import Meter
from edge_affect.types import SceneEstimate, SensingHealth, SoundObservation

if TYPE_CHECKING:
    from edge_affect.clock import Clock
    from edge_affect.fusion.derived_states import DerivedStates
    from edge_affect.fusion.scene import SceneFusion
    from edge_affect.privacy.gate import Gate
    from edge_affect.types import (
        AudioBlock,
        FaceObservation,
        VideoFrame,
        VoiceObservation,
        WordsObservation,
    )

WORDS_LAG_NS = 1_500_000_000
"""Sound that is analysed later than this after it was heard is not listened to for words."""
log = logging.getLogger("edge_affect.sensing")
_USABLE = (SourceState.OK, SourceState.SILENT, SourceState.POOR)


class ReadsVoices(Protocol):
    """What the pipeline needs of a voice reader."""

    def feed(self, block: AudioBlock) -> tuple[VoiceObservation | SoundObservation, ...]:
        """Take the next block and return what it completes, oldest first."""

    def start_over(self) -> None:
        """Forget all sound, as after a gap; who speaks goes on speaking."""

    def clear(self) -> None:
        """Forget all sound and whose it was."""

    def ease(self, share: float) -> None:
        """Do this share of the usual work, (0, 1]."""


class ReadsWords(Protocol):
    """What the pipeline needs of a reader of words."""

    @property
    def is_hearing(self) -> bool:
        """Whether an utterance is going on."""

    def feed(self, block: AudioBlock) -> tuple[WordsObservation, ...]:
        """Take the next block and return what it completes, oldest first."""

    def finish(self, at_ns: int) -> WordsObservation | None:
        """End the utterance that is going on."""

    def clear(self) -> None:
        """Forget all sound."""


class ReadsFaces(Protocol):
    """What the pipeline needs of a face reader."""

    def observe(self, frame: VideoFrame) -> FaceObservation:
        """Read the faces of the next frame."""

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody was there and nothing moved in the latest frames."""

    def clear(self) -> None:
        """Forget the faces that were followed."""

    def ease(self, share: float) -> None:
        """Do this share of the usual work, (0, 1]."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one pipeline; a reader that is None is a modality switched off.

    Without ``states`` no derived state is computed; ``words`` is off unless it is asked for.
    """

    voice: ReadsVoices | None
    face: ReadsFaces | None
    fusion: SceneFusion
    gate: Gate
    states: DerivedStates | None = None
    words: ReadsWords | None = None


class Pipeline:
    """One path for live devices, replays and analyses.

    ``on_block`` and ``on_frame`` may be called from a thread each, ``record`` from a third.

    Attributes:
        frame_read: Set whenever a frame has been read; whoever waits for it clears it.
    """

    def __init__(self, stages: Stages, clock: Clock) -> None:
        self._stages = stages
        self._clock = clock
        self._lock = threading.Lock()
        self._sound = Meter()
        self._pictures = Meter()
        self.frame_read = threading.Event()

    def on_block(self, block: AudioBlock) -> None:
        """Take one block of sound; its samples are overwritten afterwards."""
        if self._stages.voice is None:
            return
        observations = self._stages.voice.feed(block)
        said = self._said(block)
        overwrite(block.samples)
        now_ns = self._clock.now_ns()
        with self._lock:
            for one in said:
                self._note_words(one, max(now_ns, block.end_ns))
            for observation in observations:
                self._note_sound(observation)
            # In blocks, as everything else that is counted here.
            n_lost = -(-block.n_lost // max(1, block.samples.size))
            self._sound.note(now_ns, block.end_ns, n_lost)

    def _said(self, block: AudioBlock) -> tuple[WordsObservation, ...]:
        """Return what was said; words give way where the machine cannot keep up with them."""
        words = self._stages.words
        if words is None:
            return ()
        if self._clock.now_ns() - block.end_ns > WORDS_LAG_NS:
            if words.is_hearing:
                log.info("words: an utterance was dropped to keep up")
            words.clear()
            return ()
        return words.feed(block)

    def end_sound(self) -> bool:
        """Read the words that the end of a recording cut off; call when no more sound comes.

        Returns:
            Whether there were any.
        """
        now_ns = self._clock.now_ns()
        said = None if self._stages.words is None else self._stages.words.finish(now_ns)
        if said is None:
            return False
        with self._lock:
            self._note_words(said, now_ns)
        return True

    def _note_words(self, said: WordsObservation, now_ns: int) -> None:
        words = self._stages.gate.screen_words(said)
        if words is not None:
            self._stages.fusion.add_words(words, now_ns)

    def _note_sound(self, observation: VoiceObservation | SoundObservation) -> None:
        gate = self._stages.gate
        if isinstance(observation, SoundObservation):
            sound = gate.screen_sound(observation)
            for taker in (self._stages.fusion, self._stages.states):
                if taker is not None and sound is not None:
                    taker.add_sound(sound)
            return
        voice = gate.screen_voice(observation)
        for taker in (self._stages.fusion, self._stages.states):
            if taker is not None:
                taker.add_voice(voice)

    def lose_sound(self) -> None:
        """Forget the sound that waits for more; called on the blocks' thread when it is closed."""
        if self._stages.voice is not None:
            self._stages.voice.start_over()
        if self._stages.words is not None:
            self._stages.words.clear()

    def on_frame(self, frame: VideoFrame) -> None:
        """Take one frame; its pixels are overwritten afterwards."""
        if self._stages.face is None:
            return
        observation = self._stages.face.observe(frame)
        overwrite(frame.pixels)
        now_ns = self._clock.now_ns()
        with self._lock:
            screened = self._stages.gate.screen_faces(observation)
            if self._stages.gate.begins_anew:
                self._stages.fusion.forget_faces()
            self._stages.fusion.add_faces(screened)
            if self._stages.states is not None:
                self._stages.states.add_faces(screened)
            self._pictures.note(now_ns, frame.captured_ns, frame.n_lost)
        self.frame_read.set()

    @property
    def is_at_rest(self) -> bool:
        """Whether a camera shows an empty room in which nothing moves."""
        return self._stages.face is not None and self._stages.face.is_at_rest

    def ease(self, share: float) -> None:
        """Let the models do this share of their usual work, (0, 1]; from any thread."""
        for reader in (self._stages.voice, self._stages.face):
            if reader is not None:
                reader.ease(share)

    def forget(self) -> None:
        """Drop everything that was seen and heard; call while no source is delivering."""
        with self._lock:
            self._stages.fusion.forget()
            if self._stages.states is not None:
                self._stages.states.forget()
            self._stages.gate.forget()
            self._sound = Meter()
            self._pictures = Meter()
        if self._stages.voice is not None:
            self._stages.voice.clear()
        if self._stages.face is not None:
            self._stages.face.clear()
        if self._stages.words is not None:
            self._stages.words.clear()

    def record(
        self,
        microphone: SourceState,
        camera: SourceState,
        reason: AbstainReason | None = None,
        at_ns: int | None = None,
    ) -> AffectRecord:
        """Return what may leave at this moment.

        Args:
            microphone: State of the sound source.
            camera: State of the picture source.
            reason: Abstain for this reason whatever was seen; None decides from the sources.
            at_ns: The moment, on the clock; None is now.
        """
        now_ns = self._clock.now_ns() if at_ns is None else at_ns
        with self._lock:
            scene = self._scene(now_ns)
            health = self._health(now_ns, microphone, camera)
            if reason is None and microphone not in _USABLE and camera not in _USABLE:
                is_starting = SourceState.STARTING in (microphone, camera)
                reason = AbstainReason.STARTING if is_starting else AbstainReason.NO_SOURCE
            if reason is not None:
                scene = _blank(scene, reason)
            return self._stages.gate.admit(scene, health, now_ns)

    def _scene(self, now_ns: int) -> SceneEstimate:
        scene = self._stages.fusion.scene(now_ns)
        if self._stages.states is None:
            return scene
        pair = self._stages.fusion.voice_and_face(now_ns)
        opposition = self._stages.fusion.opposition(now_ns)
        return replace(scene, states=self._stages.states.at(now_ns, pair, opposition))

    def _health(self, now_ns: int, microphone: SourceState, camera: SourceState) -> SensingHealth:
        n_sound, n_sound_lost = self._sound.counts(now_ns)
        n_pictures, n_pictures_lost = self._pictures.counts(now_ns)
        n_lost = n_sound_lost + n_pictures_lost
        return SensingHealth(
            microphone=microphone,
            camera=camera,
            frame_rate_hz=self._pictures.rate_hz(now_ns),
            latency_ms=max(self._sound.latency_ms(now_ns), self._pictures.latency_ms(now_ns)),
            drop_share=n_lost / max(1, n_lost + n_sound + n_pictures),
        )


def _blank(scene: SceneEstimate, reason: AbstainReason) -> SceneEstimate:
    return SceneEstimate(
        probabilities=None,
        valence=None,
        arousal=None,
        confidence=0.0,
        modalities=scene.modalities,
        abstained=reason,
        n_faces=scene.n_faces,
        speech_share=scene.speech_share,
    )
