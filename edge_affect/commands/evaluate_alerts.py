"""``edge-affect evaluate alerts`` and ``trend``: what is made of records after the slit."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.errors import UsageError

if TYPE_CHECKING:
    from edge_affect.evaluation.mood_sequences import MoodSequence

EXAMPLES = """examples:
  edge-affect evaluate alerts --scenarios tests/scenarios/alerts.toml --json
  edge-affect evaluate alerts --scenarios tests/scenarios/alerts.toml --index audio/index.csv \\
      --root audio --speakers 1028-1036 --keep build/moods --json
  edge-affect evaluate trend --index audio/index.csv --root audio --fit 1019-1027 \\
      --speakers 1028-1036 --keep build/moods --json"""

Subjects = argparse._SubParsersAction  # noqa: SLF001 (argparse has no public name for it)


def add_alerts(subjects: Subjects[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Register ``evaluate alerts`` and return its parser."""
    parser = subjects.add_parser(
        "alerts",
        help="precision and recall of the ready-made alert rules",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scenarios", type=Path, required=True, help="TOML file of scenarios")
    parser.add_argument(
        "--noisy", type=int, default=20, metavar="N", help="repeat each with noise; default: 20"
    )
    _add_sequences(parser, is_required=False)
    parser.add_argument(
        "--conversation", metavar="CORPUS", help="also false alarms in this corpus's conversations"
    )
    parser.set_defaults(measure=_alerts)
    return parser


def add_trend(subjects: Subjects[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Register ``evaluate trend`` and return its parser."""
    parser = subjects.add_parser(
        "trend",
        help="whether the forecast of 10 s beats saying that nothing changes",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_sequences(parser, is_required=True)
    parser.add_argument(
        "--fit", metavar="SPEAKERS", help="fit on these first; default: measure what is shipped"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write what was fitted, as trend.json"
    )
    parser.set_defaults(measure=_trend)
    return parser


def _add_sequences(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    parser.add_argument(
        "--index", type=Path, required=is_required, help="CSV with path, label, speaker"
    )
    parser.add_argument(
        "--root", type=Path, required=is_required, help="folder the paths start from"
    )
    parser.add_argument("--corpus", default="crema-d", help="which corpus; default: crema-d")
    parser.add_argument("--speakers", help="such as 1028-1036; default: all")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep records here for next time")


def _sequences(args: argparse.Namespace, speakers: str | None) -> tuple[MoodSequence, ...]:
    from edge_affect.evaluation.mood_sequences import MoodScript, MoodSource, mood_sequences

    source = MoodSource(args.index, args.root, args.corpus, speakers)
    return mood_sequences(source, args.keep, MoodScript())


def _alerts(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.alerts import count_alerts, evaluate_scenarios, evaluate_voices
    from edge_affect.evaluation.mood_sequences import MoodSource, conversation

    if (args.index is None) != (args.root is None):
        raise UsageError("Voices need both --index and --root.")
    if args.conversation is not None and args.index is None:
        raise UsageError("--conversation needs --index and --root.")
    if args.noisy < 0:
        raise UsageError("--noisy must not be below 0.")
    report: dict[str, Any] = {"scenarios": evaluate_scenarios(args.scenarios, args.noisy)}
    if args.index is not None:
        report["voices"] = evaluate_voices(_sequences(args, args.speakers))
    if args.conversation is not None:
        source = MoodSource(args.index, args.root, args.conversation)
        report["conversation"] = count_alerts(conversation(source, "conversation", args.keep))
    return report


def _trend(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.alerting.trend import shipped_models
    from edge_affect.evaluation.recordings import parse_speakers
    from edge_affect.evaluation.trend import evaluate_trend, write_models

    if args.write is not None and args.fit is None:
        raise UsageError("--write needs --fit: what is shipped already needs no writing.")
    if args.fit is not None and args.speakers is None:
        raise UsageError("--fit needs --speakers: other ones to report on.")
    if args.fit is not None and parse_speakers(args.fit) & parse_speakers(args.speakers):
        raise UsageError("--fit and --speakers share a speaker; a forecast is not its own judge.")
    fit_on = None if args.fit is None else _sequences(args, args.fit)
    report, models = evaluate_trend(
        fit_on, _sequences(args, args.speakers), {} if fit_on else shipped_models()
    )
    made_with = {"corpus": args.corpus, "fit": args.fit or "", "report": args.speakers or "all"}
    if args.write is not None:
        write_models(args.write, report, models, made_with)
    return {**made_with, **report}
