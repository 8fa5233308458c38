"""Opening the page where there is a screen for it."""

from __future__ import annotations

import os
import webbrowser


def open_page(url: str) -> bool:
    """Open a page in a browser if there is a screen for one; return whether it was tried."""
    has_screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return has_screen and webbrowser.open(url)
