"""The policy: every setting under every law, what is refused, and what people are told."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest

from edge_affect import cli
from edge_affect.config import (
    EXCEPTIONS,
    JURISDICTIONS,
    SETTINGS,
    Audio,
    Config,
    Deployment,
    Privacy,
    Video,
)
from edge_affect.errors import ConfigError, PolicyError
from edge_affect.privacy import policy
from edge_affect.privacy.explanation import DISCLAIMER, explain
from edge_affect.privacy.notes import NOTES
from edge_affect.privacy.rules import RULES

EXPECTED = """
setting         exception  EU        UK        US        CN        other
home            -          free      free      free      free      free
home            medical    free      free      free      free      free
home            safety     free      free      free      free      free
kiosk           -          free      free      free      free      free
kiosk           medical    free      free      free      free      free
kiosk           safety     free      free      free      free      free
retail          -          free      free      free      free      free
retail          medical    free      free      free      free      free
retail          safety     free      free      free      free      free
venue           -          free      free      free      free      free
venue           medical    free      free      free      free      free
venue           safety     free      free      free      free      free
contact-centre  -          customer  customer  customer  customer  customer
contact-centre  medical    customer  customer  customer  customer  customer
contact-centre  safety     customer  customer  customer  customer  customer
care            -          free      free      free      free      free
care            medical    free      free      free      free      free
care            safety     free      free      free      free      free
research        -          free      free      free      free      free
research        medical    free      free      free      free      free
research        safety     free      free      free      free      free
classroom       -          refused   group     group     group     group
classroom       medical    free      free      free      free      free
classroom       safety     free      free      free      free      free
workplace       -          refused   group     group     group     group
workplace       medical    free      free      free      free      free
workplace       safety     free      free      free      free      free
"""
"""Written out by hand, not made from the rules: a rule that changes must be changed here too."""


def declared(setting: str, jurisdiction: str, exception: str = "") -> Config:
    return Config(
        deployment=Deployment(setting, jurisdiction, "test", "me", "", exception),
        audio=Audio(channel=1),
        video=Video(source="none"),
    )


def outcome(setting: str, jurisdiction: str, exception: str) -> str:
    """What the box does, seen from outside: does it start, and with which settings?"""
    config = declared(setting, jurisdiction, exception)
    camera, no_camera = Video(source="camera"), Video(source="none")
    starts = []
    for channel, video in ((1, camera), (1, no_camera), (0, camera), (0, no_camera)):
        try:
            policy.check_live(replace(config, audio=Audio(channel=channel), video=video))
        except PolicyError as error:
            return "refused" if error.exit_code == 80 else "unforeseen"
        except ConfigError:
            starts.append(False)
        else:
            starts.append(True)
    kinds = {
        (1, True, True, True, True): "free",
        (5, True, False, True, False): "group",
        (1, False, True, False, False): "customer",
    }
    return kinds.get((config.min_people, *starts), "unforeseen")


def test_every_setting_under_every_law_with_every_exception():
    header, *rows = [line.split() for line in EXPECTED.strip().splitlines()]
    jurisdictions = header[2:]
    assert tuple(jurisdictions) == JURISDICTIONS
    expected = {
        (setting, jurisdiction, "" if exception == "-" else exception): word
        for setting, exception, *words in rows
        for jurisdiction, word in zip(jurisdictions, words, strict=True)
    }
    everything = {(s, j, e) for s in SETTINGS for j in JURISDICTIONS for e in EXCEPTIONS}
    assert set(expected) == everything
    assert len(expected) == 9 * 5 * 3
    assert {place: outcome(*place) for place in sorted(everything)} == expected


def test_an_empty_table_of_rules_would_be_noticed(monkeypatch):
    # The matrix is no test if a box without a policy passes it.
    monkeypatch.setattr(policy, "RULES", ())
    assert outcome("classroom", "EU", "") == "group"
    assert outcome("contact-centre", "EU", "") == "free"


def test_a_refusal_names_the_article():
    with pytest.raises(PolicyError, match=r"Article 5\(1\)\(f\).*2 February 2025"):
        policy.check_live(declared("classroom", "EU"))


@pytest.mark.parametrize("exception", ["medical", "safety"])
def test_a_declared_exception_lifts_the_refusal(exception):
    config = declared("workplace", "EU", exception)
    policy.check_live(config)
    assert config.min_people == 1


def test_more_people_may_be_asked_for_but_not_fewer():
    strict = replace(declared("classroom", "US"), privacy=Privacy(min_people=12))
    loose = replace(declared("classroom", "US"), privacy=Privacy(min_people=2))
    assert [c.min_people for c in (strict, loose)] == [12, 5]


@pytest.mark.parametrize("name", ["setting", "jurisdiction", "purpose", "contact"])
def test_live_capture_needs_a_declared_deployment(name):
    config = declared("home", "UK")
    missing = replace(config, deployment=replace(config.deployment, **{name: ""}))
    policy.check_live(config)
    with pytest.raises(ConfigError, match=name):
        policy.check_live(missing)


def test_a_contact_centre_must_choose_the_customers_channel():
    config = declared("contact-centre", "UK")
    policy.check_live(config)
    with pytest.raises(ConfigError, match="customer"):
        policy.check_live(replace(config, audio=Audio(channel=0)))


def test_a_recorded_call_needs_the_customers_channel_whatever_else_is_declared():
    call = Config(deployment=Deployment(setting="contact-centre"))
    with pytest.raises(ConfigError, match="never the employee's") as caught:
        policy.check_channel(call)
    assert caught.value.exit_code == 78
    policy.check_channel(replace(call, audio=Audio(channel=2)))
    policy.check_channel(Config(deployment=Deployment(setting="home")))


def test_a_contact_centre_has_no_camera():
    config = declared("contact-centre", "EU")
    with pytest.raises(ConfigError, match="employees") as caught:
        policy.check_live(replace(config, video=Video(source="camera")))
    assert caught.value.exit_code == 78


def test_rules_and_notes_name_real_places_a_source_and_a_date():
    assert len(RULES) >= 4
    assert len(NOTES) >= 15
    for row in (*RULES, *NOTES):
        assert set(row.settings) <= set(SETTINGS)
        assert set(row.jurisdictions) <= set(JURISDICTIONS)
        assert row.source
        assert not row.since or date.fromisoformat(row.since) >= date(2000, 1, 1)


@pytest.mark.parametrize("setting", SETTINGS)
def test_everybody_in_the_eu_is_told_of_the_duty_to_tell(setting):
    texts = " ".join(
        f"{n.text} {n.source} {n.since}" for n in policy.notes(Deployment(setting, "EU"))
    )
    for words in ("Article 50(3)", "2026-08-02", "Annex III point 1(c)", "Article 9", "Article 35"):
        assert words in texts, words


@pytest.mark.parametrize(
    ("jurisdiction", "words"),
    [
        ("UK", ["UK GDPR", "Information Commissioner", "Article 2(1)(c)"]),
        ("US", ["740 ILCS 14", "written release", "Article 2(1)(c)"]),
        ("CN", ["Articles 28, 29 and 31", "2025-06-01", "order no. 19", "Article 2(1)(c)"]),
        ("other", ["makers know nothing"]),
    ],
)
def test_what_differs_elsewhere_is_told(jurisdiction, words):
    text = " ".join(explain(declared("venue", jurisdiction)).as_text().split())
    for word in words:
        assert word in text
    assert "Annex III" not in text
    assert DISCLAIMER in text


def test_notes_fit_the_place():
    children = [n for n in NOTES if "recital 38" in n.source]
    assert len(children) == 1
    assert children[0] in policy.notes(Deployment("classroom", "UK"))
    assert children[0] not in policy.notes(Deployment("workplace", "UK"))
    narrow = [n for n in NOTES if n.needs_exception]
    assert len(narrow) == 1
    assert narrow[0] in policy.notes(Deployment("classroom", "EU", exception="safety"))
    assert narrow[0] not in policy.notes(Deployment("classroom", "EU"))


def run(capsys, *arguments):
    code = cli.main(["policy", "explain", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_explain_says_refused_with_the_article_and_that_it_is_no_legal_advice(capsys):
    code, out, _ = run(capsys, "--setting", "classroom", "--jurisdiction", "EU")
    assert code == 0
    assert out.startswith("classroom in EU: refused")
    assert "Article 5(1)(f)" in out
    assert "not legal advice" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 88


def test_a_refusal_names_nothing_that_would_hold_if_it_were_none(capsys):
    assert cli.main(["policy", "explain", "--setting", "classroom", "--jurisdiction", "EU"]) == 0
    assert "group" not in capsys.readouterr().out.split("What you should know")[0]


@pytest.mark.parametrize(
    ("privacy", "words"),
    [
        ("min_people = 6\ngroup_rest_s = 30.0", "once 9 readable faces"),
        ("min_people = 6\ngroup_rest_s = 30.0", "in sight for 30 s"),
        ("aggregate_epsilon = 1.0", "noisy means over 10 minutes"),
    ],
)
def test_explain_says_when_a_group_is_told(capsys, tmp_path, privacy, words):
    path = tmp_path / "box.toml"
    path.write_text(f"[deployment]\nsetting = 'venue'\njurisdiction = 'EU'\n[privacy]\n{privacy}\n")
    assert cli.main(["policy", "explain", "--config", str(path)]) == 0
    assert words in " ".join(capsys.readouterr().out.split())


def test_explain_shows_a_declared_exception_and_what_it_lifts(capsys):
    place = ("--setting", "workplace", "--jurisdiction", "EU", "--exception", "safety")
    said = json.loads(run(capsys, *place, "--json")[1])
    assert (said["refused"], said["exception"], said["min_people"]) == (False, "safety", 1)
    assert [rule["effect"] for rule in said["lifted_by_exception"]] == [
        "refuse", "group values only", "no words",
    ]  # fmt: skip
    assert said["legal_advice"] is False
    assert "lifted by the exception: refuse" in run(capsys, *place)[1]


def test_explain_reads_a_configuration_and_says_why_it_would_not_start(capsys, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text("[deployment]\nsetting = 'contact-centre'\njurisdiction = 'UK'\n")
    code, out, _ = run(capsys, "--config", str(path))
    assert code == 0
    assert re.search(r"does not start: \[deployment\] purpose is not\s+set", out)
    code, out, _ = run(capsys, "--config", str(path), "--setting", "home")
    assert out.startswith("home in UK: allowed")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 64, "--setting and --jurisdiction"),
        (("--setting", "classroom"), 64, "--jurisdiction"),
        (("--setting", "clasroom", "--jurisdiction", "EU"), 64, "clasroom"),
        (("--config", "/no/such.toml"), 66, "/no/such.toml"),
    ],
)
def test_wrong_questions_get_one_sentence(capsys, arguments, code, words):
    got, out, err = run(capsys, *arguments)
    assert (got, out, err.count("\n")) == (code, "", 1)
    assert words in err


def test_a_configuration_without_a_place_cannot_be_explained(capsys, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text("")
    code, _, err = run(capsys, "--config", str(path))
    assert code == 78
    assert "setting and jurisdiction" in err
