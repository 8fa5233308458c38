"""PocketSphinx: the engine that needs no model of the user's; phrases well, dictation poorly.

``phrases`` spots each saying in running speech against everything else that could be said.
``commands`` takes for granted that one of the sayings is said: right where nothing else is, wrong
everywhere else. ``dictation`` uses the language model inside the package. docs/words.md has figures
of all three.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.errors import ConfigError, InputMissingError
from edge_affect.perception.phrase_spotting import SpottingNumbers, add_spotting
from edge_affect.perception.speech_recognition import bad_model, missing_package, pcm16
from edge_affect.perception.transcript import Transcript

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.words_settings import Phrase, Words

ENGINE = "pocketsphinx"
SEARCH = "sayings"


class PocketSphinx:
    """Streams into a decoder.

    Args:
        decoder: A ``pocketsphinx.Decoder`` with its search chosen.
        language: Of its model.
    """

    def __init__(self, decoder: Any, language: str) -> None:
        self.language = language
        self._decoder = decoder
        self._is_hearing = False

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples; see `Recogniser`."""
        if not self._is_hearing:
            self._decoder.start_utt()
            self._is_hearing = True
        integers = pcm16(samples)
        self._decoder.process_raw(integers.tobytes(), False, False)  # noqa: FBT003 (a C interface)
        integers.fill(0)

    def finish(self) -> Transcript:
        """End the utterance and return its words."""
        if not self._is_hearing:
            return Transcript("")
        self._end()
        found = self._decoder.hyp()
        return Transcript("" if found is None else found.hypstr)

    def abandon(self) -> None:
        """Forget the utterance so far."""
        if self._is_hearing:
            self._end()

    def _end(self) -> None:
        self._decoder.end_utt()
        self._is_hearing = False


def load(words: Words, phrases: tuple[Phrase, ...]) -> PocketSphinx:
    """Return the engine; errors as `speech_recognition.load_recogniser`.

    Raises:
        ConfigError: If a word of a phrase is not in the dictionary of the model.
    """
    try:
        from pocketsphinx import Decoder, get_model_path
    except ImportError:
        raise missing_package(ENGINE, ENGINE) from None
    options: dict[str, Any] = {"loglevel": "FATAL"}
    folder = Path(words.model or get_model_path())
    if words.model:
        if not folder.is_dir():
            raise InputMissingError(f"[words] model: there is no folder {folder}.")
        options["hmm"] = str(folder / "acoustic")
        options["dict"] = str(folder / "words.dict")
    if words.listen_for == "dictation":
        if words.model:
            options["lm"] = str(folder / "words.lm.bin")
    else:
        options["lm"] = None
    numbers = SpottingNumbers.load()
    if words.listen_for == "phrases":
        options["kws_plp"] = numbers.phone_loop
    try:
        decoder = Decoder(**options)
    except RuntimeError as error:
        raise bad_model(ENGINE, folder, str(error)) from None
    if words.listen_for != "dictation":
        _check_sayings(decoder, phrases)
        if words.listen_for == "phrases":
            add_spotting(decoder, phrases, SEARCH, numbers.threshold)
        else:
            decoder.add_jsgf_string(SEARCH, grammar(phrases))
        decoder.activate_search(SEARCH)
    return PocketSphinx(decoder, words.language)


def grammar(phrases: tuple[Phrase, ...]) -> str:
    """Return the JSGF grammar in which one of the sayings is said."""
    sayings = " | ".join(saying for phrase in phrases for saying in phrase.say)
    return f"#JSGF V1.0; grammar sayings; public <saying> = {sayings};"


def _check_sayings(decoder: Any, phrases: tuple[Phrase, ...]) -> None:
    for phrase in phrases:
        for saying in phrase.say:
            for word in saying.split():
                if decoder.lookup_word(word) is None:
                    raise ConfigError(
                        f"[phrase.{phrase.name}] say has {word!r}, which is not in the dictionary "
                        "of the speech model; spell it otherwise or say it in other words."
                    )
