"""``edge-affect doctor``: checks machine, models, cage, place, devices and broker, one by one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge_affect import config as configuration
from edge_affect.diagnosis.all_checks import CHECKS, STAGES
from edge_affect.diagnosis.check import Result, State, Subject, examine, exit_code
from edge_affect.errors import UsageError

EXAMPLES = """examples:
  edge-affect doctor --config box.toml
  edge-affect doctor --only privacy --json
  edge-affect doctor --config box.toml --only devices --look"""
COLOURS = {State.OK: "32", State.WARN: "33", State.FAIL: "31", State.SKIPPED: "2"}
NAME_WIDTH = 17


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "doctor",
        help="check machine, models, cage, place, devices and broker",
        description="Looks at everything the box needs, says what it found and what to do. Opens "
        "no microphone, and the camera only with --look. The broker is tried where a configuration "
        "is named. Ends with the code of the first failure; a warning is none.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="configuration file")
    parser.add_argument(
        "--only", choices=STAGES, action="append", help="only this part; repeatable"
    )
    parser.add_argument(
        "--look",
        action="store_true",
        help="look through the camera, in a cage, for faces: which way up does it hang?",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the checks and print what they found."""
    if args.look and args.config is None:
        raise UsageError("--look opens the camera of a declared deployment; name its --config.")
    config = configuration.load(args.config) if args.config else configuration.Config()
    checks = [
        check
        for check in CHECKS
        if args.only is None or check.stage in args.only
        if args.config is not None or not check.is_live
        if args.look or not check.opens_devices
    ]
    results = examine(checks, Subject(config, args.config))
    code = exit_code(results)
    if args.json:
        rows = [result.as_json() for result in results]
        print(json.dumps({"checks": rows, "exit_code": int(code)}, indent=2))
    else:
        print("\n".join(line for result in results for line in _lines(result)))
    return code


def _lines(result: Result) -> list[str]:
    finding = result.finding
    word = finding.state.value.ljust(7)
    if sys.stdout.isatty():
        word = f"\x1b[{COLOURS[finding.state]}m{word}\x1b[0m"
    lines = [f"{word}  {result.check.name.ljust(NAME_WIDTH)}  {finding.sentence}"]
    if finding.remedy:
        lines.append(f"{'':28}-> {finding.remedy}")
    return lines
