"""What any engine of speech recognition offers: the sound of one utterance in, its words out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edge_affect.errors import InputMissingError, ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.perception.transcript import Transcript
    from edge_affect.words_settings import Phrase, Words


class Recogniser(Protocol):
    """Hears one utterance at a time. Engines stream where they can, so that cost is spread out."""

    language: str
    """As in ``[words] language``."""

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples of an utterance; the first call begins it.

        Args:
            samples: Shape ``(n,)``, float32, range [-1, 1], 16 kHz mono.
        """

    def finish(self) -> Transcript:
        """End the utterance and return its words; empty where nothing was understood."""

    def abandon(self) -> None:
        """Forget the utterance so far."""


def load_recogniser(words: Words, phrases: tuple[Phrase, ...]) -> Recogniser:
    """Return the engine that the configuration names, with its model loaded.

    Raises:
        InputMissingError: If the engine's package or its model is not there.
        ManifestError: If the model is not what the engine can load.
    """
    from edge_affect.perception import (
        engine_moonshine,
        engine_pocketsphinx,
        engine_sherpa,
        engine_vosk,
    )

    loaders: dict[str, Callable[[Words, tuple[Phrase, ...]], Recogniser]] = {
        "pocketsphinx": engine_pocketsphinx.load,
        "vosk": engine_vosk.load,
        "sherpa-onnx": engine_sherpa.load,
        "moonshine": engine_moonshine.load,
    }
    return loaders[words.engine](words, phrases)


def missing_package(engine: str, package: str) -> InputMissingError:
    """Return the error for an engine whose package is not installed."""
    return InputMissingError(
        f"[words] engine {engine} needs the Python package {package}; "
        f"pip install {'edge-affect[words]' if engine == 'pocketsphinx' else package}."
    )


def bad_model(engine: str, folder: Path, why: str) -> ManifestError:
    """Return the error for a model that an engine cannot load."""
    return ManifestError(f"{folder} is no model that {engine} can load: {why}.")


def model_file(folder: Path, pattern: str, engine: str) -> Path:
    """Return the first file of a model folder that fits a pattern, int8 ones first.

    Raises:
        InputMissingError: If there is no such folder.
        ManifestError: If no file fits.
    """
    if not folder.is_dir():
        raise InputMissingError(f"[words] model: there is no folder {folder}.")
    found = sorted(folder.glob(pattern), key=lambda path: ("int8" not in path.name, path.name))
    if not found:
        raise bad_model(engine, folder, f"it holds no {pattern}")
    return found[0]


def pcm16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return samples as signed 16-bit integers, clipped; shape ``(n,)``."""
    import numpy as np

    return np.asarray(np.clip(samples * 32768.0, -32768, 32767)).astype(np.int16)
