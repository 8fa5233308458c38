"""The first configuration: from answers of every source, never one that does not start."""

import os
import pty
import subprocess
import sys

import pytest

from edge_affect import cli, config, first_configuration
from edge_affect.errors import ConfigError, ExitCode, PolicyError, UsageError
from edge_affect.first_configuration import QUESTIONS, complete, text_of

HOME = {
    "setting": "home", "jurisdiction": "other", "purpose": 'a "quoted" \\ purpose',
    "contact": "owner@example.org",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    """Whoever runs the tests may have a terminal."""
    with open(os.devnull) as nothing:  # noqa: PTH123 (a stand-in)
        monkeypatch.setattr(sys, "stdin", nothing)
        yield


def ask(path, *options):
    return cli.main(["config", "ask", str(path), *options])


def sets(answers):
    return [word for name, value in answers.items() for word in ("--set", f"{name}={value}")]


def test_every_question_sets_a_key_or_is_decided_on():
    names = [question.name for question in QUESTIONS]
    assert len(set(names)) == len(names) >= 15
    for question in QUESTIONS:
        if question.sets is not None:
            table, key = question.sets
            assert hasattr(getattr(config.Config(), table), key)
        if question.choices and question.default:
            assert question.default in question.choices


def test_defaults_fill_in_and_the_result_is_valid():
    settings = config.parse(text_of(complete(HOME, None)))
    assert settings.deployment.purpose == HOME["purpose"]
    assert settings.audio.source == "microphone"
    assert settings.video.source == "camera"
    assert settings.mqtt.port == 8883
    assert settings.mqtt.ca_file == first_configuration.LOCAL_CA_FILE
    assert settings.mqtt.username == "site.box"
    # Everything else is as in the example.
    assert settings.fusion == config.Fusion()


@pytest.mark.parametrize(
    ("answers", "mqtt"),
    [
        ({}, {"port": 8883, "tls": True}),
        ({"tls": "no"}, {"port": 1883, "tls": False}),
        ({"port": "8884", "ca_file": "/etc/ca.pem"}, {"port": 8884, "ca_file": "/etc/ca.pem"}),
        ({"username": "hall.one"}, {"username": "hall.one"}),
    ],
)
def test_an_existing_broker(answers, mqtt):
    given = {**HOME, "broker": "existing", "host": "broker.lan", **answers}
    found = config.parse(text_of(complete(given, None))).mqtt
    assert found.host == "broker.lan"
    for name, value in mqtt.items():
        assert getattr(found, name) == value


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ({"setting": "clasroom"}, UsageError, "setting must be one of"),
        ({"purpose": ""}, UsageError, "purpose needs an answer"),
        ({"purpose": "two\nlines"}, UsageError, "purpose cannot be"),
        ({"site": "a/b"}, UsageError, "site cannot be"),
        ({"broker": "existing", "host": "a b"}, UsageError, "host cannot be"),
        ({"setting": "classroom", "jurisdiction": "EU"}, PolicyError, "Article 5"),
        ({"microphone": "no", "camera": "none"}, ConfigError, "nothing to sense"),
        ({"broker": "existing", "host": "b", "port": "99999"}, ConfigError, "port is 99999"),
    ],
)
def test_answers_that_do_not_fit(answers, error, words):
    with pytest.raises(error, match=words):
        text_of(complete({**HOME, **answers}, None))


def test_what_is_missing_is_named_at_once(tmp_path, capsys):
    assert ask(tmp_path / "box.toml", "--set", "setting=home") == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "jurisdiction, purpose, contact" in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_options_win_over_the_file_and_the_file_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_AFFECT_ANSWER_SITE", "from-environment")
    monkeypatch.setenv("EDGE_AFFECT_ANSWER_NAME", "from-environment")
    monkeypatch.setenv("EDGE_AFFECT_ANSWER_CONTACT", "from-environment")
    answers = tmp_path / "answers"
    answers.write_text(
        "# mine\n\nsite = from-file\nname=from-file\nsetting=home\njurisdiction=UK\n"
    )
    path = tmp_path / "box.toml"
    options = ["--answers", str(answers), "--set", "site=from-option", "--set", "purpose=p"]
    assert ask(path, *options) == ExitCode.DONE
    settings = config.load(path)
    assert settings.device == config.Device("from-option", "from-file")
    assert settings.deployment.contact == "from-environment"
    assert settings.deployment.jurisdiction == "UK"


def test_nothing_is_overwritten_and_passwords_are_kept_apart(tmp_path, capsys):
    path, secret, kept = tmp_path / "box.toml", tmp_path / "password", tmp_path / "answers"
    given = {**HOME, "broker": "existing", "host": "b", "username": "u", "password": "s3cret"}
    assert ask(path, *sets(given)) == ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []
    options = [*sets(given), "--password-file", str(secret), "--keep-answers", str(kept)]
    assert ask(path, *options) == ExitCode.DONE
    assert secret.read_text() == "s3cret\n"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert "s3cret" not in path.read_text() + kept.read_text() + capsys.readouterr().out
    assert ask(path, *options) == ExitCode.CANNOT_WRITE
    # What was kept can be given again.
    again = tmp_path / "again.toml"
    assert ask(again, "--answers", str(kept)) == ExitCode.DONE
    assert again.read_text() == path.read_text()


@pytest.mark.parametrize("line", ["setting", "colour=blue", "=x"])
def test_answers_that_are_none(tmp_path, line, capsys):
    answers = tmp_path / "answers"
    answers.write_text(f"{line}\n")
    assert ask(tmp_path / "b", "--answers", str(answers)) == ExitCode.USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert ask(tmp_path / "b", "--answers", str(tmp_path / "none")) == ExitCode.INPUT_MISSING


def test_a_whole_interview_at_a_terminal(tmp_path):
    """Wrong answers are asked again, a refused deployment too; numbers pick choices."""
    path = tmp_path / "box.toml"
    replies = [
        "castle", "8", "EU", "", "", "a lesson", "me@example.org",  # exception: none
        "", "", "", "", "",
        # Refused by Article 5: once more.
        "home", "1", "a demonstration", "me@example.org", "lab", "two", "yes", "none",
        "existing", "broker.lan", "yes", "", "", "lab.two", "s3cret",
    ]  # fmt: skip
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_affect", "config", "ask", str(path),
         "--password-file", str(tmp_path / "password")],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    for reply in replies:
        # The next prompt ends with a colon and a space.
        mark = len(said)
        while not said[mark:].endswith(b": "):
            said += os.read(ours, 1000)
        os.write(ours, reply.encode() + b"\n")
    while True:
        try:
            more = os.read(ours, 1000)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        said += more
    assert process.wait(120) == 0, said.decode()
    os.close(ours)
    text = said.decode()
    assert "must be one of" in text
    assert "Article 5" in text
    assert "Once more" in text
    assert "s3cret" not in text
    settings = config.load(path)
    assert settings.deployment.setting == "home"
    assert settings.device == config.Device("lab", "two")
    assert settings.video.source == "none"
    assert (tmp_path / "password").read_text() == "s3cret\n"
