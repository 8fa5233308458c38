"""All boxes on one screen: a row each, those that need somebody first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from edge_affect.publishing.screen import distribution
from edge_affect.record import EXPRESSIONS
from edge_affect.subscriber.box import Presence
from edge_affect.subscriber.history import COLUMNS
from edge_affect.terminal import words
from edge_affect.terminal.box_view import SPAN_S
from edge_affect.terminal.drawing import binned, curve
from edge_affect.terminal.rows import Row, clean, padded, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.subscriber.box import Box
    from edge_affect.subscriber.fleet import Fleet
    from edge_affect.terminal.box_view import Frame

HEAD_ROWS = 4
NOW_CELLS = 16
FIXED_CELLS = 11 + NOW_CELLS + 10 + 14
"""All columns but the name and the curve."""
_VALENCE = COLUMNS.index("valence")


def ordered(fleet: Fleet, now_s: float) -> list[Box]:
    """Return the boxes: those with alerts, those that are not live, the others; each by name."""
    is_connected = fleet.link.is_connected

    def rank(box: Box) -> tuple[int, str]:
        is_live = box.presence(now_s, is_connected=is_connected) is Presence.LIVE
        has_alert = is_live and bool(box.raised)
        return (0 if has_alert else 2 if is_live else 1, box.name)

    return sorted(fleet, key=rank)


def fleet_rows(fleet: Fleet, boxes: Sequence[Box], chosen: str | None, frame: Frame) -> list[Row]:
    """Return ``frame.height`` rows.

    Args:
        fleet: For its link and what was left out.
        boxes: In the order in which they are shown.
        chosen: Name of the box that Enter opens, or None.
        frame: What it is drawn for.
    """
    presences = {
        box.name: box.presence(frame.now_s, is_connected=frame.link.is_connected) for box in boxes
    }
    line = "─" if frame.look.has_blocks else "-"
    rows = [_summary(fleet, boxes, presences), row((line * frame.width, "dim"))]
    name_cells = max(12, min(28, frame.width - 68))
    n_bins = max(4, frame.width - name_cells - FIXED_CELLS)
    bin_s = -(-SPAN_S // n_bins)
    heads = f" {'box':{name_cells}s} {'state':8s} {'now':{NOW_CELLS}s}{'shares':10s}"
    span = words.length(n_bins * bin_s)
    rows.append(row((f"{heads}{'people':7s}{'alerts':7s}valence {span}", "dim")))
    room = frame.height - HEAD_ROWS
    first = _first_shown(boxes, chosen, room)
    for box in boxes[first : first + room]:
        said = _row(box, presences[box.name], name_cells, (n_bins, bin_s), frame)
        if box.name == chosen:
            said = [(">" + said[0][0][1:], said[0][1] + " inverse"), *said[1:]]
        rows.append(said)
    if not boxes:
        rows.append(row(" Nothing was heard of any box yet."))
    rows += [row("")] * (frame.height - len(rows) - 1)
    hidden = len(boxes) - room
    more = f"   {hidden} more: scroll with the arrows" if hidden > 0 else ""
    return [*rows, row((frame.footer + more, "dim"))]


def _first_shown(boxes: Sequence[Box], chosen: str | None, room: int) -> int:
    place = next((i for i, box in enumerate(boxes) if box.name == chosen), 0)
    return max(0, min(place - room // 2, len(boxes) - room))


def _summary(fleet: Fleet, boxes: Sequence[Box], presences: dict[str, Presence]) -> Row:
    if not fleet.link.is_connected:
        reason = clean(fleet.link.error or "The broker is not there.")
        return row((" NO BROKER ", "bad inverse"), (f" {reason}", "bold"))
    counts = Counter(presences.values())
    parts = [f" {words.count(len(boxes), 'box')}"]
    parts += [f"{counts[p]} {words.presence_word(p)}" for p in Presence if counts[p]]
    if fleet.n_left_out:
        parts.append(f"{fleet.n_left_out} not shown")
    n_alerts = sum(len(b.raised) for b in boxes if presences[b.name] is Presence.LIVE)
    alerts = words.count(n_alerts, "alert") + " raised"
    return row(
        (", ".join(parts), "bold"), "   ", (f" {alerts} ", "bad inverse" if n_alerts else "")
    )


def _row(box: Box, presence: Presence, name_cells: int, bins: tuple[int, int], frame: Frame) -> Row:
    name = padded(clean(box.name), name_cells)
    word = padded(words.presence_word(presence), 8)
    pieces: Row = [(f" {name} ", "bold"), (word, words.PRESENCE_STYLE[presence]), (" ", "")]
    item = box.latest
    if presence is not Presence.LIVE or item is None:
        age_s = box.age_s(frame.now_s)
        told = "not known" if age_s is None else f"not known for {words.length(age_s)}"
        return [*pieces, (padded(told, NOW_CELLS + 10), "bold")]
    if item.abstained is not None or item.expressions is None:
        pieces.append((padded(f"no affect: {words.reason(item)}", NOW_CELLS + 10), "dim"))
    else:
        expression = item.expression or ""
        shares = dict(zip(EXPRESSIONS, item.expressions, strict=True))
        pieces += [
            (f"{expression:10s}", expression), (f"{item.confidence:4.0%}  ", ""),
            (distribution(shares, frame.look), ""), ("  ", ""),
        ]  # fmt: skip
    raised = box.raised
    points = box.history.since(0)
    end = max(item.unix_ms // 1000 + round(box.age_s(frame.now_s) or 0.0), points[-1][0])
    values = [
        (second, None if said[_VALENCE] is None else (said[_VALENCE] + 100) / 200)  # type: ignore[operator]
        for second, said in points
    ]
    return [
        *pieces,
        (padded(item.people or "--", 7), ""),
        (padded(str(len(raised)) if raised else "-", 7), "bad inverse" if raised else "dim"),
        (curve(binned(values, end, *bins), frame.look), ""),
    ]
