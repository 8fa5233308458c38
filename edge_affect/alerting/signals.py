"""What a rule can watch: one number read from a record, or None where the record does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.alert_settings import SIGNALS
from edge_affect.record import (
    EVENT_MAX,
    EVENTS,
    EXPRESSION_SUM,
    EXPRESSIONS,
    N_PHRASES,
    POLARITY_MAX,
    SHARE_MAX,
    SIGNED_MAX,
    STATE_MAX,
    STATES,
    AbstainReason,
    Expression,
    People,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.record import AffectRecord

    Reader = Callable[[AffectRecord], float | None]

_GOES_ON = 0.5
"""From here on a sound event is going on, says sensing."""
FEWEST: dict[People, int] = {
    People.NONE: 0, People.ONE: 1, People.FEW: 2, People.GROUP: 5, People.MANY: 10,
    People.CROWD: 20,
}  # fmt: skip
"""The fewest faces that a bucket of people can mean."""


def _expression(index: int) -> Reader:
    def read(record: AffectRecord) -> float | None:
        if record.abstained != AbstainReason.NONE:
            return None
        return record.expressions[index] / EXPRESSION_SUM

    return read


def _item(field: str, index: int, full: int) -> Reader:
    def read(record: AffectRecord) -> float | None:
        return _share(getattr(record, field)[index], full)

    return read


def _single(field: str, full: int) -> Reader:
    def read(record: AffectRecord) -> float | None:
        return _share(getattr(record, field), full)

    return read


def _share(value: int | None, full: int) -> float | None:
    return None if value is None else value / full


def _phrase(index: int) -> Reader:
    def read(record: AffectRecord) -> float | None:
        # A record cannot tell "nothing was said" from "nobody listened"; both are 0.
        return float(record.phrases[index])

    return read


def distress(record: AffectRecord) -> float | None:
    """Return how strongly distress is shown, [0, 1]: a formula, not validated.

    The largest of: the shares of sadness and fear together; crying and screaming. Where the box
    abstains, sounds count only while they go on: that nobody cries does not say that all is well.
    Anger has rules of its own.
    """
    sounds = [record.events[EVENTS.index(name)] for name in ("crying", "screaming")]
    known = [level / EVENT_MAX for level in sounds if level is not None]
    if record.abstained == AbstainReason.NONE:
        shown = record.expressions[Expression.SADNESS] + record.expressions[Expression.FEAR]
        return max([shown / EXPRESSION_SUM, *known])
    return max((level for level in known if level >= _GOES_ON), default=None)


_READERS: dict[str, Reader] = {
    **{name: _expression(index) for index, name in enumerate(EXPRESSIONS)},
    **{
        name: _single(name, SIGNED_MAX)
        for name in ("valence", "arousal", "valence_relative", "arousal_relative")
    },
    **{name: _item("states", index, STATE_MAX) for index, name in enumerate(STATES)},
    **{name: _item("events", index, EVENT_MAX) for index, name in enumerate(EVENTS)},
    "polarity": _single("polarity", POLARITY_MAX),
    "speech_share": _single("speech_share", SHARE_MAX),
    "distress": distress,
    **{f"phrase_{slot}": _phrase(slot - 1) for slot in range(1, N_PHRASES + 1)},
}
if set(_READERS) != set(SIGNALS):  # pragma: no cover
    raise AssertionError("the signals of the configuration are not those that can be read")


def signal(name: str, record: AffectRecord) -> float | None:
    """Return one signal of a record, or None where the record does not tell it.

    Args:
        name: One of ``SIGNALS``.
        record: Any valid record.

    Returns:
        [-1, 1] for valence, arousal, both relative ones and polarity; [0, 1] for all others.
    """
    return _READERS[name](record)


def has_people(record: AffectRecord, n_min: int) -> bool | None:
    """Return whether at least ``n_min`` faces are present for certain; None if not told."""
    if n_min == 0:
        return True
    return None if record.people is None else FEWEST[record.people] >= n_min
