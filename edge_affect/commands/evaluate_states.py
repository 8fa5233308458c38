"""``edge-affect evaluate states``: what labelled data can say about the derived states."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_affect.errors import UsageError

EXAMPLES = """examples:
  edge-affect evaluate states --index audio/index.csv --root audio --corpus ravdess-speech --json
  edge-affect evaluate states --index audio/index.csv --root audio --corpus esc-50 --sounds --json
  edge-affect evaluate states --pictures face/pictures.csv --root face --json"""


def add_states(
    subjects: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Register the subject and return its parser."""
    states = subjects.add_parser(
        "states",
        help="attention, engagement, confusion, anxiety, excitement",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    states.add_argument("--index", type=Path, help="CSV with path, label, speaker of recordings")
    states.add_argument("--pictures", type=Path, help="CSV with path, label or groups of pictures")
    states.add_argument("--root", type=Path, required=True, help="folder the paths start from")
    states.add_argument("--corpus", default="crema-d", help="of the index; default: crema-d")
    states.add_argument("--speakers", help="such as 1019-1036 or 1019,1021; default: all")
    states.add_argument(
        "--sounds", action="store_true", help="the index lists sound events, not expressions"
    )
    states.set_defaults(measure=_measure)
    return states


def _measure(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation import states

    if (args.index is None) == (args.pictures is None):
        raise UsageError("Name either recordings with --index or pictures with --pictures.")
    if args.pictures is not None:
        return states.evaluate_state_pictures(args.pictures, args.root)
    if args.sounds:
        return states.evaluate_state_sounds(args.index, args.root, args.corpus)
    return states.evaluate_state_voices(args.index, args.root, args.corpus, args.speakers)
