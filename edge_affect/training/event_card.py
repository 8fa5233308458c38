"""What the manifest and the card of the sound-event model say about its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_affect.perception.manifest import Figure

if TYPE_CHECKING:
    from edge_affect.perception.manifest import Manifest


def figures_of(report: dict[str, Any]) -> tuple[Figure, ...]:
    """Return the headline figures of a report of `evaluate_events`."""
    split = "ESC-50 fold 5 and its non-commercial rows, one of five parts of donateacry-corpus"
    low, high = report["mean_average_precision_interval"]
    figures = [
        Figure("mean_average_precision", report["mean_average_precision"], split, report["n"], low,
               high)
    ]  # fmt: skip
    for event, found in report["per_event"].items():
        for metric in ("average_precision", "recall"):
            low, high = found[f"{metric}_interval"]
            figures.append(Figure(f"{metric} {event}", found[metric], split, found["n"], low, high))
    for name in ("not_learned_from", "everything"):
        found = report["false_events"][name]
        hours = f"{found['hours']:.2f} h without events, {name.replace('_', ' ')}"
        figures.append(
            Figure("false_events_per_hour", found["per_hour"], hours, max(1, found["n"]), None,
                   found["upper_95_per_hour"])
        )  # fmt: skip
    return tuple(figures)


def card_values(manifest: Manifest, content: bytes, found: dict[str, Any]) -> dict[str, str]:
    """Return what the card's placeholders stand for."""
    report = found["report"]
    low, high = report["mean_average_precision_interval"]
    events = [
        f"| {event} | {row['n']} ({row['n_sources']}) | {_with_interval(row, 'average_precision')} "
        f"| {_with_interval(row, 'recall')} | {_seconds(row, 'median')} | {_seconds(row, 'p90')} |"
        for event, row in report["per_event"].items()
    ]
    false_events = report["false_events"]
    named = [(f"{row['corpus']}, {row['part']}", row) for row in false_events["by_corpus"]]
    named += [("all that was not learned from", false_events["not_learned_from"])]
    named += [("everything", false_events["everything"])]
    hours = [
        f"| {name} | {row['hours']:.2f} | {row['n']} | {row['per_hour']:.1f} "
        f"| {row['upper_95_per_hour']:.1f} |"
        for name, row in named
    ]
    heard = [
        f"{label} {count} of {row['n']} as {event}"
        for label, row in report["falsely_heard_in"].items()
        for event, count in row.items()
        if event != "n"
    ]
    return {
        "n_bytes": f"{len(content):,}",
        "sha256": manifest.sha256,
        "n_fit": str(found["n_fit"]),
        "epochs": str(found["epochs"]),
        "n_scenes": f"{found['n_scenes']:,}",
        "seed": str(found["seed"]),
        "map": f"{report['mean_average_precision']:.2f} ({low:.2f}-{high:.2f})",
        "n": str(report["n"]),
        "events": "\n".join(events),
        "false_events": "\n".join(hours),
        "falsely_heard": "; ".join(heard) or "none",
        "dev_map": f"{found['dev']['mean_average_precision']:.2f}",
        "dev_events": ", ".join(f"{k} {v:.2f}" for k, v in found["dev"]["per_event"].items()),
        "thresholds": ", ".join(f"{name} {value:g}" for name, value in found["thresholds"].items()),
        "median_ms": f"{report['median_cpu_ms_per_s']:.1f}",
        "scream_recall": _share(report["rules"]["screaming"]),
        "scream_false": _hourly(false_events["screaming_not_learned_from"]),
        "cheer_false": _hourly(false_events["cheering_not_learned_from"]),
    }


def _with_interval(row: dict[str, Any], metric: str) -> str:
    low, high = row[f"{metric}_interval"]
    return f"{row[metric]:.2f} ({low:.2f}-{high:.2f})"


def _seconds(row: dict[str, Any], name: str) -> str:
    delay_s = row["start_delay_s"][name]
    return "-" if delay_s is None else f"{delay_s:.1f} s"


def _share(row: dict[str, Any]) -> str:
    return "not measured" if row["recall"] is None else f"{row['recall']:.2f} of {row['n']}"


def _hourly(row: dict[str, Any]) -> str:
    return f"{row['n']} in {row['hours']:.1f} h (at most {row['upper_95_per_hour']:.1f} an hour)"
