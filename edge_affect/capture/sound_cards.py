"""What the kernel says about sound cards: names that stay when their numbers change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CARDS = Path("/proc/asound")
PLACES = Path("/sys/class/sound")
_CARD = re.compile(r"^\s*(\d+)\s*\[(\S+)\s*\]:\s*(?:\S+\s+-\s+)?(.*)$", re.MULTILINE)
_PORT = re.compile(r"^\d+-\d+(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class SoundCard:
    """One card.

    Attributes:
        number: Of the kernel; another one after the next start.
        card_id: ALSA's short name of it, such as "Device".
        name: What it calls itself.
        usb_id: Vendor and product, such as "0d8c:0014"; empty where it is no USB card.
        port: The USB port that it is plugged into, such as "1-1.2"; empty as above.
    """

    number: int
    card_id: str
    name: str
    usb_id: str = ""
    port: str = ""

    @property
    def identities(self) -> tuple[str, ...]:
        """What ``[audio] device`` may say to mean this card, the surest first."""
        usb = (f"usb:{self.usb_id}", f"usb:{self.usb_id}@{self.port}") if self.usb_id else ()
        return (*usb[: 1 + bool(self.port)], f"card:{self.card_id}")

    @property
    def own_identity(self) -> str:
        """The one that no second card of the same kind has."""
        return f"usb:{self.usb_id}@{self.port}" if self.port else f"card:{self.card_id}"

    def is_meant_by(self, identity: str) -> bool:
        """Return whether an identity, in any case, names this card."""
        return identity.casefold() in [known.casefold() for known in self.identities]


def sound_cards(cards: Path = CARDS, places: Path = PLACES) -> tuple[SoundCard, ...]:
    """Return the cards of this machine, in the kernel's order; none where it has no ALSA."""
    try:
        text = (cards / "cards").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(
        SoundCard(
            int(number),
            card_id,
            name.strip(),
            _usb_id(cards / f"card{number}" / "usbid"),
            _port(places / f"card{number}" / "device"),
        )
        for number, card_id, name in _CARD.findall(text)
    )


def _usb_id(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _port(device: Path) -> str:
    """Return the port among the folders that lead to a device, as in ``.../1-1.2/1-1.2:1.0``."""
    ports = [part for part in device.resolve().parts if _PORT.match(part)]
    return ports[-1] if ports else ""
