"""``edge-affect config``: write and check a configuration file."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from edge_affect import config
from edge_affect.commands import config_ask
from edge_affect.errors import CannotWriteError, ExitCode
from edge_affect.privacy import policy
from edge_affect.whole_file import write_whole


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "config",
        help="write and check a configuration file",
        epilog="example:\n  edge-affect config init box.toml && edge-affect config check box.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    init = actions.add_parser(
        "init",
        help="write an annotated example with every key",
        epilog="example:\n  edge-affect config init box.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    init.add_argument("file", type=Path, nargs="?", help="where to; default: print it")
    init.add_argument("--force", action="store_true", help="overwrite an existing file")
    init.set_defaults(run=run_init)
    check = actions.add_parser(
        "check",
        help="say whether a file is valid and what the policy makes of it",
        epilog="example:\n  edge-affect config check box.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("file", type=Path, help="the configuration file")
    check.set_defaults(run=run_check)
    config_ask.add_parser(actions)
    old = actions.add_parser(
        "migrate",
        help="bring a file of an earlier version up to date; comments stay",
        description="Writes what changed, keeps the old file beside it as FILE.old-1, and touches "
        "nothing where nothing changed.",
        epilog="example:\n  edge-affect config migrate /etc/edge-affect/config.toml --dry-run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    old.add_argument("file", type=Path, help="the configuration file")
    old.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    old.set_defaults(run=run_migrate)


def run_init(args: argparse.Namespace) -> int:
    """Write the example file."""
    text = config.example()
    if args.file is None:
        print(text, end="")
        return ExitCode.DONE
    if args.file.exists() and not args.force:
        raise CannotWriteError(f"{args.file} exists already; use --force to overwrite it.")
    # A link stays a link.
    write_whole(args.file.resolve(), text.encode())
    print(f"Wrote {args.file}. Fill in [deployment], then: edge-affect config check {args.file}")
    return ExitCode.DONE


def run_check(args: argparse.Namespace) -> int:
    """Validate a file and the deployment it declares."""
    settings = config.load(args.file)
    policy.check_live(settings)
    print(f"{args.file} is valid; this box publishes to {settings.base_topic}/.")
    for rule in policy.applying(settings.deployment):
        print(f"Policy: {rule.effect.value} ({rule.source}).")
    print(f"More: edge-affect policy explain --config {args.file}")
    return ExitCode.DONE


def run_migrate(args: argparse.Namespace) -> int:
    """Bring a file up to date."""
    from edge_affect import config_migration

    text = config.read_text(args.file)
    migration = config_migration.migrate(text, str(args.file))
    if migration.text == text:
        print(f"{args.file} is up to date.")
        return ExitCode.DONE
    for change in migration.changes:
        print(f"{change}.")
    if args.dry_run:
        lines = difflib.unified_diff(
            text.splitlines(), migration.text.splitlines(), str(args.file), "new", lineterm=""
        )
        print("\n".join(lines))
        return ExitCode.DONE
    backup = config_migration.write(args.file, migration.text)
    print(f"Wrote {args.file}; what it said before is in {backup}.")
    return ExitCode.DONE
