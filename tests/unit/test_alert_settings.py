"""Alert rules in the configuration: ready-made ones, changes, and mistakes."""

from dataclasses import fields

import pytest
from mistakes import assert_told_in_one_sentence

from edge_affect import config
from edge_affect.alert_presets import PRESETS, RULES
from edge_affect.alert_settings import AlertRule, QuietHours, quiet_hours

NEW = """
[alert.gloom]
signals = ["sadness", "fear"]
threshold = 0.7
clear = 0.5
steps = [
    { severity = "warn", message = "Gloom." },
    { after_s = 60, severity = "urgent", message = "Deep gloom." },
]
"""


def names(text):
    return [rule.name for rule in config.parse(text, "box.toml").alert_rules]


def test_every_setting_has_ready_made_rules():
    assert set(PRESETS) == {*config.SETTINGS, "none", ""}
    for setting in config.SETTINGS:
        assert names(f"[deployment]\nsetting = '{setting}'\n") == [
            rule.name for rule in PRESETS[setting]
        ]
        assert PRESETS[setting]
    assert {rule for rules in PRESETS.values() for rule in rules} == set(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_nobody_is_watched_for_attention_or_anger_at_work():
    signals = {name for rule in PRESETS["workplace"] for name in rule.rule.signals}
    assert signals == {"confusion"}


def test_a_preset_can_be_another_settings_or_none():
    assert names("[deployment]\nsetting = 'home'\n[alerts]\npreset = 'kiosk'\n") == [
        "confused", "rising-anger",
    ]  # fmt: skip
    assert names("[alerts]\npreset = 'none'\n") == []
    assert names("[alerts]\nenabled = false\n") == []


def test_a_ready_made_rule_is_changed_key_by_key():
    parsed = config.parse("[alerts]\npreset = 'kiosk'\n[alert.rising-anger]\nthreshold = 0.6\n")
    before, after = PRESETS["kiosk"][1], parsed.alert_rules[1]
    assert after.rule.threshold == 0.6
    assert after.steps == before.steps
    changed = [f.name for f in fields(AlertRule)
               if getattr(before.rule, f.name) != getattr(after.rule, f.name)]  # fmt: skip
    assert changed == ["threshold"]


def test_a_ready_made_rule_of_another_setting_can_be_added_and_own_ones_switched_off():
    text = "[alerts]\npreset = 'kiosk'\n[alert.distress]\ndwell_s = 9\n"
    assert names(text) == ["confused", "rising-anger", "distress"]
    assert names(f"{text}[alert.confused]\nenabled = false\n") == ["rising-anger", "distress"]


def test_a_new_rule():
    (rule,) = config.parse(f"[alerts]\npreset = 'none'\n{NEW}").alert_rules
    assert rule.rule.signals == ("sadness", "fear")
    assert [step.after_s for step in rule.steps] == [0.0, 60.0]
    assert rule.rule.dwell_s == AlertRule().dwell_s


def test_the_example_explains_every_key_of_a_rule_and_can_be_taken_as_it_is():
    block = config.example().partition("# [alert.")[2]
    lines = [line[2:] for line in f"# [alert.{block}".splitlines() if line.startswith("# ")]
    named = [line.split(" = ")[0] for line in lines[1:]]
    assert named == [*(f.name for f in fields(AlertRule)), "steps"]
    (rule,) = config.parse("[alerts]\npreset = 'none'\n" + "\n".join(lines)).alert_rules
    assert rule.rule == AlertRule()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[alert.rising-angr]\nthreshold = 0.3\n", ["rising-angr", "rising-anger"]),
        ("[alert.rising-anger]\ntreshold = 0.3\n", ["treshold", "threshold"]),
        ("[alert.rising-anger]\nthreshold = 0.2\n", ["clear is 0.25", "below threshold 0.2"]),
        ("[alert.attention-collapse]\nclear = 0.2\n", ["not above threshold"]),
        ("[alert.rising-anger]\nthreshold = 1.2\n", ["threshold", "-1 to 1"]),
        ("[alert.rising-anger]\nsignals = ['angr']\n", ["angr", "anger"]),
        ("[alert.rising-anger]\nsignals = []\n", ["signals", "at least one"]),
        ("[alert.rising-anger]\nsignals = 'anger'\n", ["signals", "a list"]),
        ("[alert.rising-anger]\nsignals = ['anger', 'anger']\n", ["twice"]),
        ("[alert.rising-anger]\nsteps = [{ after_s = 3, message = 'x' }]\n", ["after_s 0 first"]),
        ("[alert.rising-anger]\nsteps = [{ severity = 'warn' }]\n", ["without a message"]),
        ("[alert.rising-anger]\nsteps = [{ mesage = 'x' }]\n", ["mesage", "message"]),
        ("[alert.rising-anger]\nsteps = 3\n", ["steps", "list of tables"]),
        ("[alert.rising-anger]\nsteps = []\n", ["0 steps"]),
        ("[alert.Rising]\n", ["Rising", "small letters"]),
        ("[alert.gloom]\nsignals = ['fear']\n", ["gloom", "lacks"]),
        ("[alert]\nthreshold = 1\n", ["[alert.NAME]"]),
        ("alert = 3\n", ["[alert.NAME]"]),
        ("[alret.x]\n", ["alret", "alert"]),
        ("[alerts]\nquiet_hours = '22-6'\n", ["22-6", "22:00-06:30"]),
        ("[alerts]\nquiet_hours = '22:00-22:00'\n", ["22:00-22:00"]),
        ("[alerts]\nevent_start = 0.1\n", ["event_end", "0.1"]),
        ("[alerts]\npreset = 'kiosc'\n", ["kiosc", "kiosk"]),
        ("".join(NEW.replace("gloom", f"gloom-{n}") for n in range(33)), ["at most 32"]),
    ],
)
def test_mistakes_are_named_in_one_sentence(text, words):
    assert_told_in_one_sentence(text, words)


def test_quiet_hours_may_pass_midnight():
    assert quiet_hours("") is None
    night = quiet_hours("22:00-06:30")
    assert night == QuietHours(1320, 390)
    assert [night.covers(m) for m in (1319, 1320, 1439, 0, 389, 390)] == [
        False, True, True, True, True, False,
    ]  # fmt: skip
    noon = quiet_hours("12:00-13:00")
    assert [noon.covers(m) for m in (719, 720, 779, 780)] == [False, True, True, False]
