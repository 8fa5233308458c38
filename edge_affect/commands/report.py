"""``edge-affect report``: what analysed recordings say, as one page to read and print."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_affect.errors import ExitCode, UsageError

EXAMPLES = """examples:
  edge-affect report results --kind contact-centre --out calls.html
  edge-affect report results --kind lesson --markers slides.csv --language zh --out lesson.html
  edge-affect report results --kind show --alerts-per-week 3 --hours-per-week 12 --out show.html"""
_KINDS = ("contact-centre", "lesson", "show")
_LANGUAGES = ("en", "zh")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "report",
        help="what analysed recordings say, as one page to read and print",
        description="Writes one HTML file with plots that needs no other, from a folder that "
        "edge-affect analyze wrote. Proposes alert thresholds, and applies none. See "
        "docs/reports.md.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="results of edge-affect analyze")
    parser.add_argument("--kind", choices=_KINDS, required=True, help="what was recorded")
    parser.add_argument("--language", choices=_LANGUAGES, default="en", help="default: en")
    parser.add_argument("--out", type=Path, required=True, help="the .html file to write")
    parser.add_argument(
        "--markers", type=Path, metavar="FILE", help="where sections begin: CSV at,text or JSON"
    )
    parser.add_argument(
        "--started", metavar="TIME", help="when the recording started, for markers with a time"
    )
    parser.add_argument(
        "--alerts-per-week", type=_positive, default=5.0, metavar="N",
        help="of one rule at most, for proposed thresholds; default: 5",
    )  # fmt: skip
    parser.add_argument(
        "--hours-per-week", type=_hours, default=40.0, metavar="N",
        help="how long the box would watch in a week; default: 40",
    )  # fmt: skip
    parser.set_defaults(run=run)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, up to 10000")
    return value


def _hours(text: str) -> float:
    value = _positive(text)
    if value > 168:
        raise argparse.ArgumentTypeError(f"{text!r} is more hours than a week has")
    return value


def run(args: argparse.Namespace) -> int:
    """Write the report."""
    from edge_affect.insights.tables import write_bytes
    from edge_affect.reporting.languages import LANGUAGES
    from edge_affect.reporting.making import CALLS, Wish, report
    from edge_affect.reporting.markers import read_markers
    from edge_affect.reporting.page import page
    from edge_affect.reporting.results import Results, check_policy

    if args.out.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"--out {args.out} must end in .html.")
    if args.kind == CALLS and args.markers is not None:
        raise UsageError("--markers are for lessons and shows; calls have no slides.")
    if args.started is not None and args.markers is None:
        raise UsageError("--started is for --markers; name the file of markers as well.")
    results = Results(args.folder)
    check_policy(results.run, args.kind)
    markers = () if args.markers is None else read_markers(args.markers, args.started)
    wish = Wish(args.kind, markers, args.alerts_per_week, args.hours_per_week)
    text = page(report(results, wish, LANGUAGES[args.language]))
    write_bytes(args.out, text.encode("utf-8"))
    print(f"Wrote {args.out}: {len(results.recordings)} recordings.")
    return ExitCode.DONE
