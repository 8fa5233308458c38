"""The budgets: their arithmetic, the page, and a short run through the real processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_affect import demo_clip

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from budget_report import BUDGETS, PAGE, ROOT, figures, judged, put_into_page, table

BENCHMARKS = ROOT / "benchmarks"
MS = 1_000_000


@pytest.fixture(scope="module")
def results():
    return json.loads((BENCHMARKS / "budgets.json").read_text())


@pytest.mark.parametrize(
    ("key", "values", "verdict"),
    [
        ("one_face", [7.0, 8.0, 30.0], "held"),  # the median counts
        ("one_face", [7.0, 8.1, 8.2], "broken"),
        ("slit", [100.0] * 18 + [500.0] * 2, "broken"),  # the 95th percentile
        ("slit", [100.0] * 99 + [500.0], "held"),
        ("empty_room", [3.0, 4.9], "held"),  # the mean
        ("empty_room", [3.0, 5.1], "broken"),
        ("start_mqtt_cold", [0.5] * 99 + [1.51], "broken"),  # the worst
    ],
)
def test_each_budget_is_held_against_its_own_statistic(key, values, verdict):
    row = judged(key, values)
    assert (row["verdict"], row["n"]) == (verdict, len(values))


def test_what_was_not_measured_has_no_verdict():
    with pytest.raises(ValueError, match="Nothing"):
        figures([])
    with pytest.raises(KeyError):
        judged("one_more_face", [1.0])


def test_a_frame_is_told_by_the_first_record_that_holds_it():
    from budgets import delays

    told = {"frames": [100 * MS, 200 * MS, 300 * MS, 400 * MS], "records": [0, 200 * MS, 300 * MS]}
    arrived_ns = [150 * MS, 210 * MS, 320 * MS]
    found = delays(told, arrived_ns, from_ns=100 * MS)
    # The last frame was never told, the first record held none.
    assert found == {"slit": [110.0, 10.0, 20.0], "slit_newest": [10.0, 20.0]}
    assert delays(told, arrived_ns, from_ns=250 * MS)["slit"] == [20.0]


def test_verdicts_in_the_file_follow_from_its_figures(results):
    assert list(results["budgets"]) == list(BUDGETS)
    for key, row in results["budgets"].items():
        budget = BUDGETS[key]
        assert (row["limit"], row["unit"], row["what"]) == (budget.limit, budget.unit, budget.what)
        is_held = row[budget.statistic] <= budget.limit
        assert row["verdict"] == ("held" if is_held else "broken"), key
    assert results["machine"]["cores_used"] == 1


def test_the_page_shows_the_file(results):
    assert table(results) in PAGE.read_text()


def test_a_page_without_a_place_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- made by make budgets -->\nno end\n")
    with pytest.raises(SystemExit, match="no place"):
        put_into_page("budgets", "table", page)
    assert page.read_text() == "<!-- made by make budgets -->\nno end\n"
    page.write_text("a\n<!-- made by make x -->\nold\n<!-- made by make x: end -->\nb\n")
    put_into_page("x", "new", page)
    assert page.read_text() == "a\n<!-- made by make x -->\nnew\n<!-- made by make x: end -->\nb\n"


def test_a_short_run_measures_the_real_processes(tmp_path):
    """Figures of a busy machine say nothing; that they come, and through the slit, does."""
    if not (demo_clip.folder() / "sources").is_dir():
        pytest.skip("the demo's clip is not here: make demo")
    out = tmp_path / "budgets.json"
    script = [sys.executable, str(BENCHMARKS / "budgets.py")]
    done = subprocess.run(
        [*script, "--short", "--only", "busy", "--json", str(out)],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    rows = json.loads(out.read_text())["budgets"]
    assert set(rows) == {"slit", "slit_newest", "face_and_speech"}
    assert rows["slit"]["n"] >= 5
    # A record with a frame leaves neither before the frame nor without its analysis.
    # Which of the two is larger is a question of time: not one for a busy machine.
    assert min(rows["slit"]["p50"], rows["slit_newest"]["p50"]) > 1.0
    assert 0.5 < rows["face_and_speech"]["p50"] < 150.0
