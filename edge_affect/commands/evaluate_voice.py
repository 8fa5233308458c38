"""``edge-affect evaluate voice``: figures of the voice model, and what bears on them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  edge-affect evaluate voice --index audio/index.csv --root audio --corpus crema-d \\
      --speakers 1019-1036 --json
  edge-affect evaluate voice --index audio/index.csv --root audio --speakers 1019-1036 \\
      --groups audio/crema-d-meta/actors.csv --baseline --robustness 300 --json
  edge-affect evaluate voice --index audio/index.csv --root audio --corpus ravdess-speech \\
      --arousal --json"""


def add_voice(
    subjects: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Register the subject and return its parser."""
    voice = subjects.add_parser(
        "voice",
        help="recordings of single speakers",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    voice.add_argument("--index", type=Path, required=True, help="CSV with path, label, speaker")
    voice.add_argument("--root", type=Path, required=True, help="folder the paths start from")
    voice.add_argument("--corpus", default="crema-d", help="which corpus; default: crema-d")
    voice.add_argument("--speakers", help="such as 1019-1036 or 1019,1021; default: all")
    voice.add_argument(
        "--model", default="voice_expression", help="name of a model, or path of a manifest"
    )
    voice.add_argument(
        "--groups", type=Path, metavar="CSV", help="also by group: CSV with speaker, sex, age, race"
    )
    voice.add_argument(
        "--baseline", action="store_true", help="also what knowing the voice's normal adds"
    )
    voice.add_argument(
        "--robustness",
        type=_clips,
        metavar="N",
        help="also N of the clips in rooms, noise and codecs",
    )
    voice.add_argument(
        "--arousal", action="store_true", help="also whether arousal follows intensity"
    )
    voice.add_argument(
        "--unlabelled", type=Path, metavar="DIR", help="also what it says of other recordings"
    )
    voice.add_argument(
        "--plots", type=Path, metavar="DIR", help="folder for pictures of the figures"
    )
    voice.add_argument(
        "--mistakes",
        type=Path,
        metavar="PNG",
        help="also spectrograms of the surest mistakes: voices of people, not to be published",
    )
    voice.set_defaults(measure=measure_voice)
    return voice


def measure_voice(args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures that were asked for, as plain JSON values."""
    from edge_affect.evaluation.voices import evaluate_voices

    asked = args.index, args.root, args.corpus, args.speakers, args.model
    report = evaluate_voices(*asked, groups=args.groups)
    if args.baseline:
        from edge_affect.evaluation.voice_baseline import evaluate_voice_baseline

        report["baseline"] = evaluate_voice_baseline(*asked)
    if args.robustness:
        from edge_affect.evaluation.voice_robustness import evaluate_voice_robustness

        report["robustness"] = evaluate_voice_robustness(*asked, n_clips=args.robustness)
    if args.unlabelled:
        from edge_affect.evaluation.voice_unlabelled import unlabelled_figures

        report["unlabelled"] = unlabelled_figures(args.unlabelled, args.model)
    if args.arousal:
        from edge_affect.evaluation.voice_arousal import evaluate_voice_arousal

        report["arousal"] = evaluate_voice_arousal(*asked)
    if args.mistakes:
        from edge_affect.evaluation.voice_mistakes import evaluate_voice_mistakes

        report["mistakes"] = evaluate_voice_mistakes(args.mistakes, *asked)
    if args.plots:
        from edge_affect.evaluation.plots import draw_report

        draw_report(report, args.plots)
    return report


def _clips(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of clips, at least 1")
    return int(text)
