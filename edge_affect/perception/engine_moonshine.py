"""Moonshine: small models brought by the user; an utterance is read at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import InputMissingError
from edge_affect.perception.speech_recognition import bad_model, missing_package
from edge_affect.perception.transcript import Transcript
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.words_settings import Phrase, Words

ENGINE = "moonshine"


class Moonshine:
    """Gathers an utterance and has it transcribed at its end.

    Args:
        transcriber: A ``moonshine_voice.Transcriber``.
        language: Of its model.
    """

    def __init__(self, transcriber: Any, language: str) -> None:
        self.language = language
        self._transcriber = transcriber
        self._heard: list[NDArray[np.float32]] = []

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples; see `Recogniser`."""
        self._heard.append(samples.copy())

    def finish(self) -> Transcript:
        """End the utterance and return its words."""
        if not self._heard:
            return Transcript("")
        # The engine takes a list; its floats are beyond our reach until Python uses them again.
        whole = np.concatenate(self._heard)
        found = self._transcriber.transcribe_without_streaming(whole.tolist(), SAMPLE_RATE_HZ)
        whole.fill(0.0)
        self.abandon()
        return Transcript(" ".join(line.text.strip() for line in found.lines).strip())

    def abandon(self) -> None:
        """Forget the utterance so far."""
        for samples in self._heard:
            samples.fill(0.0)
        self._heard = []


def load(words: Words, phrases: tuple[Phrase, ...]) -> Moonshine:
    """Return the engine; errors as `speech_recognition.load_recogniser`."""
    del phrases
    try:
        import moonshine_voice
    except (ImportError, OSError):
        raise missing_package(ENGINE, "moonshine-voice") from None
    folder = Path(words.model)
    if not folder.is_dir():
        raise InputMissingError(f"[words] model: there is no folder {folder}.")
    arch = (
        moonshine_voice.ModelArch.BASE if "base" in folder.name else moonshine_voice.ModelArch.TINY
    )
    try:
        transcriber = moonshine_voice.Transcriber(model_path=str(folder), model_arch=arch)
    except Exception as error:  # noqa: BLE001 (as below)
        # The binding has no error of its own for a model that does not load.
        raise bad_model(ENGINE, folder, str(error) or "it does not say why") from None
    return Moonshine(transcriber, words.language)
