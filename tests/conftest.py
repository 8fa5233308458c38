"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long a case takes says something about the machine; times belong to the benchmarks.
settings.register_profile("edge-affect", deadline=None)
settings.load_profile("edge-affect")

# Doctests are looked for in every module: not in these, which all have one name, nor in
# what needs the libraries of a Pi.
collect_ignore_glob = ["conftest.py", "*/conftest.py", "contract/virtual_pi.py"]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with third-party data sets; tests that need it are skipped where it is absent."""
    path = Path(os.environ.get("EDGE_AFFECT_DATA", ROOT.parent / "shared" / "data"))
    if not (path / "README.md").is_file():
        pytest.skip(f"no data folder at {path}; set EDGE_AFFECT_DATA to run this test")
    return path
