"""Scenarios, what is counted of them, and the figures that the documents tell."""

import json
import re
from pathlib import Path

import pytest

from edge_affect.alert_presets import PRESETS
from edge_affect.cli import main
from edge_affect.errors import DatasetError, InputMissingError
from edge_affect.evaluation.alert_scenarios import NOISES, read_scenarios
from edge_affect.evaluation.alerts import Tally, changes_of, evaluate_scenarios, judge

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "tests" / "scenarios" / "alerts.toml"
ONE = """
[[scenario]]
name = "anger"
part = "report"
setting = "kiosk"
script = [{ for_s = 20, anger = 0.1 }, { for_s = 20, anger = 0.8 }]
expected = [{ alert = "rising-anger", change = "raised", within = [22, 30] }]
"""


def write(tmp_path, text):
    path = tmp_path / "scenarios.toml"
    path.write_text(text)
    return path


def test_the_scenarios_are_many_and_half_of_them_are_near_misses():
    scenarios = read_scenarios(SCENARIOS)
    assert len(scenarios) >= 35
    assert sum(not s.expected for s in scenarios) >= 20
    assert len({s.name for s in scenarios}) == len(scenarios)
    alerts = {e.alert for s in scenarios for e in s.expected}
    assert alerts >= {
        "rising-anger", "rising-anxiety", "confused", "majority-confused", "attention-collapse",
        "distress", "laughter", "applause",
    }  # fmt: skip
    for scenario in scenarios:
        assert scenario.name.startswith("near miss") == (not scenario.expected)


@pytest.mark.parametrize("scenario", read_scenarios(SCENARIOS), ids=lambda s: s.name)
def test_without_noise_every_scenario_causes_what_it_must(scenario):
    tally = Tally()
    judge(scenario, changes_of(scenario, PRESETS[scenario.setting]), tally)
    assert tally.wrong == []
    assert tally.n_hits == len(scenario.expected)


def test_a_rule_that_is_too_eager_or_too_slow_is_found_out(tmp_path):
    (scenario,) = read_scenarios(write(tmp_path, ONE))
    for told, expected in (
        ([(25.0, "rising-anger", "raised")], (1, 0, 0)),
        ([(5.0, "rising-anger", "raised")], (0, 1, 1)),
        ([(25.0, "confused", "raised")], (0, 1, 1)),
        ([(25.0, "rising-anger", "raised"), (26.0, "rising-anger", "escalated")], (1, 0, 1)),
        ([(25.0, "rising-anger", "cleared")], (0, 1, 0)),
        ([], (0, 1, 0)),
    ):
        tally = Tally()
        judge(scenario, told, tally)
        assert (tally.n_hits, tally.n_missed, tally.n_false) == expected
    assert tally.as_figures() == {"n_due": 1, "n_told": 0, "precision": None, "recall": 0.0}


def test_noise_is_the_same_for_the_same_seed_and_loses_records():
    scenario = read_scenarios(SCENARIOS)[0]
    noise = NOISES["noisy"]
    assert scenario.records(noise, 1) == scenario.records(noise, 1) != scenario.records(noise, 2)
    lost = [record is None for seed in range(20) for _, record in scenario.records(noise, seed)]
    assert 0.03 < sum(lost) / len(lost) < 0.07
    assert not any(record is None for _, record in scenario.records())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no [[scenario]]"),
        ("[[scenario]\n", "cannot be read"),
        (ONE.replace('part = "report"', 'part = "tset"'), "'anger' is none: part is one of"),
        (ONE.replace("anger = 0.8", "angre = 0.8"), "unknown 'angre'"),
        (ONE.replace("within = [22, 30]", "within = [22]"), "'anger' is none"),
        (ONE.replace('name = "anger"\n', ""), "scenario 1 is none"),
        (ONE.replace('setting = "kiosk"', 'setting = "kiosc"'), "no setting 'kiosc'"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text, words):
    with pytest.raises(DatasetError, match=re.escape(words)):
        evaluate_scenarios(write(tmp_path, text), 0)
    with pytest.raises(InputMissingError):
        read_scenarios(tmp_path / "none.toml")


def test_the_command_prints_the_figures(capsys):
    command = ["evaluate", "alerts", "--scenarios", str(SCENARIOS), "--noisy", "1", "--json"]
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)["scenarios"]
    assert report["report"]["clean"] == {
        "n_due": report["report"]["clean"]["n_due"],
        "n_told": report["report"]["clean"]["n_told"],
        "precision": 1.0,
        "recall": 1.0,
    }
    assert main([*command, "--index", "x.csv"]) == 64
    assert main([*command[:3], "/nonexistent.toml"]) == 66
