"""The QR code on the notice."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import segno

from edge_affect.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

QUIET_MODULES = 4
"""White modules around the code, as ISO/IEC 18004 wants."""


def modules(content: str) -> Sequence[Sequence[int]]:
    """Return the code as rows of modules, 1 is dark; the quiet zone is not among them.

    Raises:
        ConfigError: If the content is too long for a code.
    """
    return [list(row) for row in _code(content).matrix]


def svg(content: str) -> str:
    """Return the code as an SVG element that takes the size of its container.

    Raises:
        ConfigError: If the content is too long for a code.
    """
    out = io.BytesIO()
    _code(content).save(
        out, kind="svg", xmldecl=False, border=QUIET_MODULES, omitsize=True, nl=False
    )
    return out.getvalue().decode()


def _code(content: str) -> segno.QRCode:
    try:
        # Level M still reads with a seventh of the code dirty or torn.
        return segno.make(content, error="m", micro=False)
    except segno.DataOverflowError:
        raise ConfigError(
            f"[deployment] contact has {len(content)} characters, too many for a QR code."
        ) from None
