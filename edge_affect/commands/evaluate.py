"""``edge-affect evaluate``: measure the models on data sets, with the product's own code path."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edge_affect.commands import (
    evaluate_alerts,
    evaluate_face,
    evaluate_fusion,
    evaluate_states,
    evaluate_voice,
    evaluate_words,
)
from edge_affect.errors import ExitCode

EXAMPLES = """examples:
  edge-affect evaluate face --data face/ferplus.npz --split valid --json
  edge-affect evaluate face --groups face/fairface.csv --root face --json
  edge-affect evaluate voice --index audio/index.csv --root audio --corpus crema-d \\
      --speakers 1019-1036 --json
  edge-affect evaluate events --index audio/index.csv --root audio --json
  edge-affect evaluate activity --index audio/index.csv --root audio --json
  edge-affect evaluate portraits --csv face/pictures.csv --root face --json
  edge-affect evaluate fusion --data fusion/ravdess_posteriors.npz --json
  edge-affect evaluate words --data text/meld_test.csv --json
  edge-affect evaluate states --index audio/index.csv --root audio --corpus ravdess-speech --json
  edge-affect evaluate alerts --scenarios tests/scenarios/alerts.toml --json
  edge-affect evaluate trend --index audio/index.csv --root audio --speakers 1028-1036 --json"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "evaluate",
        help="measure the models on data sets",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)

    face = evaluate_face.add_face(subjects)
    portraits = evaluate_face.add_portraits(subjects)
    evaluate_face.add_plots(subjects)

    voice = evaluate_voice.add_voice(subjects)
    fusion = evaluate_fusion.add_fusion(subjects)

    events = subjects.add_parser(
        "events",
        help="sound events, and sounds that are none",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    events.add_argument("--index", type=Path, required=True, help="CSV with path, label, licence")
    events.add_argument("--root", type=Path, required=True, help="folder the paths start from")
    events.set_defaults(measure=_events)

    activity = subjects.add_parser(
        "activity", help="who speaks when, in meetings", epilog=EXAMPLES, formatter_class=shape
    )
    activity.add_argument("--index", type=Path, required=True, help="CSV with path, label, licence")
    activity.add_argument("--root", type=Path, required=True, help="folder the paths start from")
    activity.set_defaults(measure=_activity)

    states = evaluate_states.add_states(subjects)
    alerts = evaluate_alerts.add_alerts(subjects)
    trend = evaluate_alerts.add_trend(subjects)

    words = evaluate_words.add_words(subjects)

    for subject in (words, face, voice, fusion, events, activity, portraits, states, alerts, trend):
        subject.add_argument("--json", action="store_true", help="print one JSON object")
        subject.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    result: dict[str, Any] = args.measure(args)
    if args.json:
        print(json.dumps(result))
    else:
        print("\n".join(_lines(result)))
    return ExitCode.DONE


def _lines(table: dict[str, Any], indent: str = "") -> list[str]:
    """Return a line for each figure, tables of tables below their name."""
    lines = []
    for name, value in table.items():
        if isinstance(value, dict) and any(isinstance(one, dict | list) for one in value.values()):
            lines += [f"{indent}{name}", *_lines(value, f"{indent}  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{indent}{name}", *(f"{indent}  {_text(one)}" for one in value)]
        else:
            lines.append(f"{indent}{name:{32 - len(indent)}s} {_text(value)}")
    return lines


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    return str(value)


def _events(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.events import evaluate_events

    return evaluate_events(args.index, args.root)


def _activity(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.activity import evaluate_activity

    return evaluate_activity(args.index, args.root)
