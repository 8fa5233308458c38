"""Vosk (Kaldi): a streaming engine with models for many languages, brought by the user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.errors import InputMissingError
from edge_affect.perception.speech_recognition import bad_model, missing_package, pcm16
from edge_affect.perception.transcript import Transcript
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.words_settings import Phrase, Words

ENGINE = "vosk"


class Vosk:
    """Streams into a recogniser.

    Args:
        recogniser: A ``vosk.KaldiRecognizer`` for 16 kHz.
        language: Of its model.
    """

    def __init__(self, recogniser: Any, language: str) -> None:
        self.language = language
        self._recogniser = recogniser
        self._parts: list[Transcript] = []

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples; see `Recogniser`."""
        integers = pcm16(samples)
        # The engine may find a pause of its own within our utterance, and begins anew after it.
        if self._recogniser.AcceptWaveform(integers.tobytes()):
            self._parts.append(_text(self._recogniser.Result()))
        integers.fill(0)

    def finish(self) -> Transcript:
        """End the utterance and return its words."""
        self._parts.append(_text(self._recogniser.FinalResult()))
        whole = Transcript(" ".join(part.text() for part in self._parts if len(part)))
        self._forget()
        return whole

    def abandon(self) -> None:
        """Forget the utterance so far."""
        self._recogniser.Reset()
        self._forget()

    def _forget(self) -> None:
        for part in self._parts:
            part.overwrite()
        self._parts = []


def load(words: Words, phrases: tuple[Phrase, ...]) -> Vosk:
    """Return the engine; errors as `speech_recognition.load_recogniser`."""
    del phrases
    try:
        import vosk
    except ImportError:
        raise missing_package(ENGINE, ENGINE) from None
    folder = Path(words.model)
    if not folder.is_dir():
        raise InputMissingError(f"[words] model: there is no folder {folder}.")
    vosk.SetLogLevel(-1)
    try:
        model = vosk.Model(str(folder))
    except Exception as error:  # noqa: BLE001 (as below)
        # vosk raises Exception itself and nothing narrower.
        raise bad_model(ENGINE, folder, str(error) or "it does not say why") from None
    return Vosk(vosk.KaldiRecognizer(model, SAMPLE_RATE_HZ), words.language)


def _text(answer: str) -> Transcript:
    return Transcript(str(json.loads(answer).get("text", "")))
