"""Shows a fleet or one of its boxes until told to stop: draws what changed, follows the keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_affect.terminal.box_view import Frame, box_rows
from edge_affect.terminal.fleet_view import fleet_rows, ordered
from edge_affect.terminal.rows import Row, clean, row

if TYPE_CHECKING:
    from edge_affect.publishing.screen import Look
    from edge_affect.subscriber.fleet import Fleet
    from edge_affect.terminal.screen import Screen

REDRAW_S = 0.5
LEAST_WIDTH, LEAST_HEIGHT = 40, 10


class Viewer:
    """What is on a screen; ``run`` it in the main thread.

    Args:
        fleet: What is shown; fed by another thread.
        address: Of the broker, for people.
        only: The one box that was asked for, or None for all.
        look: What the screen can show.
    """

    def __init__(self, fleet: Fleet, address: str, only: str | None, look: Look) -> None:
        self._fleet = fleet
        self._address = address
        self._only = only
        self._look = look
        self._screen: Screen | None = None
        self._is_over = False
        self._open: str | None = only
        self._chosen: str | None = None
        self._was_left = False

    def stop(self) -> None:
        """Make ``run`` end; safe in a signal handler."""
        self._is_over = True
        if self._screen is not None:
            self._screen.wake()

    def run(self, screen: Screen, duration_s: float | None) -> None:
        """Draw until stopped, or for ``duration_s``."""
        start_s = time.monotonic()
        with screen:
            self._screen = screen
            while not self._is_over:
                now_s = time.monotonic()
                if duration_s is not None and now_s - start_s >= duration_s:
                    return
                width, height = screen.size()
                screen.draw(self.rows(width, height, now_s))
                self._follow(screen.key(REDRAW_S))

    def rows(self, width: int, height: int, now_s: float) -> list[Row]:
        """Return what stands on a screen of this size."""
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            return [row(f"The screen is too small: {width}x{height}"), row("80x24 shows all.")]
        with self._fleet.lock:
            boxes = ordered(self._fleet, now_s)
            names = [box.name for box in boxes]
            if self._chosen not in names:
                self._chosen = names[0] if names else None
            if self._only is None and len(names) == 1 and not self._was_left:
                # The only one there is needs no list.
                self._open = names[0]
            elif self._only is None and self._open not in names:
                self._open = None
            box = None if self._open is None else self._fleet.get(self._open)
            footer = self._footer(is_box=box is not None or self._only is not None)
            frame = Frame(width, height, now_s, self._fleet.link, self._look, footer)
            if box is not None:
                return box_rows(box, frame)
            if self._only is not None:
                return self._nothing_yet(frame)
            return fleet_rows(self._fleet, boxes, self._chosen, frame)

    def _nothing_yet(self, frame: Frame) -> list[Row]:
        link = self._fleet.link
        said = f"Nothing was heard of {self._only} yet."
        if not link.is_connected:
            said = clean(link.error or "The broker is not there yet.")
        rows = [row((f" {self._only}", "bold")), row(""), row((f" {said}", "bold"))]
        rows += [row("")] * (frame.height - len(rows) - 1)
        return [*rows, row((frame.footer, "dim"))]

    def _footer(self, *, is_box: bool) -> str:
        keys = (
            "q quit" if self._only else "b all boxes  q quit" if is_box else "Enter opens  q quit"
        )
        marks = "  ? not validated" if is_box else ""
        return f" {self._address}  {keys}{marks}"

    def _follow(self, key: str | None) -> None:
        if key == "quit":
            self._is_over = True
        elif key == "back" and self._only is None:
            self._open, self._was_left = None, True
        elif key == "open" and self._only is None and self._open is None:
            self._open = self._chosen
        elif key in ("up", "down") and self._open is None:
            with self._fleet.lock:
                names = [box.name for box in ordered(self._fleet, time.monotonic())]
            if self._chosen in names:
                place = names.index(self._chosen) + (1 if key == "down" else -1)
                self._chosen = names[max(0, min(place, len(names) - 1))]
