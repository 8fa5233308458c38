"""The files of the page, read once at the start; nothing else of the disk can be asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edge_affect.dashboard.vendor import MEMBERS, vendor_dir
from edge_affect.errors import InputMissingError
from edge_affect.packages import is_intact

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
TYPES: dict[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page.

    Attributes:
        body: Its content.
        content_type: Media type.
        etag: Changes with the content.
    """

    body: bytes
    content_type: str
    etag: str


def load_assets(static: Path = STATIC) -> dict[str, Asset]:
    """Return all files of the page by the path they are asked for, such as ``/css/page.css``.

    Raises:
        InputMissingError: If the installation lacks some of them.
    """
    vendor = vendor_dir(static.parent)
    if not all(is_intact(vendor / member.save_as, member.sha256) for member in MEMBERS):
        raise InputMissingError(
            f"The page's chart library is not in {vendor}; install this package again with pip."
        )
    assets = {
        f"/{path.relative_to(static).as_posix()}": _asset(path)
        for path in sorted(static.rglob("*"))
        if path.is_file() and path.suffix in TYPES
    }
    if f"/{INDEX}" not in assets:
        raise InputMissingError(f"The page is missing from {static}; install this package again.")
    assets["/"] = assets[f"/{INDEX}"]
    return assets


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(body, TYPES[path.suffix], f'"{digest}"')
