"""One box on a screen: what the room feels now, how it got there, and whether it is still true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.record import EVENT_GOING_ON, EVENT_MAX, EVENTS, EXPRESSIONS, STATES
from edge_affect.subscriber.box import Presence
from edge_affect.subscriber.fields import number, table, text, texts
from edge_affect.subscriber.history import COLUMNS
from edge_affect.terminal import words
from edge_affect.terminal.drawing import bar, binned, tall_curve, trail
from edge_affect.terminal.rows import Row, beside, clean, padded, plain, row

if TYPE_CHECKING:
    from edge_affect.publishing.screen import Look
    from edge_affect.subscriber.box import Box
    from edge_affect.subscriber.fleet import Link
    from edge_affect.subscriber.history import Point
    from edge_affect.subscriber.reading import Reading

TRAIL_S = 60
"""How much of the past the trail shows."""
SPAN_S = 120
"""How much of the past the curves show, at least."""
GOING_ON = EVENT_GOING_ON / EVENT_MAX
NAME_CELLS = 10
TALL, WIDE = 36, 110
"""From these sizes on, pictures are larger."""
NOTHING = "--"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a view is drawn for.

    Attributes:
        width: Cells.
        height: Rows.
        now_s: Monotonic clock.
        link: Of the fleet.
        look: What the screen can show.
        footer: The last row, about keys.
    """

    width: int
    height: int
    now_s: float
    link: Link
    look: Look
    footer: str


def box_rows(box: Box, frame: Frame) -> list[Row]:
    """Return ``frame.height`` rows, or fewer where there is nothing more to say."""
    presence = box.presence(frame.now_s, is_connected=frame.link.is_connected)
    points = box.history.since(0)
    rows = [*_head(box, presence, frame), *_now(box, presence, frame)]
    rows += _over_time(box, presence, points, frame)
    rows += _states(box, presence, frame)
    tail = [_sensing(box, presence), *_health(box, frame), row((frame.footer, "dim"))]
    room = frame.height - len(rows) - len(tail)
    rows += _alerts(box, presence, max(1, min(room // 2, 4)))
    rows += _lately(box, frame.height - len(rows) - len(tail))
    rows += [row("")] * (frame.height - len(rows) - len(tail))
    return [*rows[: max(0, frame.height - len(tail))], *tail][: frame.height]


def _head(box: Box, presence: Presence, frame: Frame) -> list[Row]:
    word = words.presence_word(presence)
    item = box.latest
    when = "" if item is None else words.clock(item.unix_ms)
    if item is not None and not item.is_clock_synced:
        when += " (clock unsure)"
    right = f" {word}  {when} "
    name = padded(f" {clean(box.name)}", frame.width - len(right))
    style = words.PRESENCE_STYLE[presence]
    line = "─" if frame.look.has_blocks else "-"
    return [row((name, "bold"), (right, style)), row((line * frame.width, "dim"))]


def _now(box: Box, presence: Presence, frame: Frame) -> list[Row]:
    """Return two rows: the answer, and what it rests on."""
    item = box.latest
    if presence is not Presence.LIVE or item is None:
        sentence = words.presence_sentence(box, presence, frame.now_s, frame.link)
        last = ""
        if item is not None and item.expression is not None:
            last = f" It last said: {clean(item.expression)}, at {words.clock(item.unix_ms)}."
        return [row((f" {sentence}", "bold")), row((last, "dim"))]
    if item.abstained is not None:
        return [
            row((f" no affect: {words.reason(item)}", "bold dim")),
            row((f" {_rest(item)}", "dim")),
        ]
    share = (item.expressions or (0.0,))[EXPRESSIONS.index(item.expression or EXPRESSIONS[0])]
    name = item.expression or ""
    mixture = f"  ({clean(item.blend)})" if item.blend else ""
    sure = f"  confidence {bar(item.confidence, 8, frame.look)} {item.confidence:.0%}"
    return [
        row(" ", (f"{name.upper():{NAME_CELLS}s}", f"bold {name}"),
            (bar(share, 16, frame.look), name), f" {share:4.0%}", (sure, ""), (mixture, "bold")),
        row((f" {_rest(item)}", "")),
    ]  # fmt: skip


def _rest(item: Reading) -> str:
    parts = [
        f"valence {_signed(item.valence)}  arousal {_signed(item.arousal)}",
        words.people(item),
        "" if item.speech_share is None else f"speech {item.speech_share:.0%}",
        f"from {'+'.join(clean(m) for m in item.modalities)}" if item.modalities else "",
    ]
    return "   ".join(part for part in parts if part)


def _signed(value: float | None) -> str:
    return NOTHING if value is None else f"{value:+.1f}"


def _over_time(box: Box, presence: Presence, points: Sequence[Point], frame: Frame) -> list[Row]:
    """Return a heading and a curve for each expression, with the trail beside them."""
    n_high = 2 if frame.height >= TALL else 1
    plane_width = 51 if n_high > 1 and frame.width >= WIDE else 31 if frame.width >= WIDE else 25
    left_width = frame.width - plane_width - 2
    n_bins = max(8, left_width - NAME_CELLS - 7)
    bin_s = -(-SPAN_S // n_bins)
    item = box.latest
    is_now = presence is Presence.LIVE and item is not None
    end = _end(box, points, frame.now_s)
    span = words.length(n_bins * bin_s)
    rows = [row((f" expressions, last {span}", "dim"))]
    shares = item.expressions if is_now and item is not None else None
    for place, name in enumerate(EXPRESSIONS):
        values = [(second, _hundredth(said[place])) for second, said in points]
        said = NOTHING if shares is None else f"{shares[place]:.0%}"
        *upper, lowest = tall_curve(binned(values, end, n_bins, bin_s), n_high, frame.look)
        rows += [row(" " * (NAME_CELLS + 6), (part, name)) for part in upper]
        rows.append(row((f" {name:{NAME_CELLS}s}", name), f"{said:>4s} ", (lowest, name)))
    size = plane_width, len(rows) - 2
    plane = _plane(box, points, end, size, is_now=is_now, look=frame.look)
    return [beside(left, right, left_width) for left, right in zip(rows, plane, strict=True)]


def _plane(
    box: Box, points: Sequence[Point], end: int, size: tuple[int, int], *, is_now: bool, look: Look
) -> list[Row]:
    """Return a heading, the plane of ``size`` cells, and a row on what its axes are."""
    width, height = size
    at = COLUMNS.index("valence"), COLUMNS.index("arousal")
    path = [
        (valence / 100, arousal / 100)
        for second, said in points
        if second > end - TRAIL_S
        for valence, arousal in [(said[at[0]], said[at[1]])]
        if valence is not None and arousal is not None
    ]
    item = box.latest
    has_head = is_now and item is not None and item.valence is not None and bool(path)
    marks = set(_unvalidated(box)) & {"valence", "arousal"}
    title = f"arousal up, {TRAIL_S} s{'  (?)' if marks else ''}"
    heading = row((padded(title, width), "dim"))
    foot = row((f"{'unpleasant':{width - 8}s}pleasant"[:width], "dim"))
    return [heading, *trail(path, width, height, look, has_head=has_head), foot]


def _hundredth(value: int | None) -> float | None:
    return None if value is None else value / 100


def _end(box: Box, points: Sequence[Point], now_s: float) -> int:
    """Return the present second by the clock of the box, as far as it is known."""
    newest = points[-1][0] if points else 0
    if box.latest is None:
        return newest
    age_s = box.age_s(now_s)
    return max(newest, box.latest.unix_ms // 1000 + round(age_s or 0.0))


def _states(box: Box, presence: Presence, frame: Frame) -> list[Row]:
    item = box.latest if presence is Presence.LIVE else None
    unsure, absent = set(_unvalidated(box)), set(texts((box.about or {}).get("not_sensed")))
    cells = []
    for place, name in enumerate(STATES):
        value = None if item is None else item.states[place]
        mark = "?" if f"states.{name}" in unsure else ""
        label = f"{name}{mark}"
        drawn = NOTHING if value is None else f"{bar(value, 6, frame.look)} {value:.1f}"
        cells.append(f"{label:15s}{drawn:11s}")
    n_across = next((n for n in (6, 3, 2) if frame.width > 26 * n), 1)
    rows = [row(" " + "".join(cells[i : i + n_across])) for i in range(0, len(cells), n_across)]
    pieces = [(" sounds  ", "dim")]
    for place, name in enumerate(EVENTS):
        value = None if item is None else item.events[place]
        if f"events.{name}" in absent:
            continue
        is_on = value is not None and value >= GOING_ON
        drawn = NOTHING if value is None else f"{value:.1f}"
        pieces += [(f"{name.upper() if is_on else name} {drawn}", "inverse" if is_on else "")]
        pieces += [("  ", "")]
    deaf = [name for name in EVENTS if f"events.{name}" in absent]
    if deaf:
        pieces.append((f"not sensed: {', '.join(deaf)}", "dim"))
    return [*rows, pieces]


def _unvalidated(box: Box) -> tuple[str, ...]:
    return texts((box.about or {}).get("unvalidated"))


def _alerts(box: Box, presence: Presence, n_rows: int) -> list[Row]:
    if presence is not Presence.LIVE:
        return [row((" alerts  not known while the box is not live", "dim"))]
    raised = box.raised
    if not raised:
        return [row((" alerts  ", "dim"), "none raised")]
    rows = []
    for note in raised[:n_rows]:
        since = "" if note.since_ms is None else f" since {words.clock(note.since_ms)}"
        severity = clean(note.severity or "alert")
        style = words.SEVERITY_STYLE.get(note.severity or "", "bold")
        said = clean(note.message or "")
        rows.append(row(" ", (f" {severity} ", style), f" {clean(note.name)}{since}: {said}"))
    if len(raised) > n_rows:
        rows[-1] = row((f" and {len(raised) - n_rows + 1} more alerts are raised", "bold"))
    return rows


def _lately(box: Box, n_rows: int) -> list[Row]:
    rows = []
    for item in list(box.happenings)[::-1][: max(0, n_rows)]:
        said, style = words.happening(item)
        rows.append(row((f" {words.clock(item.start_ms)}  ", "dim"), (said, style)))
    return rows


def _sensing(box: Box, presence: Presence) -> Row:
    item = box.latest
    if presence is not Presence.LIVE or item is None:
        return row((" sensing  not known", "dim"))
    said = item.sensing
    pieces = [(" sensing  ", "dim")]
    for source in ("microphone", "camera"):
        word = clean(said.get(source, NOTHING))
        style = "" if word in ("ok", "off") else "warn bold"
        pieces += [(f"{source} {word}", style), ("  ", "")]
    rest = f"{said.get('frame_rate_hz', NOTHING)} Hz  {said.get('latency_ms', NOTHING)} ms"
    return [*pieces, (clean(f"{rest}  dropped {said.get('dropped', NOTHING)}"), "")]


def _health(box: Box, frame: Frame) -> list[Row]:
    age_s = box.health_age_s(frame.now_s)
    said: dict[str, Any] = box.health or {}
    if age_s is None:
        return [row((" health   nothing said yet", "dim"))]
    queue = table(said.get("queue"))
    waiting = number(queue.get("messages"), 0, 1e12) or 0
    lost = number(queue.get("lost"), 0, 1e12) or 0
    parts = [f"{waiting:.0f} waiting", f"{lost:.0f} lost"]
    spool = text(queue.get("spool"))
    parts += [] if spool in (None, "off") else [f"spool {clean(spool or '')}"]
    degrees = number(said.get("temperature_c"), -50, 200)
    parts += [] if degrees is None else [f"{degrees:.0f} C"]
    memory = number(said.get("memory_mb"), 0, 1e6)
    parts += [] if memory is None else [f"{memory:.0f} MB"]
    reconnects = number(said.get("reconnects"), 0, 1e9) or 0
    parts += [f"{reconnects:.0f} reconnects"] if reconnects else []
    parts += [f"{box.n_late} late"] if box.n_late else []
    is_old = age_s > 35.0
    old = f"   ({length_ago(age_s)})" if is_old else ""
    style = "dim" if is_old else "warn" if lost or spool in ("full", "failed") else ""
    return [row((" health   ", "dim"), ("  ".join(parts) + old, style))]


def length_ago(seconds: float) -> str:
    """Return how long ago something was said."""
    return f"said {words.length(seconds)} ago"


def text_of(rows: Sequence[Row]) -> str:
    """Return rows as text without styles, for tests and bug reports."""
    return "\n".join(plain(one) for one in rows)
