"""``edge-affect run``: both processes from one configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_affect import config, launcher
from edge_affect.errors import InputMissingError, UsageError

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
    parser.add_argument("--video", type=Path, help="replay this file instead of the camera")
    parser.add_argument("--audio", type=Path, help="replay this file instead of the microphone")
    parser.add_argument("--loop", action="store_true", help="start the files again at their end")
    parser.add_argument("--seconds", type=float, help="end by itself after this time")
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
    config.load(args.config)
    settings_file = ["--config", str(args.config.resolve())]
    return launcher.launch(
        [*settings_file, *sense_options(args)],
        settings_file,
        is_unsandboxed=args.allow_unsandboxed,
    )


def sense_options(args: argparse.Namespace) -> list[str]:
    """Return the options that are sensing's own; paths become absolute, the cage moves to /.

    Raises:
        InputMissingError: If a file to replay is not there.
        UsageError: If there is nothing to loop over.
    """
    options: list[str] = []
    for option, path in (("--video", args.video), ("--audio", args.audio)):
        if path is not None:
            if not path.is_file():
                raise InputMissingError(f"There is no file {path} to replay.")
            options += [option, str(path.resolve())]
    if args.loop:
        if not options:
            raise UsageError("--loop needs --video or --audio to play again.")
        options.append("--loop")
    if args.seconds is not None:
        options += ["--seconds", str(args.seconds)]
    return options
