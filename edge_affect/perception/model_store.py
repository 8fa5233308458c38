"""Where model files are: shipped inside the package, or fetched into the user's data folder."""

from __future__ import annotations

import os
import sys
from importlib import resources
from pathlib import Path

from edge_affect.errors import InputMissingError
from edge_affect.perception.manifest import Manifest, load_manifest

ENV_MODELS = "EDGE_AFFECT_MODELS"
SYSTEM_MODELS_DIR = Path("/var/lib/edge-affect/models")
_PACKAGE = "edge_affect.models_tflite"
_CHECKOUT = Path(__file__).parents[2] / "models_tflite"


def shipped_models_dir() -> Path:
    """Return the folder of manifests, cards and own models that travels with the package.

    Raises:
        InputMissingError: If the installation has lost it.
    """
    try:
        folder = Path(str(resources.files(_PACKAGE)))
    except ModuleNotFoundError:
        # Run from a source checkout that was never installed.
        folder = _CHECKOUT
    if not folder.is_dir():
        raise InputMissingError(f"The shipped models are missing from {folder}; reinstall.")
    return folder


def user_models_dirs() -> tuple[Path, ...]:
    """Return the folders that may hold fetched models, in the order they are searched.

    ``models fetch`` writes to the first one. ``$EDGE_AFFECT_MODELS`` stands alone where it is set.
    An installation by ``install.sh`` brings a folder of its own, beside the program.
    """
    if chosen := os.environ.get(ENV_MODELS):
        return (Path(chosen),)
    installed = Path(sys.prefix) / "models"
    dirs: list[Path] = [installed] if installed.is_dir() else []
    if data_home := os.environ.get("XDG_DATA_HOME"):
        dirs.append(Path(data_home) / "edge-affect" / "models")
    elif home := os.environ.get("HOME"):
        dirs.append(Path(home) / ".local" / "share" / "edge-affect" / "models")
    return (*dirs, SYSTEM_MODELS_DIR)


def shipped_manifests() -> tuple[Manifest, ...]:
    """Return all manifests that travel with the package, by name.

    Raises:
        ManifestError: If one of them is malformed.
    """
    return tuple(load_manifest(path) for path in sorted(shipped_models_dir().glob("*.toml")))


def find_manifest(name: str) -> Manifest:
    """Return the manifest of a shipped model by name, or of a user's own model by path.

    Args:
        name: Such as ``face_expression``, or the path of a ``.toml`` file.

    Raises:
        InputMissingError: If there is no such manifest.
        ManifestError: If it is malformed.
    """
    if name.endswith(".toml"):
        return load_manifest(Path(name))
    path = shipped_models_dir() / f"{name}.toml"
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in shipped_models_dir().glob("*.toml")))
        raise InputMissingError(f"There is no model called {name!r}; there are: {names}.")
    return load_manifest(path)


def find_model_file(manifest: Manifest) -> Path:
    """Return the path of the model file: beside its manifest, or fetched.

    Raises:
        InputMissingError: If it is in none of these places.
    """
    beside = manifest.path.parent / manifest.file
    if beside.is_file():
        return beside
    if manifest.source is None:
        raise InputMissingError(
            f"The model file {beside} that its manifest names is not there; reinstall it."
        )
    for folder in user_models_dirs():
        if (path := folder / manifest.file).is_file():
            return path
    raise InputMissingError(
        f"The model file {manifest.file} is not installed; run `edge-affect models fetch`."
    )


def read_model_file(manifest: Manifest) -> bytes:
    """Return the content of the model file, unchecked.

    Raises:
        InputMissingError: If it is nowhere, or cannot be read.
    """
    path = find_model_file(manifest)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputMissingError(
            f"The model file {path} cannot be read: {error.strerror}."
        ) from None
