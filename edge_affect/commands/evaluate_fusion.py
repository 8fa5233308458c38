"""``edge-affect evaluate fusion``: figures of late fusion on scores of two modalities."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  edge-affect evaluate fusion --data fusion/ravdess_posteriors.npz --json
  edge-affect evaluate fusion --data FIT.npz --test OTHER.npz --plots build/fusion --json"""


def add_fusion(
    subjects: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Register the subject and return its parser."""
    fusion = subjects.add_parser(
        "fusion",
        help="voice and face together, on scores of both",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fusion.add_argument(
        "--data",
        type=Path,
        required=True,
        help="npz file of scores to fit on; without --test also reported on, fold by fold",
    )
    fusion.add_argument("--test", type=Path, help="npz file of other people to report on")
    fusion.add_argument(
        "--plots", type=Path, metavar="DIR", help="draw the curves into this folder"
    )
    fusion.set_defaults(measure=measure_fusion)
    return fusion


def measure_fusion(args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures, as plain JSON values."""
    from edge_affect.evaluation.fusion import evaluate_fusion

    report = evaluate_fusion(args.data, args.test)
    if args.plots is not None:
        from edge_affect.evaluation.fusion_plots import draw_fusion

        draw_fusion(report, args.plots)
    return report
