"""Who may be counted into a group value: people come in and go out by blocks, never one by one.

Two means over groups that differ by one person tell, together, what that person showed. So people
are put into blocks of at least ``margin``, and only whole blocks are counted. When one of a block
is gone, its block is gone; those left over, like newcomers, rest for ``rest_ns`` before they are
put into a block again.

From this follows what the tests check exactly: whatever sums and differences an observer makes of
everything that was published within ``rest_ns``, the result is either nothing or mixes at least
``margin`` people. (Of the blocks that such a combination really uses, take the one formed last: its
members were counted nowhere else in that time, so nothing cancels them.)

People are known by their tracks alone. Whoever was out of sight is somebody new, see PRIVACY.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Cohort:
    """Blocks of people, and whether there are enough of them.

    Args:
        min_people: Below this the group is closed, >= 2.
        margin: Size of a block at least, and how many more than ``min_people`` open the group,
            so that nobody opens and closes it by stepping in and out; >= 2.
        rest_ns: How long a face must have been there uncounted before it joins a block, >= 0.
    """

    def __init__(self, min_people: int, margin: int, rest_ns: int) -> None:
        self._min_people = min_people
        self._margin = margin
        self._rest_ns = rest_ns
        self.forget()

    def forget(self) -> None:
        """Forget everybody."""
        self._blocks: list[frozenset[int]] = []
        self._uncounted_ns: dict[int, int] = {}
        self.is_open = False

    @property
    def opens_at(self) -> int:
        """How many people it takes to open the group."""
        return self._min_people + self._margin

    def update(self, readable: Mapping[int, bool], now_ns: int) -> frozenset[int]:
        """Take the faces of the next frame and return the tracks that count; none while closed.

        Args:
            readable: By track, whether its expression is known at the moment.
            now_ns: When the frame was taken.
        """
        self._let_go(readable, now_ns)
        rested = [
            track
            for track, since_ns in sorted(self._uncounted_ns.items())
            if readable[track] and now_ns - since_ns >= self._rest_ns
        ]
        n_blocked = sum(len(block) for block in self._blocks)
        is_needed = self.is_open or n_blocked + len(rested) >= self.opens_at
        if is_needed and len(rested) >= self._margin:
            self._form(rested)
        whole = [block for block in self._blocks if all(readable[track] for track in block)]
        shown = frozenset[int]().union(*whole)
        self.is_open = len(shown) >= (self._min_people if self.is_open else self.opens_at)
        return shown if self.is_open else frozenset()

    def _let_go(self, present: Mapping[int, bool], now_ns: int) -> None:
        """Dissolve the blocks of those who have gone; note who is not counted, and since when."""
        kept = []
        for block in self._blocks:
            if all(track in present for track in block):
                kept.append(block)
            else:
                self._uncounted_ns.update(dict.fromkeys(block, now_ns))
        self._blocks = kept
        counted = frozenset[int]().union(*kept)
        self._uncounted_ns = {
            track: self._uncounted_ns.get(track, now_ns)
            for track in present
            if track not in counted
        }

    def _form(self, rested: list[int]) -> None:
        """Put those who have rested into as many blocks as there can be."""
        n_blocks = len(rested) // self._margin
        self._blocks += [frozenset(rested[i::n_blocks]) for i in range(n_blocks)]
        for track in rested:
            del self._uncounted_ns[track]
