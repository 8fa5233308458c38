"""Whether a model is there, is the one its manifest describes, and loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge_affect.errors import EdgeAffectError, ExitCode
from edge_affect.own_models import GOLDEN, MANIFEST
from edge_affect.perception.golden import compare_golden
from edge_affect.perception.interpreter import TfliteModel
from edge_affect.perception.manifest import load_manifest
from edge_affect.perception.model_store import read_model_file
from edge_affect.perception.speech_net import SpeechModel

if TYPE_CHECKING:
    from pathlib import Path

    from edge_affect.perception.manifest import Manifest

Origin = Literal["shipped", "fetched", "own"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known about one model.

    Attributes:
        name: Of the model, or of its manifest's file where that cannot be read.
        version: Of the weights.
        kind: What it does.
        origin: "shipped" with the package, "fetched", or the user's "own".
        exit_code: 0, 65 where something is wrong with it, 66 where it is missing.
        message: One sentence, empty where all is well.
    """

    name: str
    version: str
    kind: str
    origin: Origin
    exit_code: int
    message: str = ""

    @property
    def state(self) -> str:
        """One word for people."""
        words = {ExitCode.DONE: "ok", ExitCode.INPUT_MISSING: "missing"}
        return words.get(ExitCode(self.exit_code), "bad")


def check_model(path: Path) -> Verdict:
    """Return whether the model of one manifest is there, is the right one and loads."""
    try:
        manifest = load_manifest(path)
    except EdgeAffectError as error:
        # The file of every own manifest has the same name; its folder has the model's.
        name = path.parent.name if _is_own(path) else path.stem
        origin: Origin = "own" if _is_own(path) else "shipped"
        return Verdict(name, "", "", origin, int(error.exit_code), str(error))
    try:
        _open(manifest, read_model_file(manifest))
    except EdgeAffectError as error:
        return _verdict(manifest, int(error.exit_code), str(error))
    return _verdict(manifest, int(ExitCode.DONE), "")


def _open(manifest: Manifest, content: bytes) -> None:
    """Open a model as the product does; errors as `TfliteModel` and `SpeechModel`.

    One of one's own must also give the answers that it gave when it was added.
    """
    if manifest.kind == "speech_detection":
        SpeechModel(manifest, content)
        return
    model = TfliteModel(manifest, content)
    golden = manifest.path.with_name(GOLDEN)
    if _is_own(manifest.path) and golden.is_file():
        compare_golden(model, manifest, golden)


def _is_own(path: Path) -> bool:
    """Return whether a manifest is that of a model that the user added."""
    return path.name == MANIFEST


def _verdict(manifest: Manifest, exit_code: int, message: str) -> Verdict:
    origin: Origin = "shipped" if manifest.source is None else "fetched"
    return Verdict(
        name=manifest.name,
        version=manifest.version,
        kind=manifest.kind,
        origin="own" if _is_own(manifest.path) else origin,
        exit_code=exit_code,
        message=message,
    )
