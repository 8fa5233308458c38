"""``edge-affect evaluate words``: figures of reading text, on labelled utterances."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = """example:
  edge-affect evaluate words --data text/meld_test.csv --json"""


def add_words(
    subjects: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Register the subject and return its parser."""
    words = subjects.add_parser(
        "words",
        help="the emotion of written utterances",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument(
        "--data",
        type=Path,
        required=True,
        help="CSV with the columns dialogue, utterance, emotion, sentiment",
    )
    words.add_argument("--language", choices=("en", "zh"), default="en", help="of the utterances")
    words.add_argument("--lexicon", type=Path, help="a lexicon of your own")
    words.set_defaults(measure=measure_words)
    return words


def measure_words(args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures, as plain JSON values."""
    from edge_affect.evaluation.words import evaluate_words
    from edge_affect.perception.lexicon_reader import LexiconReader

    return evaluate_words(args.data, args.language, LexiconReader.load(args.language, args.lexicon))
