"""``edge-affect export``: vectors in the formats of others."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from edge_affect import config as configuration
from edge_affect.errors import (
    CannotWriteError,
    DataError,
    EdgeAffectError,
    ExitCode,
    InputMissingError,
    RecordError,
    UsageError,
)
from edge_affect.exporting.emotionml import EmotionmlWriter, vocabulary_document
from edge_affect.exporting.moments import Spans, read_moments
from edge_affect.exporting.vocabulary import VOCABULARIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_affect.exporting.moments import Moment

EXAMPLES = """examples:
  edge-affect replay --video talk.mp4 --fast --json > talk.jsonl
  edge-affect export emotionml talk.jsonl --recording talk.mp4
  edge-affect export emotionml vectors.jsonl --vocabulary big6 --out vectors.emotionml
  edge-affect export emotionml --live --config box.toml --seconds 60 --out minute.emotionml"""
DEFAULT_RECORDING = "urn:edge-affect:recording"
"""Stands for a recording that was not named."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "export", help="vectors in the formats of others", epilog=EXAMPLES, formatter_class=shape
    )
    formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True)
    made = formats.add_parser(
        "emotionml",
        help="W3C EmotionML 1.0",
        description="Writes vectors as W3C EmotionML 1.0: those of a file, one JSON object a line, "
        "as edge-affect replay --json or the affect topic have them, or those a broker brings. "
        "Moments at which the box abstains are left out.",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    made.add_argument("file", nargs="?", help="vectors, or - for standard input")
    made.add_argument("--live", action="store_true", help="take what the broker brings instead")
    made.add_argument("--config", type=Path, help="of the box, for its broker; needed by --live")
    made.add_argument("--seconds", type=float, help="end --live after this long; default: Ctrl-C")
    made.add_argument(
        "--vocabulary",
        choices=tuple(VOCABULARIES),
        default="own",
        help="own words, with what they stand for at the W3C, or the W3C's big6 alone",
    )
    made.add_argument(
        "--recording", help="name or URI of the recording, where positions are in one"
    )
    made.add_argument("--out", type=Path, help="file to write; default: standard output")
    made.add_argument(
        "--vocabulary-only", action="store_true", help="write the own vocabulary, no vectors"
    )
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export."""
    if sum((args.file is not None, args.live, args.vocabulary_only)) != 1:
        raise UsageError("Say either a file, or --live, or --vocabulary-only.")
    if args.live and args.config is None:
        raise UsageError("--live needs --config, to know the broker and the box.")
    if args.seconds is not None and not 0 < args.seconds < float("inf"):
        raise UsageError("--seconds must be above 0.")
    if args.vocabulary_only:
        with _output(args.out) as out:
            vocabulary_document(out)
        return ExitCode.DONE
    n_written = _live(args) if args.live else _file(args)
    if args.out is not None:
        print(f"Wrote {n_written} moments to {args.out}.")
    return ExitCode.DONE


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Open what is written to; a disk that refuses is one sentence."""
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="\n") as out:
            yield out
    except EdgeAffectError:
        # Some are of the system's kinds, too: what went wrong is not the output.
        raise
    except OSError as error:
        raise CannotWriteError(f"{path} cannot be written: {error.strerror}.") from None


def _file(args: argparse.Namespace) -> int:
    with _lines(args.file) as lines:
        moments = read_moments(lines, args.file)
        # The first one tells whether times are dates or positions.
        first = next(moments, None)
        recording = args.recording
        if first is not None and first.is_media_time:
            recording = recording or DEFAULT_RECORDING
        elif recording is not None:
            raise UsageError(
                "--recording is for positions in a recording; these vectors have dates."
            )
        # Only now: a mistake must not empty a file that is there.
        with (
            _output(args.out) as out,
            EmotionmlWriter(out, VOCABULARIES[args.vocabulary], recording) as writer,
        ):
            if first is not None:
                _write(writer, first)
            for moment in moments:
                _write(writer, moment)
        return writer.n_written


@contextlib.contextmanager
def _lines(name: str) -> Iterator[TextIO]:
    try:
        if name == "-":
            yield sys.stdin
            return
        with Path(name).open(encoding="utf-8") as lines:
            yield lines
    except FileNotFoundError:
        raise InputMissingError(f"There is no file {name}.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise InputMissingError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DataError(f"{name} is not UTF-8 text.") from None


def _live(args: argparse.Namespace) -> int:
    from edge_affect.publishing.access import broker_access
    from edge_affect.publishing.subscriber import watch
    from edge_affect.publishing.topics import Topics

    settings = configuration.load(args.config)
    if args.recording is not None:
        raise UsageError("--recording is for files; what a broker brings has dates.")
    topic = f"{Topics(settings.base_topic).base}/affect"
    access = broker_access(settings.mqtt)
    spans = Spans()
    n_refused = 0
    with (
        _output(args.out) as out,
        EmotionmlWriter(out, VOCABULARIES[args.vocabulary]) as writer,
        _until(args.seconds) as over,
    ):

        def take(payload: dict[str, Any]) -> None:
            nonlocal n_refused
            try:
                moment = spans.feed(payload)
            except (RecordError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
                n_refused += 1
                return
            if moment is not None:
                _write(writer, moment)
                out.flush()

        watch(access, topic, take, over)
        last = spans.finish()
        if last is not None:
            _write(writer, last)
    if n_refused:
        print(f"{n_refused} messages on {topic} were no vectors and are left out.", file=sys.stderr)
    return writer.n_written


@contextlib.contextmanager
def _until(seconds: float | None) -> Iterator[Callable[[], bool]]:
    """Yield what tells that it is time to end: by the clock, Ctrl-C or SIGTERM."""
    is_told = False
    end_s = None if seconds is None else time.monotonic() + seconds

    def tell(_number: int, _frame: object) -> None:
        nonlocal is_told
        is_told = True

    old = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: is_told or (end_s is not None and time.monotonic() >= end_s)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _write(writer: EmotionmlWriter, moment: Moment) -> None:
    writer.write(moment.record, moment.start_ms, moment.end_ms)
