"""``edge-affect config ask``: the first configuration, from a short interview."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from edge_affect import first_configuration
from edge_affect.errors import CannotWriteError, ExitCode, InputMissingError, UsageError
from edge_affect.first_configuration import Question
from edge_affect.whole_file import write_whole

EXAMPLES = """examples:
  edge-affect config ask box.toml
  edge-affect config ask box.toml --set setting=home --set jurisdiction=other \\
    --set purpose=demonstration --set contact=me@example.org
  edge-affect config ask box.toml --answers answers.txt"""


def add_parser(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the action."""
    parser = actions.add_parser(
        "ask",
        help="ask a few questions, and write a file from the answers",
        description="Asks what is not answered by --set, --answers or environment variables "
        f"{first_configuration.ENV_PREFIX}NAME. Without a terminal, defaults fill in, and what "
        f"has none is named. Questions: {', '.join(first_configuration.NAMES)}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="where to")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=ANSWER", help="an answer; repeatable"
    )
    parser.add_argument("--answers", type=Path, help="file of such lines")
    parser.add_argument("--password-file", type=Path, help="where the broker's password goes")
    parser.add_argument("--keep-answers", type=Path, help="write the answers there, no password")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask, and write."""
    if args.file.exists() and not args.force:
        raise CannotWriteError(f"{args.file} exists already; use --force to overwrite it.")
    given = first_configuration.answers_of_environment(os.environ)
    if args.answers is not None:
        given |= first_configuration.answers_in(_lines(args.answers), str(args.answers))
    given |= first_configuration.answers_in(args.set, "--set")
    if sys.stdin.isatty():
        answers, text = first_configuration.interview(_ask, given, print)
    else:
        answers = first_configuration.complete(given, None)
        text = first_configuration.text_of(answers)
    if password := answers.get("password", ""):
        if args.password_file is None:
            raise UsageError("There is a password; say with --password-file where it goes.")
        write_whole(args.password_file, f"{password}\n".encode(), 0o600)
    if args.keep_answers is not None:
        kept = first_configuration.without_secrets(answers)
        write_whole(args.keep_answers, kept.encode(), 0o644)
    write_whole(args.file, text.encode(), 0o644)
    print(f"Wrote {args.file}.")
    return ExitCode.DONE


def _ask(question: Question) -> str:
    while True:
        print(f"\n{question.text}")
        if question.choices:
            print("  " + "  ".join(f"{n} {word}" for n, word in enumerate(question.choices, 1)))
        shown = f" [{question.default}]" if question.default else ""
        try:
            reply = (getpass.getpass if question.is_secret else input)(f"{question.name}{shown}: ")
        except EOFError:
            raise UsageError(
                f"The interview ended at {question.name}; nothing was written."
            ) from None
        answer, wrong = first_configuration.checked_answer(question, reply)
        if not wrong:
            return answer
        print(f"{wrong[:1].upper()}{wrong[1:]}.")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputMissingError(f"The answers {path} cannot be read: {why}.") from None
