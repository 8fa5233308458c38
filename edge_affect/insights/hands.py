"""How many recordings one process takes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.insights.files import Found

MAX_FILES = 32
"""A process and its cage take half a second to build; it can read the files of its hand alone."""
MAX_BYTES = 64_000_000


def dealt(found: Sequence[Found], n_players: int) -> list[tuple[Found, ...]]:
    """Deal recordings into hands, the largest first, so that the last ones are short.

    Each hand holds recordings for one process: many small ones, or a single large one.

    Args:
        found: What is to be analysed.
        n_players: How many processes work at a time, >= 1.
    """
    total = sum(item.size_bytes for item in found)
    max_bytes = min(MAX_BYTES, total / (4 * n_players))
    hands: list[tuple[Found, ...]] = []
    hand: list[Found] = []
    size = 0
    for item in sorted(found, key=lambda item: (-item.size_bytes, item.recording)):
        if hand and (len(hand) == MAX_FILES or size + item.size_bytes > max_bytes):
            hands.append(tuple(hand))
            hand, size = [], 0
        hand.append(item)
        size += item.size_bytes
    if hand:
        hands.append(tuple(hand))
    return hands
