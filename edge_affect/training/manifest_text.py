"""A manifest as TOML text: the inverse of `load_manifest`."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_affect.perception.manifest import Manifest


def manifest_text(manifest: Manifest) -> str:
    """Return TOML that `load_manifest` reads back to an equal manifest, its path apart."""
    head = ("name", "version", "kind", "file", "sha256", "weights_licence", "labels", "temperature")
    lines = [f"{key} = {_value(getattr(manifest, key))}" for key in head]
    for key in ("source", "window"):
        if (part := getattr(manifest, key)) is not None:
            lines += ["", f"[{key}]", *_pairs(part)]
    for key in ("preprocessing", "thresholds"):
        if table := getattr(manifest, key):
            lines += ["", f"[{key}]", *(f"{name} = {_value(item)}" for name, item in table.items())]
    for key in ("inputs", "outputs", "training_data", "figures"):
        for entry in getattr(manifest, key):
            lines += ["", f"[[{key}]]", *_pairs(entry)]
    return "\n".join(lines) + "\n"


def _pairs(part: Any) -> Iterable[str]:
    for field in fields(part):
        value = getattr(part, field.name)
        if value is not None:
            yield f"{field.name} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    # JSON strings, numbers and truth values are TOML as they stand.
    return json.dumps(value, ensure_ascii=False)
