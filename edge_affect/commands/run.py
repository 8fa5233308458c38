"""``edge-affect run``: both processes from one configuration file."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from edge_affect import config, launcher
from edge_affect.commands.arguments import seconds
from edge_affect.commands.sense import add_media_arguments, sense_options
from edge_affect.privacy import policy

EXAMPLE = """\
example:
  edge-affect config init box.toml
  edge-affect run --config box.toml
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``run``."""
    parser = commands.add_parser(
        "run",
        help="sense and publish until Ctrl-C",
        description="Start sensing in its cage and the publisher, from one configuration file.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="the TOML file")
    add_media_arguments(parser)
    parser.add_argument("--seconds", type=seconds, help="end by itself after this time")
    parser.add_argument(
        "--allow-unsandboxed",
        action="store_true",
        help="sense without a cage; records are printed here and published nowhere",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run both processes and return the exit code of the first that failed, or 0.

    Raises:
        EdgeAffectError: If the configuration or a file is wrong or missing.
    """
    logging.basicConfig(level=logging.INFO, format="run: %(message)s", stream=sys.stderr)
    settings = config.load(args.config)
    if args.audio is None and args.video is None:
        # Told here already, before anything starts; sensing checks it again for itself.
        policy.check_live(settings)
    settings_file = ["--config", str(args.config.resolve())]
    options = sense_options(args.audio, args.video, is_looped=args.loop)
    if args.seconds is not None:
        options += ["--seconds", str(args.seconds)]
    needs_switches = settings.switches.are_used and args.audio is None and args.video is None
    return launcher.launch(
        [*settings_file, *options],
        settings_file,
        is_unsandboxed=args.allow_unsandboxed,
        switches_args=settings_file if needs_switches else None,
    )
