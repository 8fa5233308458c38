"""Models of one's own: where they are, and which of them the configuration names.

``edge-affect models add`` puts each into a folder of its own, as three files and the answers that
it gave when it was added. Standard library only, so that ``about`` can tell of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path

from edge_affect.errors import InputMissingError
from edge_affect.keys import key

ENV_OWN_MODELS = "EDGE_AFFECT_OWN_MODELS"
SITE_DIR = Path("/var/lib/edge-affect/own-models")
NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
_NAME_OR_NONE = f"|{NAME}"
MANIFEST = "manifest.toml"
GOLDEN = "golden.npz"


@dataclass(frozen=True, slots=True)
class Models:
    """Models of your own in place of shipped ones; see `edge-affect models add`."""

    face_expression: str = key(
        "", "reads the expression of faces; empty is ours", pattern=_NAME_OR_NONE
    )
    voice_expression: str = key(
        "", "reads the expression of voices; empty is ours", pattern=_NAME_OR_NONE
    )
    sound_events: str = key(
        "", "finds laughter, applause and crying; empty is ours", pattern=_NAME_OR_NONE
    )


REPLACEABLE: tuple[str, ...] = tuple(item.name for item in fields(Models))
"""Kinds of models that may be one's own; also the names of the shipped ones."""


def own_models_dirs() -> tuple[Path, ...]:
    """Return the folders that may hold own models, in the order they are searched.

    Root's is the one of the site. ``$EDGE_AFFECT_OWN_MODELS`` stands alone where it is set.
    """
    if chosen := os.environ.get(ENV_OWN_MODELS):
        return (Path(chosen),)
    if os.geteuid() == 0:
        return (SITE_DIR,)
    if data_home := os.environ.get("XDG_DATA_HOME"):
        return (Path(data_home) / "edge-affect" / "own-models", SITE_DIR)
    if home := os.environ.get("HOME"):
        return (Path(home) / ".local" / "share" / "edge-affect" / "own-models", SITE_DIR)
    return (SITE_DIR,)


def installed() -> tuple[Path, ...]:
    """Return the manifests of all own models, by name; the first folder that has a name counts."""
    found: dict[str, Path] = {}
    for folder in own_models_dirs():
        for path in sorted(folder.glob(f"*/{MANIFEST}")):
            # What begins with a dot is being added or removed.
            if not path.parent.name.startswith("."):
                found.setdefault(path.parent.name, path)
    return tuple(found[name] for name in sorted(found))


def own_manifest(name: str) -> Path:
    """Return the manifest of an own model.

    Raises:
        InputMissingError: If there is none of that name.
    """
    paths = {path.parent.name: path for path in installed()}
    if name not in paths:
        there = ", ".join(paths) or "none"
        raise InputMissingError(
            f"There is no own model called {name!r} (there are: {there}); "
            "add it with: edge-affect models add FILE"
        )
    return paths[name]


def in_use(models: Models) -> dict[str, Path]:
    """Return the manifests that take the place of shipped models, by kind.

    Raises:
        InputMissingError: If one that the configuration names is not installed.
    """
    chosen = {kind: getattr(models, kind) for kind in REPLACEABLE}
    return {kind: own_manifest(name) for kind, name in chosen.items() if name}
