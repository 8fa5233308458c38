"""``edge-affect notice``: the notice for the wall, ready to print."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_affect import config as configuration
from edge_affect.errors import CannotWriteError, ConfigError, ExitCode, UsageError
from edge_affect.notice.content import Notice, notice
from edge_affect.notice.page import page
from edge_affect.notice.texts import LANGUAGES

INSTALLED_CONFIG = Path("/etc/edge-affect/config.toml")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "notice",
        help="write the notice for the wall, as HTML or PDF",
        description="Writes a notice that tells people what is measured here, why, what leaves "
        "the box, and whom to ask. Everything on it is taken from the configuration.",
        epilog="example:\n  edge-affect notice --lang de --qr --config box.toml --out notice.pdf",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--lang", choices=tuple(LANGUAGES), default="en", help="default: en")
    parser.add_argument("--qr", action="store_true", help="with a QR code of the contact")
    parser.add_argument(
        "--config", type=Path, default=INSTALLED_CONFIG, help=f"default: {INSTALLED_CONFIG}"
    )
    parser.add_argument("--out", type=Path, required=True, help="a .html or .pdf file")
    parser.add_argument(
        "--font", type=Path, help="TrueType file for a PDF with other than Latin letters"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the notice."""
    kind = args.out.suffix.lower()
    if kind not in {".html", ".pdf"}:
        raise UsageError(f"--out {args.out} must end in .html or .pdf.")
    settings = configuration.load(args.config)
    told = notice(settings, LANGUAGES[args.lang])
    data = _pdf(told, args) if kind == ".pdf" else _html(told, has_code=args.qr)
    try:
        args.out.write_bytes(data)
    except OSError as error:
        raise CannotWriteError(f"{args.out} cannot be written: {error.strerror}.") from None
    print(f"Wrote {args.out}.")
    if not settings.deployment.legal_basis:
        print("It names no legal basis; set [deployment] legal_basis to have it there.")
    return ExitCode.DONE


def _html(told: Notice, *, has_code: bool) -> bytes:
    if not has_code:
        return page(told).encode()
    from edge_affect.notice import code

    return page(told, code.svg(told.link)).encode()


def _pdf(told: Notice, args: argparse.Namespace) -> bytes:
    try:
        import reportlab  # noqa: F401 (a clear word before anything is set)
    except ImportError:
        raise ConfigError(
            "A PDF needs reportlab; install it with: pip install 'edge-affect[notice]', "
            "or write HTML and print that."
        ) from None
    from edge_affect.notice import code
    from edge_affect.notice.sheet import Lettering, sheet

    lettering = Lettering(args.font)
    if not lettering.is_embedded and args.lang == "zh":
        print(
            "No Chinese font to embed was found (Debian: fonts-droid-fallback); the PDF shows "
            "Chinese where the viewer has a font for it.",
            file=sys.stderr,
        )
    return sheet(told, lettering, code.modules(told.link) if args.qr else None)
