"""A report as one HTML page: everything that comes from outside is escaped here."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --soft: #555; --ground: #fff; --panel: #f4f5f7;
  --rule: #c9ccd1; --grid: #dfe1e5; --c1: #1f5a9e; --c2: #b04a00;
  --c3: #2b7a3d; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --soft: #b4b8be; --ground: #16181b;
  --panel: #212428; --rule: #4a4f56; --grid: #34383e; --c1: #7db4f0; --c2: #f2a261;
  --c3: #7fcf92; } }
@page { size: A4; margin: 15mm 14mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 1.5rem 1.25rem 3rem; color: var(--ink);
  background: var(--ground); font: 16px/1.55 system-ui, "Helvetica Neue", Arial, "Liberation Sans",
  "DejaVu Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; padding-top: .8rem;
  border-top: 2px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.lead { font-size: 1.1rem; } .note, figcaption, caption { color: var(--soft); font-size: .9rem; }
.finding { border-left: 4px solid var(--c1); padding: .5rem .9rem; background: var(--panel); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .75rem;
  margin: 1rem 0; }
.facts div { background: var(--panel); padding: .7rem .9rem; border-radius: .4rem; }
.facts dt { font-size: .9rem; color: var(--soft); } .facts dd { margin: 0; }
.facts .figure { font-size: 1.4rem; font-weight: 650; line-height: 1.3; }
.facts .range { font-size: .9rem; }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .8rem 0; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--grid);
  vertical-align: top; }
tbody th { overflow-wrap: anywhere; min-width: 7rem; }
thead th { border-bottom: 2px solid var(--rule); } td { font-variant-numeric: tabular-nums; }
pre { background: var(--panel); padding: .8rem 1rem; overflow-x: auto; font-size: .9rem;
  border-radius: .4rem; }
.t { fill: var(--ink); font-size: 12.5px; } .small { font-size: 11.5px; fill: var(--soft); }
.grid { stroke: var(--grid); } .axis { stroke: var(--soft); }
.edge { stroke: var(--soft); stroke-dasharray: 2 3; }
.l1, .l2, .l3 { fill: none; stroke-width: 2; stroke-linejoin: round; }
.l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); stroke-dasharray: 7 3; }
.l3 { stroke: var(--c3); stroke-dasharray: 2 3; }
.b1, .s1 { fill: var(--c1); opacity: .2; } .b2, .s2 { fill: var(--c2); opacity: .25; }
.b3, .s3 { fill: var(--c3); opacity: .25; }
.d1, .dot { fill: var(--c1); } .d2 { fill: var(--c2); } .d3 { fill: var(--c3); }
.whisker { stroke: var(--c1); stroke-width: 3; opacity: .55; }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --ground: #fff;
  --panel: #f2f2f2; --rule: #999; --grid: #ddd; --c1: #1f5a9e; --c2: #b04a00;
  --c3: #2b7a3d; }
  body { padding: 0; max-width: none; font-size: 10.5pt; } h2, h3 { break-after: avoid; }
  figure, table, tr, .facts div, pre, .finding { break-inside: avoid; }
  caption { break-after: avoid; }
  .facts div, pre, .finding { border: 1px solid var(--rule); }
  .scroll, pre { overflow: visible; } pre { white-space: pre-wrap; } }
"""
PLAIN, LEAD, NOTE, FINDING = "", "lead", "note", "finding"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or a few."""

    text: str
    kind: str = PLAIN


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure with what it rests on."""

    name: str
    figure: str
    rest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Figures side by side."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row names it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture, as ``charts`` draws it, with a line below."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to copy."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str


Block = Paragraph | Facts | Table | Plot | Code | Heading


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report.

    Attributes:
        html_lang: BCP 47 tag of the language.
        title: Headline.
        lead: Below it.
        sections: In order of reading.
        footer: What was measured, by what, under which rules.
    """

    html_lang: str
    title: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]
    footer: tuple[Section, ...]


def page(report: Report) -> str:
    """Return the report as HTML that asks for nothing and runs nothing."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{escape(report.html_lang)}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(report.title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f"<header>\n<h1>{escape(report.title)}</h1>",
            *map(_block, report.lead),
            "</header>",
            "<main>",
            *_sections(report.sections),
            "</main>",
            "<footer>",
            *_sections(report.footer),
            "</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _sections(sections: Sequence[Section]) -> list[str]:
    return [
        "\n".join(
            [
                "<section>",
                f"<h2>{escape(section.heading)}</h2>",
                *map(_block, section.blocks),
                "</section>",
            ]
        )
        for section in sections
    ]


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        kind = f' class="{block.kind}"' if block.kind else ""
        return f"<p{kind}>{escape(block.text)}</p>"
    if isinstance(block, Heading):
        return f"<h3>{escape(block.text)}</h3>"
    if isinstance(block, Code):
        return f'<pre tabindex="0"><code>{escape(block.text)}</code></pre>'
    if isinstance(block, Plot):
        return f"<figure>\n{block.svg}\n<figcaption>{escape(block.caption)}</figcaption>\n</figure>"
    if isinstance(block, Facts):
        return f'<dl class="facts">\n{"".join(map(_fact, block.facts))}</dl>'
    return _table(block)


def _fact(fact: Fact) -> str:
    return (
        f'<div><dt>{escape(fact.name)}</dt><dd class="figure">{escape(fact.figure)}</dd>'
        f'<dd class="range">{escape(fact.rest)}</dd></div>\n'
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.caption)}">'
        f"<table><caption>{escape(table.caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )
