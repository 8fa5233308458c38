"""Which gate a configuration asks for."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.privacy.gate import Gate
from edge_affect.privacy.group_gate import GroupGate
from edge_affect.privacy.noisy_gate import NoisyGroupGate, Spending
from edge_affect.privacy.policy import check_group

if TYPE_CHECKING:
    from edge_affect.config import Config
    from edge_affect.privacy.noisy_gate import AffectOf


def gate_of(config: Config, affect_of: AffectOf) -> Gate:
    """Return the gate of a configuration.

    Args:
        config: The configuration.
        affect_of: Valence and arousal of a distribution over expressions.

    Raises:
        ConfigError: If its group could never be told.
    """
    if config.min_people <= 1:
        return Gate(config.min_people)
    check_group(config)
    privacy = config.privacy
    rest_ns = round(privacy.group_rest_s * NS_PER_S)
    group = (config.min_people, privacy.group_margin, rest_ns)
    if not privacy.is_aggregated:
        return GroupGate(*group)
    return NoisyGroupGate(
        group,
        Spending(exact(privacy.aggregate_epsilon), exact(privacy.aggregate_daily_epsilon)),
        affect_of,
    )


def exact(value: float) -> Fraction:
    """Return the decimal number that was written in the file, not its nearest float.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    return Fraction(repr(value))
