"""Numbers for records and back: the whole alphabet of the slit as code words.

``unrank`` is a one-to-one map from 0 .. ``count_valid_records() - 1`` to the valid records and
``rank`` its inverse; ``record_of`` reads a record back from the JSON that subscribers see.
"""

from __future__ import annotations

import math
from typing import Any

from edge_affect import record as r
from edge_affect.publishing.payload import bucket_text

N_PLACES = len(r.EXPRESSIONS)
FREE_REASONS = tuple(
    x for x in r.AbstainReason if x is not r.AbstainReason.NONE and x not in r.SEALED_REASONS
)
REST = tuple(
    f.name for f in r.FIELDS if f.name not in (*r.AFFECT_FIELDS, *r.SCENE_FIELDS, "abstained")
)
BY_NAME = {f.name: f for f in r.FIELDS}


def unrank(number: int) -> r.AffectRecord:
    """Return the valid record with a number, 0 to ``count_valid_records() - 1``."""
    values: dict[str, Any] = {}
    number = _take(number, REST, values)
    n_scene = _n_ways(r.SCENE_FIELDS)
    n_affect = _n_ways(r.AFFECT_FIELDS) * _n_spreads(r.EXPRESSION_SUM, N_PLACES)
    n_naming = n_affect * (n_scene // 8) * 7
    if number < n_naming:
        number, spread = divmod(number, _n_spreads(r.EXPRESSION_SUM, N_PLACES))
        number, modalities = divmod(number, 7)
        number = _take(number, r.AFFECT_FIELDS, values)
        _take(number, r.SCENE_FIELDS, values, but=("modalities",))
        values |= {"expressions": _spread_of(spread), "modalities": r.Modality(modalities + 1)}
        return r.AffectRecord(**_typed(values))
    number -= n_naming
    if number < len(FREE_REASONS) * n_scene:
        number, which = divmod(number, len(FREE_REASONS))
        _take(number, r.SCENE_FIELDS, values)
        return r.AffectRecord(**_typed(values), abstained=FREE_REASONS[which])
    number -= len(FREE_REASONS) * n_scene
    return r.AffectRecord(**_typed(values), abstained=r.SEALED_REASONS[number])


def rank(record: r.AffectRecord) -> int:
    """Return the number of a record; see ``unrank``."""
    n_scene = _n_ways(r.SCENE_FIELDS)
    n_spreads = _n_spreads(r.EXPRESSION_SUM, N_PLACES)
    n_naming = _n_ways(r.AFFECT_FIELDS) * n_spreads * (n_scene // 8) * 7
    if record.abstained is r.AbstainReason.NONE:
        number = _give(0, r.SCENE_FIELDS, record, but=("modalities",))
        number = _give(number, r.AFFECT_FIELDS, record)
        number = number * 7 + int(record.modalities) - 1
        number = number * n_spreads + _number_of(record.expressions)
    elif record.abstained in FREE_REASONS:
        number = _give(0, r.SCENE_FIELDS, record) * len(FREE_REASONS)
        number += n_naming + FREE_REASONS.index(record.abstained)
    else:
        number = n_naming + len(FREE_REASONS) * n_scene
        number += r.SEALED_REASONS.index(record.abstained)
    return _give(number, REST, record)


def record_of(payload: dict[str, Any]) -> r.AffectRecord:
    """Return the record behind the JSON of one ``affect`` message."""
    sensing, words = payload["sensing"], payload["words"]
    has_affect = payload["abstained"] is None
    return r.AffectRecord(
        expressions=(
            tuple(_level(payload["expressions"][name], 15) or 0 for name in r.EXPRESSIONS)
            if has_affect
            else (0,) * N_PLACES
        ),
        valence=_level(payload["valence"], r.SIGNED_MAX),
        arousal=_level(payload["arousal"], r.SIGNED_MAX),
        valence_relative=_level(payload["valence_relative"], r.SIGNED_MAX),
        arousal_relative=_level(payload["arousal_relative"], r.SIGNED_MAX),
        states=tuple(_level(payload["states"][name], r.STATE_MAX) for name in r.STATES),
        events=tuple(_level(payload["events"][name], r.EVENT_MAX) for name in r.EVENTS),
        polarity=_level(words["polarity"], r.POLARITY_MAX),
        phrases=tuple(int(slot + 1 in words["phrases"]) for slot in range(r.N_PHRASES)),
        modalities=r.Modality(sum(r.Modality[name.upper()] for name in payload["modalities"])),
        confidence=_level(payload["confidence"], r.CONFIDENCE_MAX) or 0,
        abstained=(
            r.AbstainReason.NONE
            if has_affect
            else r.AbstainReason[payload["abstained"].upper().replace("-", "_")]
        ),
        people={text: people for people, text in r.PEOPLE_TEXT.items()}.get(payload["people"]),
        speech_share=_level(payload["speech_share"], r.SHARE_MAX),
        microphone=r.SourceState[sensing["microphone"].upper()],
        camera=r.SourceState[sensing["camera"].upper()],
        frame_rate=_bucket(sensing["frame_rate_hz"], r.RATE_EDGES_HZ),
        latency=_bucket(sensing["latency_ms"], r.LATENCY_EDGES_MS),
        drops=_bucket(sensing["dropped"], r.DROP_EDGES, "%", 100.0),
    )


def _level(share: float | None, full: int) -> int | None:
    return None if share is None else round(share * full)


def _bucket(text: str, edges: tuple[float, ...], unit: str = "", scale: float = 1.0) -> int:
    return [bucket_text(i, edges, unit, scale) for i in range(len(edges) + 1)].index(text)


def _n_ways(names: tuple[str, ...]) -> int:
    """How many values fields have together, ``expressions`` apart."""
    return math.prod(BY_NAME[n].n_values ** BY_NAME[n].n_items for n in names if n != "expressions")


def _take(
    number: int, names: tuple[str, ...], values: dict[str, Any], but: tuple[str, ...] = ()
) -> int:
    """Fill ``values`` of fields from the low digits of a number; return what is left of it."""
    for name in names:
        field = BY_NAME[name]
        if name in ("expressions", *but):
            continue
        items: list[int | None] = []
        for _ in range(field.n_items):
            number, code = divmod(number, field.n_values)
            is_unknown = field.has_unknown and code == field.n_values - 1
            items.append(None if is_unknown else code + field.low)
        values[name] = tuple(items) if field.n_items > 1 else items[0]
    return number


def _give(
    number: int, names: tuple[str, ...], record: r.AffectRecord, but: tuple[str, ...] = ()
) -> int:
    """Append fields to a number as its low digits, so that ``_take`` finds them in order."""
    for name in reversed(names):
        field = BY_NAME[name]
        if name in ("expressions", *but):
            continue
        value = getattr(record, name)
        for item in reversed(value if field.n_items > 1 else (value,)):
            number = number * field.n_values
            number += field.n_values - 1 if item is None else int(item) - field.low
    return number


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    kinds = {
        "modalities": r.Modality,
        "people": r.People,
        "microphone": r.SourceState,
        "camera": r.SourceState,
    }
    return {
        name: kinds[name](value) if name in kinds and value is not None else value
        for name, value in values.items()
    }


def _n_spreads(total: int, places: int) -> int:
    return math.comb(total + places - 1, places - 1)


def _spread_of(number: int) -> tuple[int, ...]:
    """Return the way to spread 15 over 8 places that has a number, in lexicographic order."""
    levels, left = [], r.EXPRESSION_SUM
    for places in range(N_PLACES - 1, 0, -1):
        level = 0
        while number >= (n := _n_spreads(left - level, places)):
            number -= n
            level += 1
        levels.append(level)
        left -= level
    return (*levels, left)


def _number_of(levels: tuple[int, ...]) -> int:
    number, left = 0, r.EXPRESSION_SUM
    for places, level in zip(range(N_PLACES - 1, 0, -1), levels, strict=False):
        number += sum(_n_spreads(left - lower, places) for lower in range(level))
        left -= level
    return number
