"""A virtual environment for each contestant, with every package at a pinned version.

An environment that cannot be made is told with pip's last line, and its contestants are in the
results as not measured; the others go on.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = Path(__file__).resolve().parent / "peers"
OURS = "edge-affect"
STAMP = "bench-made-from"
CONSTRAINTS = ROOT / "requirements" / "constraints.txt"
NOT_COUNTED = ("pip", "pip-", "__pycache__")
"""Beginnings of what `venv` brings itself."""


def folder(name: str) -> Path:
    """Return where the environment of a contestant is."""
    return ROOT / f".venv-bench-{name}"


def python(name: str) -> Path:
    """Return the interpreter of an environment."""
    return folder(name) / "bin" / "python"


def pins(name: str) -> Path:
    """Return the file with the pinned packages; ours are the project's own constraints."""
    return CONSTRAINTS if name == OURS else PINS / f"{name}.txt"


def ensure(name: str) -> str | None:
    """Make an environment where it is not there or its pins have changed.

    Returns:
        None, or why it could not be made.
    """
    digest = hashlib.sha256(pins(name).read_bytes()).hexdigest()
    stamp = folder(name) / STAMP
    if stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
        return None
    print(f"Making the environment of {name}", file=sys.stderr, flush=True)
    install = ["install", "--quiet", "--disable-pip-version-check"]
    if name == OURS:
        install += ["--constraint", str(CONSTRAINTS), "--editable", str(ROOT)]
    else:
        install += ["--no-deps", "--requirement", str(pins(name))]
    commands = [[str(python(name)), "-m", "pip", *install]]
    if not python(name).exists():
        commands.insert(0, [sys.executable, "-m", "venv", str(folder(name))])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return (lines or done.stderr.splitlines() or ["pip said nothing"])[-1][:200]
    stamp.write_text(digest, encoding="ascii")
    return None


def size_mb(name: str) -> float:
    """Return what an installation takes on disk, without the interpreter and pip, in MB."""
    roots = [
        path
        for site in folder(name).glob("lib/python*/site-packages")
        for path in site.iterdir()
        if not path.name.startswith(NOT_COUNTED)
    ]
    if name == OURS:
        from edge_affect.perception.model_store import user_models_dirs

        roots += [ROOT / "edge_affect", ROOT / "models_tflite", *user_models_dirs()]
    return sum(_size(root) for root in roots) / 1e6


def _size(root: Path) -> int:
    if root.is_file():
        return root.stat().st_size
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc")
