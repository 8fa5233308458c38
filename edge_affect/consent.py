"""Settings of consent: when sensing is allowed, and the switches and the light on the box."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import tzinfo

from edge_affect.errors import ConfigError, shown
from edge_affect.hours import hours
from edge_affect.keys import key

NO_PIN = -1
MAX_PIN = 27
"""GPIO 0 to 27 are on the header of a Raspberry Pi, in Broadcom's numbering."""


@dataclass(frozen=True, slots=True)
class Consent:
    """When sensing is allowed at all."""

    hours: str = key(
        "",
        "allowed hours, as in mon-fri 08:00-18:00, sat 22:00-02:00; empty is always; with hours, "
        "a clock that is not known to be right allows nothing",
    )
    time_zone: str = key(
        "", "of these hours, such as Europe/Berlin; empty is the time zone of the machine"
    )

    def __post_init__(self) -> None:
        if self.hours:
            hours(self.hours)
        self.zone()

    def zone(self) -> tzinfo | None:
        """Return the time zone of the hours; None is the machine's.

        Raises:
            ConfigError: If there is none of that name.
        """
        if not self.time_zone:
            return None
        try:
            return zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError(
                f"[consent] time_zone is {shown(self.time_zone)}, which this machine does not "
                "know; write it as Europe/Berlin, and see that tzdata is installed."
            ) from None


@dataclass(frozen=True, slots=True)
class Switches:
    """Switches and light on GPIO pins (Broadcom numbers); each switch permits while closed."""

    mute_pin: int = key(
        NO_PIN,
        "mute switch to ground: sensing while closed; open, or a cut wire, mutes; -1 is none",
        low=NO_PIN,
        high=MAX_PIN,
    )
    consent_pin: int = key(
        NO_PIN,
        "consent switch to ground: sensing while closed; -1 is none",
        low=NO_PIN,
        high=MAX_PIN,
    )
    light_pin: int = key(
        NO_PIN,
        "on-air light: high before a device opens, low after the last one closes; -1 is none",
        low=NO_PIN,
        high=MAX_PIN,
    )

    def __post_init__(self) -> None:
        used = [pin for pin in self.pins if pin != NO_PIN]
        if len(set(used)) != len(used):
            raise ConfigError(
                f"[switches] uses one pin twice ({', '.join(map(str, used))}); each needs its own."
            )

    @property
    def pins(self) -> tuple[int, int, int]:
        """Mute, consent, light."""
        return (self.mute_pin, self.consent_pin, self.light_pin)

    @property
    def are_used(self) -> bool:
        """Whether the box has any of them, and so needs the process that minds them."""
        return any(pin != NO_PIN for pin in self.pins)
