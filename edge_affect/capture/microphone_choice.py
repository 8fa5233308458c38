"""Which microphone is meant: by what stays with a device, never by a number in a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from edge_affect.capture.sound_cards import SoundCard
    from edge_affect.capture.sound_host import SoundInput

_HARDWARE = re.compile(r"\s*\(hw:(\d+),(\d+)\)")
IDENTITIES = ("usb:", "card:")


def choose(inputs: tuple[SoundInput, ...], cards: tuple[SoundCard, ...], wanted: str) -> SoundInput:
    """Return the input that is meant.

    Args:
        inputs: Those that can be opened.
        cards: What the kernel knows about them.
        wanted: ``usb:VENDOR:PRODUCT``, with ``@PORT`` where there are several of a kind;
            ``card:ID``; part of the name; or empty for the system's default.

    Raises:
        DeviceError: If there is none, or several that only their numbers tell apart.
    """
    if not inputs:
        raise DeviceError("There is no microphone on this machine; plug one in.")
    if wanted.casefold().startswith(IDENTITIES):
        return _by_identity(inputs, cards, wanted)
    if wanted:
        return _by_name(inputs, cards, wanted)
    default = [device for device in inputs if device.is_default]
    return default[0] if default else min(inputs, key=_order)


def _by_identity(
    inputs: tuple[SoundInput, ...], cards: tuple[SoundCard, ...], wanted: str
) -> SoundInput:
    meant = [card for card in cards if card.is_meant_by(wanted)]
    if len(meant) > 1:
        raise DeviceError(
            f"There are {len(meant)} sound cards {wanted}; set [audio] device to one of: "
            f"{', '.join(card.own_identity for card in meant)}."
        )
    numbers = [card.number for card in meant]
    found = [device for device in inputs if _place(device)[0] in numbers]
    if not found:
        known = [card.identities[0] for card in cards]
        there = f"there are: {', '.join(known)}" if known else "the kernel knows no sound card"
        raise DeviceError(f"There is no microphone {wanted} ({there}); plug it in.")
    return min(found, key=_order)


def _by_name(
    inputs: tuple[SoundInput, ...], cards: tuple[SoundCard, ...], wanted: str
) -> SoundInput:
    part = wanted.casefold()
    found = [device for device in inputs if part in _plain(device)]
    if not found:
        names = ", ".join(repr(device.name) for device in inputs)
        raise DeviceError(
            f"There is no microphone whose name contains {wanted!r}; set [audio] device "
            f"to part of one of these: {names}."
        )
    # A whole name before part of one, a short one before a long one: never the first of a list.
    best = min(found, key=_order)
    twins = {_place(d)[0] for d in found if _plain(d) == _plain(best)}
    if len(twins) > 1:
        identities = [card.own_identity for card in cards if card.number in twins]
        raise DeviceError(
            f"{len(twins)} microphones are called {_HARDWARE.sub('', best.name)!r}; "
            f"set [audio] device to one of: {', '.join(identities)}."
        )
    return best


def _plain(device: SoundInput) -> str:
    """Return a name to compare, without the numbers in it that change."""
    return _HARDWARE.sub("", device.name).casefold()


def _place(device: SoundInput) -> tuple[int, int]:
    """Return the numbers of card and device, -1 where it is no hardware."""
    found = _HARDWARE.search(device.name)
    return (int(found[1]), int(found[2])) if found else (-1, -1)


def _order(device: SoundInput) -> tuple[int, str, int]:
    # The devices of one card keep their numbers; they tell where to begin.
    return len(_plain(device)), _plain(device), _place(device)[1]
