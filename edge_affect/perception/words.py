"""Reading words: blocks of sound in, what was said reduced to polarity, expression and phrases.

One utterance at a time is heard, recognised, read and overwritten. Its words never leave this
module: what it returns holds none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.perception.speech_net import CHUNK_SAMPLES
from edge_affect.types import SAMPLE_RATE_HZ, ExpressionEstimate, WordsObservation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.chunk_activity import ChunkActivity
    from edge_affect.perception.phrase_matching import PhraseMatcher
    from edge_affect.perception.speech_recognition import Recogniser
    from edge_affect.perception.text_reader import TextReader
    from edge_affect.perception.transcript import Transcript
    from edge_affect.types import AudioBlock
    from edge_affect.words_settings import Words

STEP_CHUNKS = 8
STEP_SAMPLES = STEP_CHUNKS * CHUNK_SAMPLES
"""Sound is taken in steps of about a quarter of a second."""
STEP_S = STEP_SAMPLES / SAMPLE_RATE_HZ
LEAD_STEPS = 2
"""Steps before the first speech that belong to an utterance."""
LEAST_SHARE = 0.25
"""A step with less speech than this is silence."""


@dataclass(frozen=True, slots=True)
class UtteranceReaders:
    """What an utterance goes through.

    Attributes:
        recogniser: Sound to words.
        text: Words to expression; None where only phrases are listened for, since a phrase that was
            spotted is what somebody asked for and not what was said.
        phrases: Words to phrase slots.
    """

    recogniser: Recogniser
    text: TextReader | None
    phrases: PhraseMatcher

    def observation(self, transcript: Transcript, observed_ns: int) -> WordsObservation | None:
        """Return what a transcript says and overwrite it; None where nothing was understood."""
        with transcript:
            if not len(transcript):
                return None
            text = transcript.text()
            reading = None if self.text is None else self.text.read(text)
            slots = self.phrases.match(text)
            del text
        estimate = signs = None
        if reading is not None and reading.is_telling:
            top = float(reading.probabilities.max())
            estimate = ExpressionEstimate(reading.probabilities, top, observed_ns)
            signs = tuple(map(float, reading.signs))
        return WordsObservation(signs, estimate, slots, observed_ns)


class WordsReader:
    """Cuts the stream into utterances and reads each one.

    Args:
        readers: What an utterance goes through.
        activity: Says what is speech.
        settings: When an utterance ends.
    """

    def __init__(self, readers: UtteranceReaders, activity: ChunkActivity, settings: Words) -> None:
        self._readers = readers
        self._activity = activity
        self._n_pause_steps = max(1, round(settings.pause_s / STEP_S))
        self._n_most_steps = max(LEAD_STEPS + 1, round(settings.max_utterance_s / STEP_S))
        self._step: NDArray[np.float32] = np.zeros(STEP_SAMPLES, dtype=np.float32)
        self._lead: NDArray[np.float32] = np.zeros((LEAD_STEPS, STEP_SAMPLES), dtype=np.float32)
        self._n_steps = self._n_silent = self._n_in_step = 0

    @property
    def is_hearing(self) -> bool:
        """Whether an utterance is going on."""
        return self._n_steps > 0

    def feed(self, block: AudioBlock) -> tuple[WordsObservation, ...]:
        """Take the next block and return what it completes, oldest first.

        A gap before the block ends the utterance: it never spans lost samples.
        """
        found: list[WordsObservation] = []
        if block.n_lost:
            cut = self.finish(block.start_ns)
            found += [] if cut is None else [cut]
            self.clear()
        position = 0
        while position < block.samples.size:
            part = block.samples[position : position + STEP_SAMPLES - self._n_in_step]
            self._step[self._n_in_step : self._n_in_step + part.size] = part
            position += part.size
            self._n_in_step += part.size
            if self._n_in_step == STEP_SAMPLES:
                self._n_in_step = 0
                end_ns = block.start_ns + position * NS_PER_S // SAMPLE_RATE_HZ
                observation = self._take(end_ns)
                if observation is not None:
                    found.append(observation)
        return tuple(found)

    def finish(self, at_ns: int) -> WordsObservation | None:
        """End the utterance that is going on, as at the end of a recording."""
        if not self.is_hearing:
            return None
        self._readers.recogniser.hear(self._step[: self._n_in_step])
        return self._finish(at_ns)

    def clear(self) -> None:
        """Forget all sound, as after a gap or a pause."""
        if self.is_hearing:
            self._readers.recogniser.abandon()
        self._activity.clear()
        self._start_over()

    def _start_over(self) -> None:
        self._n_steps = self._n_silent = self._n_in_step = 0
        self._step.fill(0.0)
        self._lead.fill(0.0)

    def _take(self, end_ns: int) -> WordsObservation | None:
        self._activity.extend(self._step)
        is_speech = self._activity.recent_share(STEP_CHUNKS) >= LEAST_SHARE
        if not self.is_hearing:
            if not is_speech:
                self._lead = np.roll(self._lead, -1, axis=0)
                self._lead[-1] = self._step
                return None
            self._readers.recogniser.hear(self._lead.ravel())
            self._lead.fill(0.0)
        self._readers.recogniser.hear(self._step)
        self._n_steps += 1
        self._n_silent = 0 if is_speech else self._n_silent + 1
        if self._n_silent >= self._n_pause_steps or self._n_steps >= self._n_most_steps:
            return self._finish(end_ns)
        return None

    def _finish(self, at_ns: int) -> WordsObservation | None:
        n_samples = self._n_steps * STEP_SAMPLES + self._n_in_step
        half_ns = n_samples * NS_PER_S // (2 * SAMPLE_RATE_HZ)
        transcript = self._readers.recogniser.finish()
        self._n_steps = self._n_silent = self._n_in_step = 0
        self._step.fill(0.0)
        return self._readers.observation(transcript, at_ns - half_ns)
