"""Which channel of a call is analysed: ``left``, ``2`` or ``customer=left``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.errors import ConfigError, PolicyError, UsageError, shown
from edge_affect.privacy import policy
from edge_affect.privacy.rules import RULES, Effect

if TYPE_CHECKING:
    from edge_affect.config import Config

CUSTOMER = "customer"
EMPLOYEES: tuple[str, ...] = ("employee", "agent", "advisor", "operator", "staff")
_NAMED: dict[str, int] = {"left": 1, "right": 2}
_MAX = 32


@dataclass(frozen=True, slots=True)
class Channel:
    """One sound channel.

    Attributes:
        number: From 1; 0 mixes all.
        role: Whose it is, as declared, or empty.
    """

    number: int
    role: str = ""


def parse_channel(text: str) -> Channel:
    """Return the channel that an option names.

    >>> parse_channel("customer=left"), parse_channel("2")
    (Channel(number=1, role='customer'), Channel(number=2, role=''))

    Raises:
        UsageError: If it names none.
        PolicyError: If it names an employee's.
    """
    role, is_named, which = text.rpartition("=")
    role, which = role.strip().lower(), which.strip().lower()
    if role in EMPLOYEES:
        source = next(rule.source for rule in RULES if rule.effect is Effect.ONE_CHANNEL)
        raise PolicyError(f"Refused: {source}; name the other one, as in customer=left.")
    number = _NAMED.get(which) or (int(which) if which.isdecimal() else 0)
    if (is_named and role != CUSTOMER) or not 1 <= number <= _MAX:
        raise UsageError(
            f"--channel {shown(text)} is no channel; write left, right, a number from 1, "
            "or customer=left."
        )
    return Channel(number, role)


def chosen_channel(option: str | None, settings: Config) -> Channel:
    """Return the channel to analyse: the option's, else the configuration's.

    Raises:
        UsageError: If the option names none.
        ConfigError: If the place allows the customer's channel alone and none is declared.
        PolicyError: If it is an employee's.
    """
    channel = Channel(settings.audio.channel) if option is None else parse_channel(option)
    if not policy.has_rule(settings.deployment, Effect.ONE_CHANNEL):
        return channel
    if option is None:
        policy.check_channel(settings)
        return Channel(channel.number, CUSTOMER)
    if channel.role != CUSTOMER:
        raise ConfigError(
            f"In a {settings.deployment.setting} only the customer's channel may be analysed: say "
            f"whose it is, as in --channel customer={option}."
        )
    return channel
