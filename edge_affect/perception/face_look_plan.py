"""When a detector has to look at a frame again, although the faces in it are followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.perception.face_search import ALL_LOOKS, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from edge_affect.perception.face_track import Track

    LooksFor = Callable[[float], Collection[Look]]


@dataclass(frozen=True, slots=True)
class LookSettings:
    """How long each look may be put off, in seconds, > 0.

    Attributes:
        newcomer_s: The look that costs little, for people who come close while others are there.
        newcomer_far_s: The look that costs most, for people behind those.
        confirming_s: For faces that the mesh holds.
        holding_s: For faces that only a detector holds, or that nobody had time to follow.
        empty_s: Each look at an empty room; at most one of them in a frame ...
        empty_late_s: ... unless it is this late.
        resting_s: Each look at an empty room in which nothing moves; one of them in a frame.
    """

    newcomer_s: float = 0.5
    newcomer_far_s: float = 1.0
    confirming_s: float = 1.0
    holding_s: float = 0.25
    empty_s: float = 0.25
    empty_late_s: float = 0.55
    resting_s: float = 2.0


@dataclass(slots=True)
class LookPlan:
    """Decides what each frame needs.

    Args:
        looks_for: Which looks would find a face whose width is a share of the longer side.
        settings: How long each may wait.
    """

    looks_for: LooksFor
    settings: LookSettings = field(default_factory=LookSettings)
    _last_ns: dict[Look, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget what was looked at: the next frame gets every look."""
        self._last_ns.clear()

    def note(self, looks: Iterable[Look], now_ns: int) -> None:
        """Remember that some looks were taken."""
        self._last_ns.update(dict.fromkeys(looks, now_ns))

    def due(
        self,
        tracks: Collection[Track],
        now_ns: int,
        frame_px: int,
        *,
        is_at_rest: bool = False,
    ) -> frozenset[Look]:
        """Return the looks that this frame needs.

        Args:
            tracks: The faces that are followed.
            now_ns: Monotonic clock of the frame.
            frame_px: Its longer side.
            is_at_rest: Whether nothing moves; counts for nothing while faces are followed.
        """
        ages_s = {look: self._age_s(look, now_ns) for look in Look}
        if not tracks:
            return self._at_rest(ages_s) if is_at_rest else self._at_an_empty_room(ages_s)
        needed = self.for_tracks(tracks, now_ns, frame_px)
        spare = {
            Look.NEAR: ages_s[Look.NEAR] / self.settings.newcomer_s,
            Look.FAR: ages_s[Look.FAR] / self.settings.newcomer_far_s,
        }
        latest = max(spare, key=lambda look: spare[look])
        if not needed and spare[latest] >= 1.0:
            return frozenset({latest})
        return needed

    def for_tracks(self, tracks: Collection[Track], now_ns: int, frame_px: int) -> frozenset[Look]:
        """Return the looks that the followed faces need; arguments as ``due``."""
        needed: set[Look] = set()
        for track in tracks:
            patience_s = self._patience_s(track, now_ns)
            looks = self.looks_for(track.face.box.width_px / frame_px)
            needed.update(look for look in looks if self._age_s(look, now_ns) >= patience_s)
        return frozenset(needed)

    def _patience_s(self, track: Track, now_ns: int) -> float:
        if track.is_missing or (track.n_seen == 1 and not track.is_meshed):
            return 0.0
        if track.is_meshed and now_ns - track.seen_ns < self.settings.holding_s * NS_PER_S:
            return self.settings.confirming_s
        return self.settings.holding_s

    def _at_an_empty_room(self, ages_s: dict[Look, float]) -> frozenset[Look]:
        if min(ages_s.values()) >= self.settings.empty_late_s:
            return ALL_LOOKS
        late = {look for look, age_s in ages_s.items() if age_s >= self.settings.empty_late_s}
        oldest = max(ages_s, key=lambda look: ages_s[look])
        if ages_s[oldest] >= self.settings.empty_s:
            late.add(oldest)
        return frozenset(late)

    def _at_rest(self, ages_s: dict[Look, float]) -> frozenset[Look]:
        oldest = max(ages_s, key=lambda look: ages_s[look])
        return frozenset({oldest} if ages_s[oldest] >= self.settings.resting_s else ())

    def _age_s(self, look: Look, now_ns: int) -> float:
        if look not in self._last_ns:
            return float("inf")
        return (now_ns - self._last_ns[look]) / NS_PER_S
