"""How often the eyes of one tracked face blink.

A blink closes and opens the eye within a few tenths of a second (A. A. V. Cruz et al., 2011,
"Spontaneous eyeblink activity": 0.1 to 0.4 s). Eyes differ more between people than between open
and half shut, so closed and open are shares of what this face lately showed as open, with a gap
between the two so that trembling lids are not counted.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from edge_affect.errors import ManifestError

if TYPE_CHECKING:
    from edge_affect.perception.manifest import Manifest

NS_PER_S = 1_000_000_000
RISE_SHARE = 0.1
"""The open level rises in this share of the time that it takes to fall: lids close, then open."""


@dataclass(frozen=True, slots=True)
class BlinkSettings:
    """What a blink is; from the manifest of the iris model.

    Attributes:
        closed_share: Below this share of its open level an eye has closed, (0, 1).
        open_share: Above this share it has opened again, in (closed_share, 1].
        max_closed_s: Closed for longer is no blink: a glance down, or sleep. > 0.
        max_gap_s: A face unseen for longer starts anew in the middle of a blink. > 0.
        level_s: The open level follows an eye that opens less in about this time. > 0.
        window_s: The rate is that of so many seconds. > 0.
        min_watched_s: No rate before this, (0, window_s].
    """

    closed_share: float
    open_share: float
    max_closed_s: float
    max_gap_s: float
    level_s: float
    window_s: float
    min_watched_s: float

    def __post_init__(self) -> None:
        if not 0 < self.closed_share < self.open_share <= 1:
            raise ManifestError("'blink_closed_share' must be below 'blink_open_share', (0, 1]")
        if min(self.max_closed_s, self.max_gap_s, self.level_s, self.min_watched_s) <= 0:
            raise ManifestError("the times of a blink must be above 0 s")
        if self.min_watched_s > self.window_s:
            raise ManifestError("'blink_min_watched_s' must not be above 'blink_window_s'")

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> BlinkSettings:
        """Read the settings of an iris model.

        Raises:
            ManifestError: If one is missing or out of range.
        """
        numbers = {field.name: manifest.threshold(f"blink_{field.name}") for field in fields(cls)}
        try:
            return cls(**numbers)
        except ManifestError as error:
            raise ManifestError(f"{manifest.path}: {error}.") from None


class BlinkCounter:
    """Counts the blinks of one face over its track.

    Args:
        settings: Of the iris model.
    """

    def __init__(self, settings: BlinkSettings) -> None:
        self._settings = settings
        self._open_level = 0.0
        self._closed_since_ns: int | None = None
        self._last_ns: int | None = None
        self._looks: deque[tuple[int, int]] = deque()
        self._watched_ns = 0
        self._blinks_ns: deque[int] = deque()

    def add(self, eye_openness: float, at_ns: int) -> None:
        """Take one look at the eyes, in ascending order of time.

        Args:
            eye_openness: Of ``face_gaze.Gaze``, [0, 1].
            at_ns: Monotonic clock when the frame was taken.
        """
        settings = self._settings
        gap_ns = 0 if self._last_ns is None else at_ns - self._last_ns
        self._last_ns = at_ns
        if gap_ns > settings.max_gap_s * NS_PER_S:
            self._closed_since_ns = None
            gap_ns = 0
        self._looks.append((at_ns, gap_ns))
        self._watched_ns += gap_ns
        self._follow(eye_openness, gap_ns / NS_PER_S)
        if self._closed_since_ns is None:
            if eye_openness < settings.closed_share * self._open_level:
                self._closed_since_ns = at_ns
        elif eye_openness > settings.open_share * self._open_level:
            if at_ns - self._closed_since_ns <= settings.max_closed_s * NS_PER_S:
                self._blinks_ns.append(at_ns)
            self._closed_since_ns = None
        self._forget_before(at_ns - int(settings.window_s * NS_PER_S))

    @property
    def n_blinks(self) -> int:
        """Blinks of the latest window."""
        return len(self._blinks_ns)

    @property
    def rate_hz(self) -> float | None:
        """Blinks per second of the latest window, or None while that was watched too shortly."""
        watched_s = self._watched_ns / NS_PER_S
        return None if watched_s < self._settings.min_watched_s else self.n_blinks / watched_s

    def _follow(self, eye_openness: float, gap_s: float) -> None:
        """Let the open level rise with the eye at once, and fall with it slowly."""
        if eye_openness >= self._open_level:
            pace_s = self._settings.level_s * RISE_SHARE
        else:
            pace_s = self._settings.level_s
        share = 1.0 if self._open_level <= 0 else -math.expm1(-gap_s / pace_s)
        self._open_level += share * (eye_openness - self._open_level)

    def _forget_before(self, at_ns: int) -> None:
        while self._looks and self._looks[0][0] < at_ns:
            self._watched_ns -= self._looks.popleft()[1]
        while self._blinks_ns and self._blinks_ns[0] < at_ns:
            self._blinks_ns.popleft()
