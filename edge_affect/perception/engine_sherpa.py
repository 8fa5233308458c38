"""sherpa-onnx: streaming transducers, and SenseVoice for Chinese and English, brought by the user.

A model folder holds ``tokens.txt`` and either ``encoder*.onnx``, ``decoder*.onnx`` and
``joiner*.onnx`` (a streaming transducer) or ``model*.onnx`` (SenseVoice, which reads an utterance
at its end).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.perception.speech_recognition import bad_model, missing_package, model_file
from edge_affect.perception.transcript import Transcript
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.words_settings import Phrase, Words

ENGINE = "sherpa-onnx"


class Sherpa:
    """Feeds a stream of a recogniser, a new one for each utterance.

    Args:
        recogniser: A ``sherpa_onnx.OnlineRecognizer`` or ``OfflineRecognizer``.
        language: Of its model.
        is_streaming: Whether it is an online one, which decodes as it hears.
    """

    def __init__(self, recogniser: Any, language: str, *, is_streaming: bool) -> None:
        self.language = language
        self._recogniser = recogniser
        self._is_streaming = is_streaming
        self._stream: Any = None

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples; see `Recogniser`."""
        if self._stream is None:
            self._stream = self._recogniser.create_stream()
        self._stream.accept_waveform(SAMPLE_RATE_HZ, samples)
        if self._is_streaming:
            self._decode()

    def finish(self) -> Transcript:
        """End the utterance and return its words."""
        if self._stream is None:
            return Transcript("")
        stream = self._stream
        if self._is_streaming:
            stream.input_finished()
            self._decode()
            text = self._recogniser.get_result(stream)
        else:
            self._recogniser.decode_stream(stream)
            text = stream.result.text
        self._stream = None
        return Transcript(str(text).strip())

    def abandon(self) -> None:
        """Forget the utterance so far."""
        self._stream = None

    def _decode(self) -> None:
        while self._recogniser.is_ready(self._stream):
            self._recogniser.decode_stream(self._stream)


def load(words: Words, phrases: tuple[Phrase, ...]) -> Sherpa:
    """Return the engine; errors as `speech_recognition.load_recogniser`."""
    del phrases
    try:
        import sherpa_onnx
    except ImportError:
        raise missing_package(ENGINE, ENGINE) from None
    folder = Path(words.model)
    tokens = str(model_file(folder, "tokens.txt", ENGINE))
    is_streaming = any(folder.glob("joiner*.onnx"))
    try:
        if is_streaming:
            parts = {n: str(model_file(folder, f"{n}*.onnx", ENGINE)) for n in _TRANSDUCER}
            recogniser = sherpa_onnx.OnlineRecognizer.from_transducer(
                tokens=tokens, num_threads=1, **parts
            )
        else:
            recogniser = sherpa_onnx.OfflineRecognizer.from_sense_voice(
                model=str(model_file(folder, "model*.onnx", ENGINE)),
                tokens=tokens,
                num_threads=1,
                language=words.language,
                use_itn=True,
            )
    except (RuntimeError, ValueError) as error:
        raise bad_model(ENGINE, folder, str(error)) from None
    return Sherpa(recogniser, words.language, is_streaming=is_streaming)


_TRANSDUCER = ("encoder", "decoder", "joiner")
