"""Reports as a browser shows and prints them: contrast, names, width, and nothing asked for."""

import base64
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_accessibility import axe, violations  # noqa: F401 (a fixture is used by its name)

from edge_affect.reporting import page as pages
from edge_affect.reporting.languages import LANGUAGES
from edge_affect.reporting.making import Wish, report
from edge_affect.reporting.markers import Marker
from edge_affect.reporting.results import Results

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from report_parts import CENTRE, WITH_PHRASES, results, room, voice

SLIDES = (Marker(0, "Begrüßung <b>"), Marker(200, "证明"), Marker(400, "E" * 80))


def made(folder, kind, language):
    """Write a report of every sort of block, in one language."""
    if kind == "contact-centre":
        said = (1, 0, 0, 0, 0, 0, 0, 0)
        call = [voice(1)] * 40 + [voice(11)] * 5 + [voice(11, said)] + [voice(11)] * 25
        call += [voice(1)] * 250
        recordings = {f"call-{'long-' * 8}{number}": call for number in range(12)}
        results(folder / "out", recordings, CENTRE + WITH_PHRASES)
        wish = Wish(kind, alerts_per_week=200)
    else:
        evening = [room(laughter=6 * (second % 50 < 3)) for second in range(400)]
        evening += [room(attention=4, confusion=11)] * 300
        results(folder / "out", {"evening": evening})
        wish = Wish(kind, SLIDES)
    text = pages.page(report(Results(folder / "out"), wish, LANGUAGES[language]))
    path = folder / "report.html"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("kind", ["contact-centre", "lesson", "show"])
@pytest.mark.parametrize(("language", "dark"), [("en", False), ("zh", True)], ids=["light", "dark"])
def test_reports_keep_the_rules_and_ask_for_nothing(
    chromium,
    axe,  # noqa: F811 (the fixture)
    tmp_path,
    kind,
    language,
    dark,
):
    path = made(tmp_path, kind, language)
    with chromium.page(dark=dark, width=390, height=800) as page:
        page.open(path.as_uri())
        page.wait("document.querySelector('footer section')", "the report")
        assert page.js("document.documentElement.scrollWidth") <= 390
        found, n_kept = violations(page, axe)
        assert found == []
        assert n_kept > 15
        ground = page.js("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") is not dark
        assert page.errors == []
        assert page.requests == [path.as_uri()]


def test_a_script_in_a_report_would_not_run(chromium, tmp_path):
    """What the policy in the page's head is for, should anything ever slip in."""
    path = made(tmp_path, "lesson", "en")
    text = path.read_text("utf-8").replace("<main>", "<main><script>document.title='run'</script>")
    path.write_text(text, "utf-8")
    with chromium.page() as page:
        page.open(path.as_uri())
        page.wait("document.querySelector('footer section')", "the report")
        assert page.js("document.title") != "run"
        assert any("Content Security Policy" in error for error in page.errors)


def test_a_report_prints_on_white_a4(chromium, tmp_path):
    path = made(tmp_path, "contact-centre", "zh")
    with chromium.page(dark=True) as page:
        page.open(path.as_uri())
        page.wait("document.querySelector('footer section')", "the report")
        printed = page._call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    (tmp_path / "r.pdf").write_bytes(base64.b64decode(printed["data"]))
    if shutil.which("pdfinfo") is None:
        pytest.skip("no poppler-utils")
    told = subprocess.run(
        ["pdfinfo", tmp_path / "r.pdf"], check=True, capture_output=True, text=True
    ).stdout
    assert "A4" in told
    assert 2 <= int(told.split("Pages:")[1].split()[0]) <= 6
    subprocess.run(
        ["pdftoppm", "-gray", "-r", "20", "-f", "1", "-l", "1", tmp_path / "r.pdf", tmp_path / "p"],
        check=True,
    )
    (picture,) = tmp_path.glob("p-*.pgm")
    grey = picture.read_bytes()[-5000:]
    assert sorted(grey)[len(grey) // 2] > 240
