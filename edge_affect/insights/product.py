"""What results depend on besides recordings and settings: the version and the models."""

from __future__ import annotations

import hashlib
from functools import cache

from edge_affect import __version__
from edge_affect.perception.model_store import shipped_models_dir
from edge_affect.states import FILE as STATES_FILE


@cache
def product_digest() -> str:
    """Return one digest of this version and of all that its models are."""
    total = hashlib.sha256(__version__.encode())
    folder = shipped_models_dir()
    for path in (*sorted(folder.glob("*.toml")), *sorted(folder.glob("*.json")), STATES_FILE):
        # Manifests hold the digests of the model files, which are checked when they are loaded.
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
