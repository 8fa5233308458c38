"""``edge-affect evaluate``: measure the models on data sets, with the product's own code path."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edge_affect.errors import ExitCode

EXAMPLES = """examples:
  edge-affect evaluate face --data face/ferplus.npz --split valid --json
  edge-affect evaluate voice --index audio/index.csv --root audio --corpus crema-d \\
      --speakers 1019-1036 --json
  edge-affect evaluate portraits --csv face/pictures.csv --root face --json"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "evaluate",
        help="measure the models on data sets",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)

    face = subjects.add_parser(
        "face", help="ready face crops with votes", epilog=EXAMPLES, formatter_class=shape
    )
    face.add_argument("--data", type=Path, required=True, help="npz with images, votes, split")
    face.add_argument("--split", default="valid", help="which split; default: valid")
    face.set_defaults(run=run, measure=_face)

    voice = subjects.add_parser(
        "voice", help="recordings of single speakers", epilog=EXAMPLES, formatter_class=shape
    )
    voice.add_argument("--index", type=Path, required=True, help="CSV with path, label, speaker")
    voice.add_argument("--root", type=Path, required=True, help="folder the paths start from")
    voice.add_argument("--corpus", default="crema-d", help="which corpus; default: crema-d")
    voice.add_argument("--speakers", help="such as 1019-1036 or 1019,1021; default: all")
    voice.set_defaults(run=run, measure=_voice)

    portraits = subjects.add_parser(
        "portraits", help="whole pictures with a face", epilog=EXAMPLES, formatter_class=shape
    )
    portraits.add_argument("--csv", type=Path, required=True, help="CSV with path, label, groups")
    portraits.add_argument("--root", type=Path, required=True, help="folder the paths start from")
    portraits.set_defaults(run=run, measure=_portraits)

    for subject in (face, voice, portraits):
        subject.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    result: dict[str, Any] = args.measure(args)
    if args.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:32s} {_text(value)}")
    return ExitCode.DONE


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value)


def _face(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.faces import evaluate_faces

    return evaluate_faces(args.data, args.split)


def _voice(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.voices import evaluate_voices

    return evaluate_voices(args.index, args.root, args.corpus, args.speakers)


def _portraits(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.portraits import evaluate_portraits

    return evaluate_portraits(args.csv, args.root)
