"""``edge-affect evaluate face``, ``portraits`` and ``plots``: what faces are measured with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_affect.errors import ExitCode

EXAMPLES = """examples:
  edge-affect evaluate face --data face/ferplus.npz --split valid --json
  edge-affect evaluate face --groups face/fairface.csv --root face --json
  edge-affect evaluate face --data face/ferplus.npz --split dev --robustness --plots pictures
  edge-affect evaluate portraits --csv face/pictures.csv --root face --distance alone --json
  edge-affect evaluate plots report.json --out docs/cards"""

MODEL_HELP = "shipped model or path of a manifest; default: face_expression"
PLOTS_HELP = "folder for pictures of the figures, as SVG"
MONTAGE_HELP = "file for a sheet of right and wrong cases; it shows people, keep it to yourself"


def add_face(
    subjects: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Register ``face`` and return its parser."""
    face = subjects.add_parser(
        "face",
        help="ready face crops with votes, and pictures by group",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    face.add_argument("--data", type=Path, help="npz with images, votes, split")
    face.add_argument(
        "--split", default="valid", help="which split; dev is a part of train; default: valid"
    )
    face.add_argument("--groups", type=Path, help="CSV with path and columns such as gender, race")
    face.add_argument("--root", type=Path, help="folder its paths start from; default: its own")
    face.add_argument("--robustness", action="store_true", help="spoil the crops step by step too")
    _add_common(face)
    face.set_defaults(measure=_face)
    return face


def add_portraits(
    subjects: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Register ``portraits`` and return its parser."""
    portraits = subjects.add_parser(
        "portraits",
        help="whole pictures with a face",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    portraits.add_argument("--csv", type=Path, required=True, help="CSV with path, label, groups")
    portraits.add_argument("--root", type=Path, required=True, help="folder the paths start from")
    portraits.add_argument(
        "--distance",
        choices=("alone", "frame"),
        help="measure small faces too: each picture alone, or in the middle of a 640 x 480 frame",
    )
    _add_common(portraits)
    portraits.set_defaults(measure=_portraits)
    return portraits


def add_plots(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``plots``."""
    plots = subjects.add_parser(
        "plots",
        help="draw saved reports again",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plots.add_argument("reports", type=Path, nargs="+", help="what --json printed")
    plots.add_argument("--out", type=Path, required=True, help=PLOTS_HELP)
    plots.set_defaults(run=_draw)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="face_expression", help=MODEL_HELP)
    parser.add_argument("--plots", type=Path, help=PLOTS_HELP)
    parser.add_argument("--montage", type=Path, help=MONTAGE_HELP)


def _face(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.face_report import FaceRequest, report_on_faces

    request = FaceRequest(
        model=args.model,
        data=args.data,
        split=args.split,
        groups=args.groups,
        root=args.root,
        is_robustness=args.robustness,
        plots=args.plots,
        montage=args.montage,
    )
    return report_on_faces(request)


def _portraits(args: argparse.Namespace) -> dict[str, Any]:
    from edge_affect.evaluation.face_report import PortraitRequest, report_on_portraits

    request = PortraitRequest(
        model=args.model,
        listing=args.csv,
        root=args.root,
        distance=args.distance,
        plots=args.plots,
        montage=args.montage,
    )
    return report_on_portraits(request)


def _draw(args: argparse.Namespace) -> int:
    from edge_affect.evaluation.plots import draw_report, read_report

    for report in args.reports:
        for path in draw_report(read_report(report), args.out):
            print(path)
    return ExitCode.DONE
