"""The notice as one HTML page that prints on one sheet of A4; needs no other file."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_affect.notice.content import Notice, Section

STYLE = """\
@page { size: A4; margin: 12mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 186mm; padding: 4mm 0; color: #111; background: #fff;
  font: 11.5pt/1.4 "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", "Noto Sans CJK SC",
  "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", "Droid Sans Fallback", sans-serif; }
header { display: flex; gap: 6mm; align-items: center; border: 1.2mm solid #111;
  border-radius: 4mm; padding: 5mm 6mm; margin-bottom: 6mm; }
header svg { flex: 0 0 26mm; height: 26mm; }
h1 { font-size: 23pt; line-height: 1.15; margin: 0 0 2mm; }
header p { margin: 0; font-size: 13pt; }
main { columns: 2; column-gap: 8mm; }
section { break-inside: avoid; border-top: .5mm solid #111; padding: 1.5mm 0 3mm; }
h2 { font-size: 12.5pt; margin: 0 0 1mm; }
section p { margin: 0 0 1mm; overflow-wrap: anywhere; }
footer { display: flex; gap: 6mm; align-items: center; justify-content: space-between;
  border: 1.2mm solid #111; border-radius: 4mm; padding: 4mm 6mm; margin-top: 6mm;
  break-inside: avoid; }
footer p { margin: 0; font-size: 15pt; overflow-wrap: anywhere; }
figure { margin: 0; text-align: center; font-size: 9pt; }
figure svg { width: 32mm; height: 32mm; display: block; margin: 0 auto 1mm; }
@media print { body { padding: 0; font-size: 10.5pt; line-height: 1.32; }
  header, footer { padding: 3mm 5mm; } header { margin-bottom: 4mm; } footer { margin-top: 2mm; }
  h1 { font-size: 20pt; } header p { font-size: 12pt; } figure svg { width: 28mm; height: 28mm; } }
@media screen and (max-width: 150mm) { main { columns: 1; } body { padding: 4mm; } }
"""

SIGN = (
    '<svg viewBox="0 0 100 100" aria-hidden="true" fill="none" stroke="#111" stroke-width="6" '
    'stroke-linecap="round"><path d="M32 15a10 10 0 0 1 20 0v22a10 10 0 0 1-20 0z" fill="#111"/>'
    '<path d="M22 36a20 20 0 0 0 40 0M42 57v10M30 67h24"/>'
    '<rect x="46" y="72" width="34" height="22" rx="3" fill="#111"/>'
    '<path d="M80 83l14-8v16z" fill="#111"/></svg>'
)
"""A microphone and a camera."""


def page(notice: Notice, code_svg: str | None = None) -> str:
    """Return the page.

    Args:
        notice: What it says; configured text is escaped.
        code_svg: The QR code as an SVG element, or None for none.
    """
    code = ""
    if code_svg is not None:
        caption = html.escape(notice.code_caption)
        code = f"<figure>{code_svg}<figcaption>{caption}</figcaption></figure>"
    return f"""<!DOCTYPE html>
<html lang="{notice.html_lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(notice.title)}</title>
<style>
{STYLE}</style>
</head>
<body>
<header>{SIGN}<div><h1>{html.escape(notice.title)}</h1><p>{html.escape(notice.subtitle)}</p></div></header>
<main>
{"".join(_section(item) for item in notice.sections)}</main>
<footer><div><h2>{html.escape(notice.contact_heading)}</h2><p>{html.escape(notice.contact)}</p></div>{code}</footer>
</body>
</html>
"""


def _section(section: Section) -> str:
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in section.lines)
    return f"<section><h2>{html.escape(section.heading)}</h2>{lines}</section>\n"
