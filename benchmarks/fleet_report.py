"""What was measured with many boxes: figures, table and plot."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleet_boxes import SENT

READ = struct.Struct("<IIQ")
"""Box, sequence, monotonic nanoseconds."""
RAMP_BOXES_PER_S = 100.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the broker has used so far.

    Attributes:
        at_s: Monotonic clock.
        cpu_s: Processor time.
        rss_kb: Resident memory now.
        n_bytes_in: Bytes of MQTT received, by the broker's own count.
        n_bytes_out: Bytes of MQTT sent.
    """

    at_s: float
    cpu_s: float
    rss_kb: int
    n_bytes_in: int
    n_bytes_out: int


@dataclass(frozen=True, slots=True)
class Load:
    """One run.

    Attributes:
        n_boxes: How many.
        seconds: Each talks this long.
        tick_hz: Records a second and box.
        n_readers: Readers that share the messages.
        outages: Lost connections a box and hour.
        outage_s: The longest.
        seed: Of everything random.
    """

    n_boxes: int
    seconds: float
    tick_hz: float
    n_readers: int
    outages: float
    outage_s: float
    seed: int

    @property
    def ramp_s(self) -> float:
        """How long boxes take to come in."""
        return max(1.0, self.n_boxes / RAMP_BOXES_PER_S)


def traffic(load: Load, total: dict[str, int], sent: bytes, read: list[bytes]) -> dict[str, Any]:
    """Return what became of every record, by rows of ``SENT`` and rows of ``READ``."""
    handed: dict[tuple[int, int], int] = {}
    waited: set[tuple[int, int]] = set()
    for number, sequence, at_ns, has_waited in SENT.iter_unpack(sent):
        handed.setdefault((number, sequence), at_ns)
        if has_waited:
            waited.add((number, sequence))
    came: dict[tuple[int, int], int] = {}
    shares = [len(part) // READ.size for part in read]
    for part in read:
        for number, sequence, at_ns in READ.iter_unpack(part):
            key = (number, sequence)
            came[key] = min(at_ns, came.get(key, at_ns))
    delays = sorted(
        (came[key] - at_ns) / 1e6
        for key, at_ns in handed.items()
        if key in came and key not in waited
    )
    return {
        "boxes": load.n_boxes,
        "seconds": load.seconds,
        "tick_hz": load.tick_hz,
        "records": total["n_records"],
        "read": len(came),
        "lost": total["n_records"] - len(came) - total["n_dropped"],
        "invented": len(came.keys() - handed.keys()),
        "told_lost": total["n_dropped"],
        "twice": sum(shares) - len(came),
        "outages": total["n_outages"],
        "after_an_outage": len(waited & came.keys()),
        "failed_connects": total["n_failed"],
        "unsent": total["n_unsent"],
        "missed_ticks": total["n_missed"],
        "boxes_cpu_s": total["cpu_ms"] / 1000,
        "reader_cpu_us_per_message": round(total["reader_cpu_us"] / max(1, sum(shares)), 1),
        "shares": shares,
        "affect_bytes": round(total["n_payload_bytes"] / max(1, total["n_affect"]), 1),
        "other_per_affect": round(total["n_other"] / max(1, total["n_affect"]), 3),
        "other_bytes": round(total["n_other_bytes"] / max(1, total["n_other"]), 1),
        "delay_ms": {
            name: round(_quantile(delays, share), 2)
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("most", 1.0))
        },
    }


def _quantile(ordered: Sequence[float], share: float) -> float:
    if not ordered:
        raise SystemExit("No message came through.")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def broker_use(load: Load, sent: bytes, idle: Usage, begin: Usage, end: Usage) -> dict[str, Any]:
    """Return what the broker used while all boxes talked."""
    took_s = end.at_s - begin.at_s
    low_ns, high_ns = begin.at_s * 1e9, end.at_s * 1e9
    n_ticks = sum(low_ns <= at_ns < high_ns for _, _, at_ns, _ in SENT.iter_unpack(sent))
    cpu_s = end.cpu_s - begin.cpu_s
    n_in, n_out = end.n_bytes_in - begin.n_bytes_in, end.n_bytes_out - begin.n_bytes_out
    return {
        "measured_s": round(took_s, 1),
        "ticks_per_s": round(n_ticks / took_s, 1),
        "broker_cpu_percent": round(100 * cpu_s / took_s, 2),
        "broker_cpu_us_per_tick": round(1e6 * cpu_s / n_ticks, 1),
        "broker_mb": round(end.rss_kb / 1000, 1),
        "broker_kb_per_box": round((end.rss_kb - idle.rss_kb) / load.n_boxes, 1),
        "mqtt_bytes_in_per_tick": round(n_in / n_ticks, 1),
        "mqtt_bytes_out_per_tick": round(n_out / n_ticks, 1),
    }


HEADS = (
    ("boxes", "boxes"), ("ticks_per_s", "records a second"), ("records", "records"),
    ("missed_ticks", "not made"), ("lost", "lost"), ("twice", "twice"), ("outages", "outages"),
    ("delay_ms.p50", "p50 ms"), ("delay_ms.p95", "p95 ms"), ("delay_ms.p99", "p99 ms"),
    ("broker_cpu_percent", "broker CPU %"), ("broker_mb", "broker MB"),
    ("broker_kb_per_box", "kB a box"), ("mqtt_bytes_in_per_tick", "bytes in a record"),
    ("mqtt_bytes_out_per_tick", "bytes out"),
)  # fmt: skip


def _cell(report: dict[str, Any], name: str) -> str:
    value: Any = report
    for part in name.split("."):
        value = value[part]
    return f"{value:,}"


def table(reports: Sequence[dict[str, Any]]) -> str:
    """Return the main figures as a Markdown table."""
    lines = ["| " + " | ".join(head for _, head in HEADS) + " |", "|---" * len(HEADS) + "|"]
    lines += ["| " + " | ".join(_cell(r, name) for name, _ in HEADS) + " |" for r in reports]
    return "\n".join(lines)


def draw(reports: Sequence[dict[str, Any]]) -> str:
    """Return delays, processor time and memory over the number of boxes, as SVG."""
    from edge_affect.evaluation.charts import Axis, Panel, Series
    from edge_affect.evaluation.plots import sheet

    x = tuple(float(i) for i in range(len(reports)))
    across = Axis(
        "boxes", 0.0, max(1.0, x[-1]),
        tuple((i, f"{r['boxes']:,}") for i, r in zip(x, reports, strict=True)),
    )  # fmt: skip

    def axis(name: str, values: Sequence[float]) -> Axis:
        top = max([*values, 1e-9])
        step = 10.0 ** len(str(int(top))) / 10 if top >= 1 else 0.1
        while top / step > 6:
            step *= 2
        ticks = [step * i for i in range(int(top / step) + 2)]
        return Axis(name, 0.0, ticks[-1], tuple((tick, f"{tick:g}") for tick in ticks))

    delays = [
        Series(name, colour, x, tuple(r["delay_ms"][name] for r in reports))
        for name, colour in (("p50", "#2a6f97"), ("p95", "#e07a1f"), ("p99", "#b3261e"))
    ]
    cpu = Series("broker", "#2a6f97", x, tuple(r["broker_cpu_percent"] for r in reports))
    memory = Series("broker", "#2a6f97", x, tuple(r["broker_mb"] for r in reports))
    slowest = [y for series in delays for y in series.y]
    panels = [
        Panel(60, 70, 230, 200, across, axis("ms", slowest), "delay, ms", tuple(delays)),
        Panel(360, 70, 230, 200, across, axis("%", cpu.y), "processor time, % of a core", (cpu,)),
        Panel(660, 70, 230, 200, across, axis("MB", memory.y), "broker's memory, MB", (memory,)),
    ]
    return sheet("Boxes at one broker", panels, delays)
