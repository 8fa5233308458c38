"""``edge-affect policy``: what applies where the box stands, and why."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from edge_affect import config as configuration
from edge_affect.config import EXCEPTIONS, JURISDICTIONS, SETTINGS, Config, Deployment
from edge_affect.errors import ExitCode, UsageError
from edge_affect.privacy.explanation import Explanation, explain

EXAMPLES = """examples:
  edge-affect policy explain --config box.toml
  edge-affect policy explain --setting classroom --jurisdiction EU
  edge-affect policy explain --setting workplace --jurisdiction EU --exception safety --json"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "policy",
        help="say what applies where the box stands, and why",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    say = actions.add_parser(
        "explain",
        help="print the rules and hints for a configuration or a place",
        description="Prints what the box does in a place and what its operator should know, with "
        "sources. It is not legal advice. Ends with 0 even where the box would refuse to start.",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    say.add_argument("--config", type=Path, help="configuration file")
    say.add_argument("--setting", choices=SETTINGS, help="instead of the file's")
    say.add_argument("--jurisdiction", choices=JURISDICTIONS, help="instead of the file's")
    say.add_argument(
        "--exception", choices=[e for e in EXCEPTIONS if e], help="instead of the file's"
    )
    say.add_argument("--json", action="store_true", help="print one JSON object")
    say.set_defaults(run=run_explain)


def run_explain(args: argparse.Namespace) -> int:
    """Print what applies."""
    explanation = _explanation(args)
    print(json.dumps(explanation.as_json(), indent=2) if args.json else explanation.as_text())
    return ExitCode.DONE


def _explanation(args: argparse.Namespace) -> Explanation:
    named = {
        name: getattr(args, name)
        for name in ("setting", "jurisdiction", "exception")
        if getattr(args, name) is not None
    }
    if args.config is not None:
        config = configuration.load(args.config)
        return explain(replace(config, deployment=replace(config.deployment, **named)))
    if not {"setting", "jurisdiction"} <= set(named):
        raise UsageError("Name a place: --config FILE, or --setting and --jurisdiction.")
    explanation = explain(Config(deployment=Deployment(**named)))
    # Without a file there is no configuration that could start or not.
    return replace(explanation, problem="")
