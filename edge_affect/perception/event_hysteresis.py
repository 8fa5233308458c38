"""When a sound event starts and when it ends: two thresholds, smoothing and patience."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge_affect.errors import ManifestError


@dataclass(frozen=True, slots=True)
class HysteresisSettings:
    """How an event starts and ends.

    Attributes:
        start: The level from which on it starts, (0, 1].
        end: The level below which it may end, (0, start].
        n_smoothed: The level is the mean over this many of the latest windows, >= 1.
        n_patience: It ends after this many windows in a row below ``end``, >= 1.
    """

    start: float
    end: float
    n_smoothed: int = 1
    n_patience: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.end <= self.start <= 1.0:
            raise ManifestError("An event needs thresholds with 0 < end <= start <= 1.")
        if self.n_smoothed < 1 or self.n_patience < 1:
            raise ManifestError("An event needs at least one window to start and to end.")


class EventHysteresis:
    """The state of one event.

    Attributes:
        level: Smoothed, [0, 1]; windows before the first one count as 0.
        is_active: Whether the event is going on.
        has_started: Whether it started with the latest window.
        has_ended: Whether it ended with the latest window.
    """

    def __init__(self, settings: HysteresisSettings) -> None:
        self._settings = settings
        self.clear()

    def clear(self) -> None:
        """Forget everything, as after a gap; an event that was going on is over without a word."""
        self._latest: deque[float] = deque(maxlen=self._settings.n_smoothed)
        self._n_low = 0
        self.level = 0.0
        self.is_active = False
        self.has_started = False
        self.has_ended = False

    def update(self, raw: float) -> None:
        """Take the level of the next window, [0, 1]."""
        self._latest.append(raw)
        self.level = sum(self._latest) / self._settings.n_smoothed
        was_active = self.is_active
        self._n_low = self._n_low + 1 if self.level < self._settings.end else 0
        if was_active:
            self.is_active = self._n_low < self._settings.n_patience
        else:
            self.is_active = self.level >= self._settings.start
        self.has_started = self.is_active and not was_active
        self.has_ended = was_active and not self.is_active
