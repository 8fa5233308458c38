"""The ``edge-affect`` command: finds the subcommand, turns errors into one sentence and a code."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from typing import NoReturn

from edge_affect import __version__
from edge_affect.errors import (
    MEANING,
    CannotWriteError,
    EdgeAffectError,
    ExitCode,
    InputMissingError,
    PartialError,
    UsageError,
    shown,
)

COMMANDS: dict[str, str] = {
    "demo": "show the whole box on a clip: two processes, a broker, a live line per tick",
    "run": "run both processes from one configuration file",
    "sense": "the sensing process alone (used by run, demo and systemd)",
    "publish": "the publishing process alone (used by run, demo and systemd)",
    "switches": "the process of the mute and consent switches (used by run and systemd)",
    "watch": "what boxes say, in a terminal",
    "replay": "recordings in, one JSON vector per tick out",
    "export": "vectors in the formats of others: EmotionML",
    "analyze": "folders of recordings in, tables out",
    "report": "what analysed recordings say, as one page to read and print",
    "dashboard": "a web page that shows what one box or a whole fleet says",
    "alerts": "show alert rules, and try them on a recording",
    "models": "fetch, check, add and remove model files",
    "evaluate": "measure the models on data sets",
    "notice": "write the notice for the wall, as HTML or PDF",
    "config": "write and check a configuration file",
    "policy": "say what applies where the box stands, and why",
    "bench": "time the stages of the box on this machine, and print a line to send back",
    "doctor": "check machine, models, cage, place, devices and broker",
}

UNTIL_STOPPED: frozenset[str] = frozenset({
    "demo", "run", "sense", "publish", "switches", "watch", "dashboard",
})  # fmt: skip
"""Commands without an end of their own: Ctrl-C is how they are done."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_NO_WAY = (errno.EACCES, errno.ENAMETOOLONG, errno.ELOOP)
"""Of a path that somebody named: looking whether there is a file meets these, too."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence and exit code 64."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}; see: {self.prog} --help")


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; with ``only``, of that one subcommand, which starts faster."""
    codes = "\n".join(f"  {code.value:3d}  {MEANING[code]}" for code in ExitCode)
    names = "\n".join(f"  {name:10s}{text}" for name, text in COMMANDS.items())
    parser = _Parser(
        prog="edge-affect",
        description="Tells how a scene feels, never who is in it.",
        epilog=f"commands:\n{names}\n\nexit codes:\n{codes}\n\nexample:\n  edge-affect demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"edge-affect {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS if only is None else (only,):
        importlib.import_module(f"edge_affect.commands.{name}").add_parser(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; errors a user can meet become one sentence."""
    # Small products only: a second thread would wait for the first, and burn a core meanwhile.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal's alphabet lacks is spelled out; it is no reason to end.
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:] if argv is None else argv
    named = arguments[0] if arguments and arguments[0] in COMMANDS else None
    if arguments and named is None and not arguments[0].startswith("-"):
        return _fail(
            UsageError(f"There is no command {arguments[0]!r}; there are: {', '.join(COMMANDS)}.")
        )
    try:
        args = build_parser(named).parse_args(arguments)
        code: int = args.run(args)
        sys.stdout.flush()
    except EdgeAffectError as error:
        return _fail(error)
    except KeyboardInterrupt:
        if named in UNTIL_STOPPED:
            return int(ExitCode.DONE)
        return _fail(PartialError("Interrupted before it was done."))
    except BrokenPipeError:
        # The reader of our output has left, as `head` does: nothing is wrong with us.
        _drop_output()
        return int(ExitCode.DONE)
    except OSError as error:
        if error.errno in _NO_WAY and error.filename is not None:
            path = shown(str(error.filename))
            return _fail(InputMissingError(f"{path} cannot be read: {error.strerror}."))
        if error.errno not in _NO_ROOM:
            raise
        _drop_output()
        where = "The output" if error.filename is None else str(error.filename)
        return _fail(CannotWriteError(f"{where} cannot be written: {error.strerror}."))
    return code


def _drop_output() -> None:
    """Have what is still to be printed go nowhere: the interpreter tries once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: EdgeAffectError) -> int:
    print(f"edge-affect: {error}", file=sys.stderr)  # noqa: T201 (the one place errors are told)
    return int(error.exit_code)
