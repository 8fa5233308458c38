"""The affect record: the only thing that may leave the sensing process.

One record is one datagram of ``SIZE_BYTES`` bytes: a version byte and a bit field. It has no
timestamp, no counter and no free bits: every field is coarse and bounded, reserved bits are zero,
and whatever an honest sender could not have produced is refused on both ends. The table ``FIELDS``
is the whole layout; ``count_valid_records`` says how many different records exist, and a test
counts them again on the wire. The standard library is enough here, so that the publisher never
needs numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any

from edge_affect.errors import RecordError

SCHEMA_VERSION = 1
SIZE_BYTES = 18

EXPRESSION_SUM = 15
"""Expression levels are fifteenths and sum to one: levels of 4 bits without 2**32 combinations."""
SIGNED_MAX = 15
"""Valence and arousal are -15/15 to 15/15."""
STATE_MAX = 14
"""Derived states are 0/14 to 14/14; the sixteenth code means unknown."""
EVENT_MAX = 6
"""Sound-event levels are 0/6 to 6/6; the eighth code means not sensed."""
EVENT_GOING_ON = 3
"""From this level on a sound event is going on; below it is suspected at most."""
SHARE_MAX = 6
"""Speech share is 0/6 to 6/6; the eighth code means not sensed."""
POLARITY_MAX = 3
"""Word polarity is -3/3 to 3/3; the eighth code means no words."""
CONFIDENCE_MAX = 15
N_PHRASES = 8
N_EVENTS = 5
N_STATES = 6


class Expression(IntEnum):
    """Expressions in the order used everywhere: arrays, records, payloads, labels."""

    NEUTRAL = 0
    HAPPINESS = 1
    SURPRISE = 2
    SADNESS = 3
    ANGER = 4
    DISGUST = 5
    FEAR = 6
    CONTEMPT = 7


EXPRESSIONS: tuple[str, ...] = tuple(e.name.lower() for e in Expression)
STATES: tuple[str, ...] = (
    "attention", "engagement", "confusion", "anxiety", "excitement", "incongruence",
)  # fmt: skip
EVENTS: tuple[str, ...] = ("laughter", "cheering", "applause", "crying", "screaming")


class Modality(IntFlag):
    """What the estimate rests on."""

    VOICE = 1
    FACE = 2
    WORDS = 4


NO_MODALITY = Modality(0)


class AbstainReason(IntEnum):
    """Why the record names no affect; ``NONE`` means that it does."""

    NONE = 0
    STARTING = 1
    PAUSED = 2
    NO_SOURCE = 3
    NOBODY = 4
    TOO_FEW_PEOPLE = 5
    POOR_QUALITY = 6
    LOW_CONFIDENCE = 7


class People(IntEnum):
    """How many faces are present, as a bucket."""

    NONE = 0
    ONE = 1
    FEW = 2
    GROUP = 3
    MANY = 4
    CROWD = 5


PEOPLE_TEXT: dict[People, str] = {
    People.NONE: "0",
    People.ONE: "1",
    People.FEW: "2-4",
    People.GROUP: "5-9",
    People.MANY: "10-19",
    People.CROWD: "20+",
}


class SourceState(IntEnum):
    """How a microphone or camera is doing."""

    OFF = 0
    STARTING = 1
    OK = 2
    MISSING = 3
    STALLED = 4
    SILENT = 5
    POOR = 6
    PAUSED = 7


RATE_EDGES_HZ: tuple[float, ...] = (0.5, 2.0, 5.0, 8.0, 12.0, 20.0)
"""Frame-rate bucket i holds rates below edge i; bucket 6 holds everything above."""
LATENCY_EDGES_MS: tuple[float, ...] = (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
"""Bucket i holds latencies from capture to record below edge i; bucket 6 everything above."""
DROP_EDGES: tuple[float, ...] = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5)
"""Bucket i holds shares of input dropped below edge i; bucket 6 everything above."""
N_BUCKETS = 7


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the bit layout.

    Attributes:
        name: Attribute of ``AffectRecord``.
        bits: Width on the wire.
        low: Smallest value.
        high: Largest value; ``high - low + 1`` codes are valid.
        has_unknown: Whether the next code after ``high`` stands for ``None``.
        n_items: How many such values follow each other; above 1 the attribute is a tuple.
    """

    name: str
    bits: int
    low: int
    high: int
    has_unknown: bool = False
    n_items: int = 1

    @property
    def n_values(self) -> int:
        """Number of valid values of one item, unknown included."""
        return self.high - self.low + 1 + self.has_unknown


FIELDS: tuple[Field, ...] = (
    Field("expressions", 4, 0, EXPRESSION_SUM, n_items=len(EXPRESSIONS)),
    Field("valence", 5, -SIGNED_MAX, SIGNED_MAX, has_unknown=True),
    Field("arousal", 5, -SIGNED_MAX, SIGNED_MAX, has_unknown=True),
    Field("valence_relative", 5, -SIGNED_MAX, SIGNED_MAX, has_unknown=True),
    Field("arousal_relative", 5, -SIGNED_MAX, SIGNED_MAX, has_unknown=True),
    Field("states", 4, 0, STATE_MAX, has_unknown=True, n_items=N_STATES),
    Field("events", 3, 0, EVENT_MAX, has_unknown=True, n_items=N_EVENTS),
    Field("polarity", 3, -POLARITY_MAX, POLARITY_MAX, has_unknown=True),
    Field("phrases", 1, 0, 1, n_items=N_PHRASES),
    Field("modalities", 3, 0, 7),
    Field("confidence", 4, 0, CONFIDENCE_MAX),
    Field("abstained", 3, 0, 7),
    Field("people", 3, 0, max(People), has_unknown=True),
    Field("speech_share", 3, 0, SHARE_MAX, has_unknown=True),
    Field("microphone", 3, 0, 7),
    Field("camera", 3, 0, 7),
    Field("frame_rate", 3, 0, N_BUCKETS - 1),
    Field("latency", 3, 0, N_BUCKETS - 1),
    Field("drops", 3, 0, N_BUCKETS - 1),
)
AFFECT_FIELDS: tuple[str, ...] = (
    "expressions", "valence", "arousal", "valence_relative", "arousal_relative", "states",
    "confidence",
)  # fmt: skip
"""Blank while abstaining: an abstaining record says nothing about affect, not even a little."""
SCENE_FIELDS: tuple[str, ...] = (
    "events",
    "polarity",
    "phrases",
    "modalities",
    "people",
    "speech_share",
)
"""Blank as well where nobody may be described at all: paused, starting, or too few people."""
SEALED_REASONS: tuple[AbstainReason, ...] = (
    AbstainReason.STARTING, AbstainReason.PAUSED, AbstainReason.TOO_FEW_PEOPLE,
)  # fmt: skip
N_BITS = sum(f.bits * f.n_items for f in FIELDS)


def _blank(field: Field) -> Any:
    """Return the value of ``field`` that says nothing."""
    item = None if field.has_unknown else 0
    return item if field.n_items == 1 else (item,) * field.n_items


_BLANK: dict[str, Any] = {f.name: _blank(f) for f in FIELDS}


@dataclass(frozen=True, slots=True)
class AffectRecord:
    """One coarse, anonymous description of the scene; construction validates.

    Attributes:
        expressions: Eight levels in fifteenths, order of ``Expression``, summing to 15.
        valence: -15 to 15 in fifteenths, or None if unknown.
        arousal: As ``valence``.
        valence_relative: Difference from the baseline, as ``valence``.
        arousal_relative: Difference from the baseline, as ``valence``.
        states: Six levels in fourteenths, order of ``STATES``, None where not computed.
        events: Five levels in sixths, order of ``EVENTS``, None where not sensed; an event is
            going on from ``EVENT_GOING_ON`` on.
        polarity: Of the words, -3 to 3, or None if there were none.
        phrases: Eight flags, one for each configured phrase slot.
        modalities: What the estimate rests on.
        confidence: 0 to 15 in fifteenths, calibrated after fusion.
        abstained: Why affect is blank, or ``AbstainReason.NONE``.
        people: Bucket of faces present, or None if not told.
        speech_share: Share of the last seconds with speech, in sixths, or None if not sensed.
        microphone: State of the sound source.
        camera: State of the picture source.
        frame_rate: Bucket of ``RATE_EDGES_HZ``.
        latency: Bucket of ``LATENCY_EDGES_MS``.
        drops: Bucket of ``DROP_EDGES``.

    Raises:
        RecordError: If a value is out of range or the fields contradict each other.
    """

    expressions: tuple[int, ...] = _BLANK["expressions"]
    valence: int | None = None
    arousal: int | None = None
    valence_relative: int | None = None
    arousal_relative: int | None = None
    states: tuple[int | None, ...] = _BLANK["states"]
    events: tuple[int | None, ...] = _BLANK["events"]
    polarity: int | None = None
    phrases: tuple[int, ...] = _BLANK["phrases"]
    modalities: Modality = NO_MODALITY
    confidence: int = 0
    abstained: AbstainReason = AbstainReason.NONE
    people: People | None = None
    speech_share: int | None = None
    microphone: SourceState = SourceState.OFF
    camera: SourceState = SourceState.OFF
    frame_rate: int = 0
    latency: int = 0
    drops: int = 0

    def __post_init__(self) -> None:
        for field in FIELDS:
            value = getattr(self, field.name)
            items = value if field.n_items > 1 else (value,)
            if not isinstance(items, tuple) or len(items) != field.n_items:
                raise RecordError(f"Record field {field.name} needs {field.n_items} values.")
            for item in items:
                if item is None and field.has_unknown:
                    continue
                if not isinstance(item, int) or not field.low <= item <= field.high:
                    raise RecordError(
                        f"Record field {field.name} is {item!r}; "
                        f"it must be a whole number from {field.low} to {field.high}."
                    )
        self._check_consistency()

    def _check_consistency(self) -> None:
        if self.abstained == AbstainReason.NONE:
            if sum(self.expressions) != EXPRESSION_SUM:
                raise RecordError(f"Expression levels sum to {sum(self.expressions)}, not 15.")
            if not self.modalities:
                raise RecordError("A record that names affect must say which modality it rests on.")
            return
        blank = AFFECT_FIELDS
        if self.abstained in SEALED_REASONS:
            blank += SCENE_FIELDS
        for name in blank:
            if getattr(self, name) != _BLANK[name]:
                raise RecordError(f"An abstaining record must leave {name} blank.")


def encode(record: AffectRecord) -> bytes:
    """Return the datagram of a record: ``SIZE_BYTES`` bytes, unused bits zero."""
    body = 0
    for field in FIELDS:
        value = getattr(record, field.name)
        for item in value if field.n_items > 1 else (value,):
            code = field.high - field.low + 1 if item is None else item - field.low
            body = body << field.bits | code
    return bytes([SCHEMA_VERSION]) + body.to_bytes(SIZE_BYTES - 1, "big")


_TYPES: dict[str, type[IntEnum | IntFlag]] = {
    "modalities": Modality,
    "abstained": AbstainReason,
    "people": People,
    "microphone": SourceState,
    "camera": SourceState,
}


def decode(datagram: bytes) -> AffectRecord:
    """Return the record in a datagram.

    Raises:
        RecordError: If the size, the version, a reserved bit or any field is not valid.
    """
    if len(datagram) != SIZE_BYTES:
        raise RecordError(f"A record has {SIZE_BYTES} bytes; this datagram has {len(datagram)}.")
    if datagram[0] != SCHEMA_VERSION:
        raise RecordError(f"Record version {datagram[0]} is unknown; expected {SCHEMA_VERSION}.")
    body = int.from_bytes(datagram[1:], "big")
    if body >> N_BITS:
        raise RecordError("Reserved bits of the record are not zero.")
    values: dict[str, Any] = {}
    shift = N_BITS
    for field in FIELDS:
        items: list[int | None] = []
        for _ in range(field.n_items):
            shift -= field.bits
            code = body >> shift & (1 << field.bits) - 1
            if code >= field.n_values:
                raise RecordError(f"Record field {field.name} holds the unused code {code}.")
            is_unknown = field.has_unknown and code == field.n_values - 1
            items.append(None if is_unknown else code + field.low)
        value: Any = tuple(items) if field.n_items > 1 else items[0]
        kind = _TYPES.get(field.name)
        values[field.name] = value if kind is None or value is None else kind(value)
    return AffectRecord(**values)


def count_valid_records() -> int:
    """Return how many different records can be constructed, exactly.

    Affect is blank in all records that abstain; expression levels are the ways to spread 15 over
    8 places, C(22, 7); at least one modality must stand behind a record that names affect.
    """
    by_name: dict[str, int] = {f.name: f.n_values**f.n_items for f in FIELDS}
    by_name["expressions"] = math.comb(EXPRESSION_SUM + len(EXPRESSIONS) - 1, len(EXPRESSIONS) - 1)
    n_affect = math.prod(by_name[name] for name in AFFECT_FIELDS)
    n_scene = math.prod(by_name[name] for name in SCENE_FIELDS)
    n_naming = n_affect * (n_scene // by_name["modalities"]) * (by_name["modalities"] - 1)
    n_open = (by_name["abstained"] - 1 - len(SEALED_REASONS)) * n_scene
    rest = set(by_name) - set(AFFECT_FIELDS) - set(SCENE_FIELDS) - {"abstained"}
    n_rest = math.prod(by_name[name] for name in rest)
    return (n_naming + n_open + len(SEALED_REASONS)) * n_rest


def bits_per_record() -> float:
    """Return the information one tick can carry at most, in bits.

    "No record in this tick" is a symbol too, hence the plus one.
    """
    return math.log2(count_valid_records() + 1)


def leak_ceiling_bits_per_s(tick_hz: float) -> float:
    """Return the upper bound on what can leave the box through records, in bits per second."""
    return bits_per_record() * tick_hz


def bucket(value: float, edges: tuple[float, ...]) -> int:
    """Return how many of ``edges`` (ascending) ``value`` reaches: the bucket it falls into.

    >>> bucket(9.7, RATE_EDGES_HZ)
    4
    """
    return sum(value >= edge for edge in edges)


def people_bucket(n_faces: int) -> People:
    """Return the bucket of a number of faces (>= 0).

    >>> people_bucket(3).name
    'FEW'
    """
    return People(bucket(n_faces, (1, 2, 5, 10, 20)))


class Command(IntEnum):
    """The one byte that may travel towards sensing."""

    PAUSE = 1
    RESUME = 2


def decode_command(datagram: bytes) -> Command:
    """Return the command in a datagram of exactly one byte.

    Raises:
        RecordError: If it is not one known command.
    """
    if len(datagram) != 1 or datagram[0] not in tuple(Command):
        raise RecordError("A command is exactly one known byte.")
    return Command(datagram[0])


if {f.name for f in FIELDS} != {f.name for f in fields(AffectRecord)}:  # pragma: no cover
    raise AssertionError("the bit layout and the record do not have the same fields")
