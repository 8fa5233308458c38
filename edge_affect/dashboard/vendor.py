"""The chart library of the page: uPlot, taken out of a pinned package when this one is built.

The files are byte for byte those that uPlot's author released as version 1.6.31. They are never in
the repository: ``setup.py`` puts them beside the page's own files, and a wheel carries them.
"""

from __future__ import annotations

from pathlib import Path

from edge_affect.packages import Member, PinnedPackage

PACKAGE = PinnedPackage(
    name="youplot",
    version="1.0.0",
    archive_sha256="31fe55753a3a073ba1bf2979708443d87d11bb9e0250a0c1ab23118e1e70fb94",
)
MEMBERS: tuple[Member, ...] = (
    Member(
        path="youplot/vendor/uplot.iife.min.js",
        sha256="2d27e8ad3d228164525ce213f9dc716f39b4e3aee0cc773fb3491c96cf4921a2",
        save_as="uplot.js",
    ),
    Member(
        path="youplot/vendor/uplot.min.css",
        sha256="df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
        save_as="uplot.css",
    ),
)
FOLDER = "static/vendor"
"""Below the package ``edge_affect.dashboard``."""


def vendor_dir(package_dir: Path = Path(__file__).parent) -> Path:
    """Return the folder the files belong in."""
    return package_dir / FOLDER
