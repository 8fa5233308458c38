"""The record: layout, validation, and how many valid ones there are, counted on the wire."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect import record as r
from edge_affect.errors import RecordError

NAMING = r.AffectRecord(
    expressions=(15, 0, 0, 0, 0, 0, 0, 0), valence=0, arousal=0, modalities=r.Modality.FACE
)
OPEN = r.AffectRecord(abstained=r.AbstainReason.NOBODY)
SEALED = r.AffectRecord(abstained=r.AbstainReason.PAUSED)


def offset_of(name: str) -> int:
    """Bits to the right of a field in the body."""
    after = r.FIELDS[[f.name for f in r.FIELDS].index(name) :]
    return sum(f.bits * f.n_items for f in after)


def accepted_codes(base: r.AffectRecord, field: r.Field) -> int:
    """How many codes of a field's first item the receiver accepts beside ``base``."""
    body = int.from_bytes(r.encode(base)[1:], "big")
    shift = offset_of(field.name) - field.bits
    cleared = body & ~(((1 << field.bits) - 1) << shift)
    n = 0
    for code in range(1 << field.bits):
        datagram = bytes([r.SCHEMA_VERSION]) + (cleared | code << shift).to_bytes(17, "big")
        try:
            r.decode(datagram)
        except RecordError:
            continue
        n += 1
    return n


def compositions(total: int, places: int):
    """All ways to spread ``total`` over ``places``."""
    if places == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in compositions(total - first, places - 1):
            yield (first, *rest)


def test_budget_is_kept():
    assert r.SIZE_BYTES <= 24
    assert len(r.encode(NAMING)) == r.SIZE_BYTES
    assert r.N_BITS == 133
    assert math.log2(r.count_valid_records()) <= 160


def test_the_number_of_valid_records_is_what_the_wire_accepts():
    def ways(base: r.AffectRecord) -> int:
        fixed = ("expressions", "abstained")
        counts = [accepted_codes(base, f) ** f.n_items for f in r.FIELDS if f.name not in fixed]
        assert len(counts) == len(r.FIELDS) - 2
        return math.prod(counts)

    spreads = list(compositions(r.EXPRESSION_SUM, len(r.EXPRESSIONS)))
    assert len(spreads) == 170_544
    for levels in spreads[::97]:
        assert r.decode(r.encode(replace(NAMING, expressions=levels))).expressions == levels
    reasons = [x for x in r.AbstainReason if x is not r.AbstainReason.NONE]
    total = ways(NAMING) * len(spreads)
    total += sum(ways(r.AffectRecord(abstained=reason)) for reason in reasons)
    assert total == r.count_valid_records()


def test_widening_the_record_is_noticed():
    # A change of these figures widens or narrows what can leave the box: see PRIVACY.md.
    assert round(r.bits_per_record(), 2) == 114.42
    assert round(r.leak_ceiling_bits_per_s(1.0), 2) == 114.42
    assert round(r.leak_ceiling_bits_per_s(5.0), 1) == 572.1


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        r.encode(NAMING)[:-1],
        r.encode(NAMING) + b"\0",
        b"\x02" + r.encode(NAMING)[1:],
        bytes([1, 0x20]) + r.encode(NAMING)[2:],
        bytes([1]) + bytes(17),
        bytes([1]) + b"\x1f" + b"\xff" * 16,
    ],
    ids=["empty", "short", "long", "version", "reserved-bit", "all-zero", "all-one"],
)
def test_malformed_datagrams_are_refused(datagram):
    with pytest.raises(RecordError):
        r.decode(datagram)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (NAMING, {"expressions": (14, 0, 0, 0, 0, 0, 0, 0)}),
        (NAMING, {"expressions": (15, 0, 0)}),
        (NAMING, {"expressions": (16, -1, 0, 0, 0, 0, 0, 0)}),
        (NAMING, {"modalities": r.NO_MODALITY}),
        (NAMING, {"valence": 16}),
        (NAMING, {"valence": 0.5}),
        (NAMING, {"confidence": None}),
        (NAMING, {"people": 6}),
        (OPEN, {"confidence": 1}),
        (OPEN, {"valence": 0}),
        (OPEN, {"states": (3, None, None, None, None, None)}),
        (SEALED, {"people": r.People.FEW}),
        (SEALED, {"events": (0, 0, 0, 0, 0)}),
        (SEALED, {"speech_share": 0}),
    ],
)
def test_contradictory_records_cannot_be_made(base, change):
    with pytest.raises(RecordError):
        replace(base, **change)


@st.composite
def records(draw) -> r.AffectRecord:
    """Any valid record."""

    def item(field):
        value = st.integers(field.low, field.high)
        return draw(st.none() | value) if field.has_unknown else draw(value)

    values = {
        f.name: tuple(item(f) for _ in range(f.n_items)) if f.n_items > 1 else item(f)
        for f in r.FIELDS
    }
    reason = r.AbstainReason(values["abstained"])
    blank = r.AffectRecord(abstained=r.AbstainReason.NOBODY)
    if reason is r.AbstainReason.NONE:
        cuts = sorted(draw(st.lists(st.integers(0, 15), min_size=7, max_size=7)))
        values["expressions"] = tuple(b - a for a, b in zip([0, *cuts], [*cuts, 15], strict=True))
        values["modalities"] = values["modalities"] or 1
    else:
        names = r.AFFECT_FIELDS + (r.SCENE_FIELDS if reason in r.SEALED_REASONS else ())
        values.update({name: getattr(blank, name) for name in names})
    return r.AffectRecord(**values)


@given(records())
def test_what_goes_in_comes_out(record):
    assert r.decode(r.encode(record)) == record


@given(st.binary(min_size=18, max_size=18))
def test_whatever_decodes_encodes_to_the_same_bytes(datagram):
    datagram = bytes([r.SCHEMA_VERSION]) + datagram[1:]
    try:
        record = r.decode(datagram)
    except RecordError:
        return
    assert r.encode(record) == datagram


def test_commands_are_one_known_byte():
    assert [r.decode_command(bytes([c])) for c in (1, 2)] == [r.Command.PAUSE, r.Command.RESUME]
    for datagram in (b"", b"\0", b"\3", b"\1\1"):
        with pytest.raises(RecordError):
            r.decode_command(datagram)


def test_buckets_meet_at_their_edges():
    assert [r.people_bucket(n).name for n in (0, 1, 2, 4, 5, 9, 10, 19, 20, 500)] == [
        "NONE", "ONE", "FEW", "FEW", "GROUP", "GROUP", "MANY", "MANY", "CROWD", "CROWD",
    ]  # fmt: skip
    assert len(r.RATE_EDGES_HZ) == len(r.LATENCY_EDGES_MS) == len(r.DROP_EDGES) == r.N_BUCKETS - 1
