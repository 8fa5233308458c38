"""Phrases spotted in running speech, by PocketSphinx's keyword search.

Each saying competes with a loop of all phones, so that what nobody configured is not taken for a
saying. How hard that competition is are two numbers of ``models_tflite/words_lexicon.json``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.perception.model_store import shipped_models_dir
from edge_affect.shipped_numbers import read_numbers

if TYPE_CHECKING:
    from edge_affect.words_settings import Phrase

FILE_NAME = "words_lexicon.json"


@dataclass(frozen=True, slots=True)
class SpottingNumbers:
    """How hard it is for a saying to win.

    Attributes:
        phone_loop: Probability of entering the loop of phones, (0, 1]; less finds more.
        threshold: Ratio of likelihoods from which on a saying is told, > 0; less finds more.
    """

    phone_loop: float
    threshold: float

    @classmethod
    def load(cls) -> SpottingNumbers:
        """Read the numbers that ship.

        Raises:
            InputMissingError: If there is no such file.
            ManifestError: If a number is missing or is none.
        """

        def parse(content: Any) -> SpottingNumbers:
            numbers = content["spotting"]
            return cls(float(numbers["phone_loop"]), float(numbers["threshold"]))

        return read_numbers(
            shipped_models_dir() / FILE_NAME, "table of numbers for spotting", parse
        )


def keyword_list(phrases: tuple[Phrase, ...], threshold: float) -> str:
    """Return the sayings as PocketSphinx reads them, one a line, each with its threshold."""
    sayings = {saying: None for phrase in phrases for saying in phrase.say}
    return "".join(f"{saying} /{threshold:g}/\n" for saying in sayings)


def add_spotting(decoder: Any, phrases: tuple[Phrase, ...], name: str, threshold: float) -> None:
    """Give a decoder the search for sayings.

    The decoder reads a file. The sensing process can write none, so it is one in memory without a
    name, and gone when this returns.

    Args:
        decoder: A ``pocketsphinx.Decoder``.
        phrases: Configured ones.
        name: Of the search.
        threshold: Of `SpottingNumbers`.
    """
    descriptor = os.memfd_create(name)
    try:
        os.write(descriptor, keyword_list(phrases, threshold).encode("ascii"))
        os.lseek(descriptor, 0, os.SEEK_SET)
        decoder.add_kws(name, f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
