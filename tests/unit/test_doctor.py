"""The doctor: each check says what is, what to do, with which code; figures agree everywhere."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edge_affect import cli
from edge_affect.broker import LocalBroker, free_port
from edge_affect.commands.doctor import NAME_WIDTH
from edge_affect.config import Config, Publish, parse
from edge_affect.consent import Switches
from edge_affect.diagnosis import models, sandbox, service, sources
from edge_affect.diagnosis.all_checks import CHECKS, STAGES
from edge_affect.diagnosis.check import (
    Check,
    Finding,
    State,
    Subject,
    examine,
    exit_code,
    fail,
    ok,
    warn,
)
from edge_affect.errors import BrokerError, CageError, ExitCode
from edge_affect.leak_ceiling import leak_ceiling
from edge_affect.publishing.about import about_payload

ROOT = Path(__file__).resolve().parents[2]
SUBJECT = Subject(Config(), None)
PLACE = (
    "[deployment]\nsetting = 'home'\njurisdiction = 'UK'\npurpose = 'x'\ncontact = 'y'\n"
    "[audio]\nsource = 'none'\n[video]\nsource = 'none'\n"
)


def doctor(capsys, *arguments):
    code = cli.main(["doctor", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def by_name(out: str) -> dict[str, dict]:
    return {check["name"]: check for check in json.loads(out)["checks"]}


def box(tmp_path, port: int, text: str = PLACE) -> str:
    path = tmp_path / "box.toml"
    path.write_text(f"{text}[mqtt]\nhost = '127.0.0.1'\nport = {port}\n")
    return str(path)


# ---- checks and their results ----


def test_names_are_unique_and_needs_come_first():
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names)) >= 15
    assert max(map(len, names)) <= NAME_WIDTH, "findings stand in one column"
    for i, check in enumerate(CHECKS):
        assert set(check.needs) <= set(names[:i])
    assert STAGES == ("machine", "software", "privacy", "service", "devices", "broker")


def test_what_needs_a_failed_check_is_skipped_and_the_first_failure_gives_the_code():
    def broken(_subject):
        raise BrokerError("No.")

    def unlucky(_subject):
        raise CageError("Leaks.")

    checks = [
        Check("a", "s", lambda _s: ok("Fine."), "r"),
        Check("b", "s", broken, "Mend it."),
        Check("c", "s", lambda _s: ok("Fine."), "r", ("b",)),
        Check("d", "s", lambda _s: ok("Fine."), "r", ("c",)),
        Check("e", "s", unlucky, "r"),
        Check("f", "s", lambda _s: warn("Hm.", "r"), "r"),
    ]
    results = examine(checks, SUBJECT)
    assert [r.finding.state.value for r in results] == [
        "ok", "fail", "skipped", "skipped", "fail", "warn",
    ]  # fmt: skip
    assert results[1].finding.remedy == "Mend it."
    assert exit_code(results) is ExitCode.UNAVAILABLE
    assert exit_code(results[:1]) is ExitCode.DONE
    assert exit_code(results[5:]) is ExitCode.DONE


def test_a_failure_needs_a_code_and_a_remedy():
    with pytest.raises(ValueError, match="exit code"):
        Finding(State.FAIL, "Broken.", "r")
    with pytest.raises(ValueError, match="exit code"):
        Finding(State.OK, "Fine.", exit_code=ExitCode.USAGE)
    with pytest.raises(ValueError, match="remedy"):
        warn("Hm.", "")
    assert fail(BrokerError("No."), "r").exit_code is ExitCode.UNAVAILABLE


# ---- the leak ceiling ----


@pytest.mark.parametrize("tick_hz", [0.2, 1.0, 5.0])
def test_readme_privacy_about_and_doctor_tell_the_same_ceiling(capsys, tmp_path, tick_hz):
    most = leak_ceiling(tick_hz)
    about = about_payload(Config(publish=Publish(tick_hz=tick_hz)), [])["leak_ceiling"]
    path = tmp_path / "box.toml"
    path.write_text(f"[publish]\ntick_hz = {tick_hz}\n")
    _, out, _ = doctor(capsys, "--only", "privacy", "--json", "--config", str(path))
    told = by_name(out)["leak-ceiling"]
    assert told["figures"] == about == most.as_json()
    assert str(most) in told["finding"]
    if tick_hz == 0.2:
        return
    for name in ("README.md", "PRIVACY.md"):
        text = " ".join((ROOT / name).read_text().split())
        row = (f"{tick_hz:g}", f"{most.bits_per_record:.2f}", f"{most.bits_per_s:.2f}")
        assert f"| {' | '.join(row)} | {most.bits_per_day:,} |" in text, name


# ---- single checks ----


def test_models_that_are_missing_are_a_failure_with_a_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(models, "shipped_models_dir", lambda: tmp_path)
    check = next(c for c in CHECKS if c.name == "models")
    assert examine([check], SUBJECT)[0].finding.exit_code is ExitCode.INPUT_MISSING
    (tmp_path / "bad.toml").write_text("name = ")
    finding = examine([check], SUBJECT)[0].finding
    assert finding.exit_code is ExitCode.BAD_DATA
    assert "1 of 1 models" in finding.sentence
    assert "models fetch" in finding.remedy


def test_a_cage_that_cannot_be_built_is_a_failure(monkeypatch):
    check = next(c for c in CHECKS if c.name == "sandbox")
    monkeypatch.setattr(sandbox, "_TRY", "import sys; sys.exit('The kernel does not allow it.')")
    finding = examine([check], SUBJECT)[0].finding
    assert finding.exit_code is ExitCode.CAGE_NOT_PROVEN
    assert finding.sentence == "The kernel does not allow it."


def test_a_cage_that_leaks_is_a_failure(monkeypatch):
    # Proving without building: the first way out works.
    leaky = sandbox._TRY.replace("cage.enter(cage.CagePolicy())", "pass")
    assert leaky != sandbox._TRY
    monkeypatch.setattr(sandbox, "_TRY", leaky)
    check = next(c for c in CHECKS if c.name == "sandbox")
    finding = examine([check], SUBJECT)[0].finding
    assert finding.exit_code is ExitCode.CAGE_NOT_PROVEN
    assert "leaks" in finding.sentence


def test_cards_are_read_and_a_missing_microphone_is_told(monkeypatch, tmp_path):
    cards = tmp_path / "cards"
    cards.write_text(" 0 [PCH  ]: HDA-Intel - HDA Intel PCH\n       HDA Intel PCH at 0xf7\n")
    monkeypatch.setattr(sources, "SOUND_CARDS", tmp_path)
    assert "HDA Intel PCH (card:PCH)" in sources.microphone(SUBJECT).sentence
    monkeypatch.setattr(sources, "SOUND_CARDS", tmp_path / "none")
    monkeypatch.setattr(sources, "SOUND_SERVERS", (f"{tmp_path}/pulse*",))
    assert sources.microphone(SUBJECT).state is State.WARN
    (tmp_path / "pulse1").write_text("")
    assert sources.microphone(SUBJECT).state is State.OK


# ---- the command ----


def test_without_a_configuration_the_broker_is_left_alone(capsys):
    code, out, _ = doctor(capsys, "--only", "machine", "--only", "broker", "--json")
    assert code == 0
    assert {check["stage"] for check in by_name(out).values()} == {"machine"}


def test_a_broker_is_tried_step_by_step(capsys, tmp_path):
    with LocalBroker() as broker:
        path = box(tmp_path, broker.port)
        code, out, _ = doctor(capsys, "--config", path, "--only", "broker", "--json")
        found = by_name(out)
        assert [c["state"] for c in found.values()] == ["ok"] * 6
        assert found["broker-login"]["finding"].endswith("by MQTT 5.")
        assert "edge-affect/site/box/doctor came back" in found["broker-message"]["finding"]
        assert code == 0


def test_a_broker_that_is_not_there(capsys, tmp_path):
    path = box(tmp_path, free_port())
    code, out, _ = doctor(capsys, "--config", path, "--only", "broker")
    assert code == 69
    lines = [line.split()[0] for line in out.splitlines() if "->" not in line]
    assert lines == ["ok", "fail", *["skipped"] * 4]
    assert "-> Check [mqtt] host and port" in out


@pytest.mark.parametrize("host", ["no-such-broker.invalid", "broker..lan"])
def test_a_name_that_leads_nowhere(capsys, tmp_path, host):
    path = tmp_path / "box.toml"
    path.write_text(f"[mqtt]\nhost = '{host}'\n")
    code, out, _ = doctor(capsys, "--config", str(path), "--only", "broker", "--json")
    assert code == 69
    assert host in by_name(out)["broker-name"]["finding"]


def test_a_broker_without_tls_is_not_trusted(capsys, tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "ca.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(cert), "-subj", "/CN=test"],
        check=True, capture_output=True,
    )  # fmt: skip
    with LocalBroker() as broker:
        path = tmp_path / "box.toml"
        path.write_text(f"[mqtt]\nhost = '127.0.0.1'\nport = {broker.port}\nca_file = '{cert}'\n")
        code, out, _ = doctor(capsys, "--config", str(path), "--only", "broker", "--json")
    found = by_name(out)
    assert code == 69
    assert found["broker-tls"]["state"] == "fail"
    assert found["broker-login"]["state"] == "skipped"


def test_the_policy_is_told_and_refuses(capsys, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text(PLACE)
    code, out, _ = doctor(capsys, "--config", str(path), "--only", "privacy", "--json")
    assert by_name(out)["policy"]["finding"] == "Declared as home in UK: allowed."
    path.write_text(PLACE.replace("home", "classroom").replace("UK", "EU"))
    code, out, _ = doctor(capsys, "--config", str(path), "--only", "privacy", "--json")
    assert code == 80
    assert "Article 5(1)(f)" in by_name(out)["policy"]["finding"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--only", "teeth"), 64), (("--config", "/no/such.toml"), 66)],
)
def test_wrong_questions_get_one_sentence(capsys, arguments, code):
    got, out, err = doctor(capsys, *arguments)
    assert (got, out, err.count("\n")) == (code, "", 1)


def test_switches_need_their_libraries_and_a_chip(monkeypatch, tmp_path):
    used = Subject(Config(switches=Switches(mute_pin=5)), None)
    assert sources.switches(SUBJECT).state is State.OK
    monkeypatch.setattr(sources, "find_spec", lambda name: None if name == "lgpio" else object())
    missing = sources.switches(used)
    assert missing.exit_code is ExitCode.CONFIGURATION
    assert "needs lgpio" in missing.sentence
    monkeypatch.setattr(sources, "find_spec", lambda _name: object())
    monkeypatch.setattr(sources, "DEVICES", tmp_path)
    assert sources.switches(used).exit_code is ExitCode.UNAVAILABLE
    (tmp_path / "gpiochip0").touch()
    assert "gpiochip0" in sources.switches(used).sentence


def test_it_opens_no_device_and_publishes_nothing_without_a_configuration():
    # The whole command in a process of its own, as a user runs it.
    command = [sys.executable, "-m", "edge_affect", "doctor", "--only", "devices", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert sorted(by_name(done.stdout)) == ["camera", "microphone", "permissions", "switches"]
    assert socket.gethostname() not in done.stdout


UNITS = (service.TARGET, *service.SCORES)


def systemd(score="0.9", **changes):
    """What systemctl and systemd-analyze print of a service in order, but for the changes."""
    said = {
        unit: {"Id": unit, "LoadState": "loaded", "ActiveState": "active", "Result": "success",
               "UnitFileState": "enabled", "NRestarts": "1"}
        for unit in UNITS
    }  # fmt: skip
    for place, (key, value) in changes.items():
        said[UNITS[int(place[1:])]][key] = value

    def ask(words):
        if words[0] == "systemd-analyze":
            return f"-> Overall exposure level for {words[-1]}: {score} SAFE :-}}\n"
        return "\n\n".join("\n".join(f"{k}={v}" for k, v in unit.items()) for unit in said.values())

    return service.judged(ask)


def test_a_service_in_order():
    found = systemd()
    assert found.state is State.OK
    assert found.sentence == (
        "The service runs and starts at boot; restarts: 2; walls: sense 0.9, publish 0.9, "
        "switches 0.9."
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"_1": ("ActiveState", "failed")}, "edge-affect-sense.service is failed"),
        ({"_2": ("ActiveState", "inactive")}, "edge-affect-publish.service is inactive"),
        ({"_0": ("UnitFileState", "disabled")}, "does not start at boot"),
        ({"_3": ("LoadState", "not-found")}, "Units are missing: edge-affect-switches"),
        ({"score": "4.2"}, "Walls of the service were taken down"),
    ],
)
def test_a_service_that_is_not_in_order(changes, said):
    found = systemd(**changes)
    assert found.state is State.WARN
    assert said in found.sentence
    assert found.remedy


def test_no_service_is_no_failure():
    assert systemd(_0=("LoadState", "not-found")).state is State.SKIPPED
    assert service.judged(lambda _words: "").state is State.SKIPPED
    if not service.SYSTEMD_RUNS.is_dir():
        assert service.service(SUBJECT).sentence.startswith("systemd is not running here")


def test_the_scores_are_those_the_units_are_held_to():
    from test_units import LIMITS

    assert service.SCORES == LIMITS


def test_devices_that_this_user_may_not_open():
    subject = Subject(parse("[audio]\nsource = 'none'\n"), None)
    assert subject.config.video.source == "camera"
    me = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        node = Path(folder) / "video0"
        node.touch()
        Path(folder).chmod(0o755)
        assert sources.permissions(subject, Path(folder)).sentence.endswith(
            "all 1 device nodes that are asked for."
        )
        node.chmod(0)
        try:
            if me == 0:
                # root may open anything; somebody else may not.
                os.seteuid(65534)
            found = sources.permissions(subject, Path(folder))
        finally:
            os.seteuid(me)
    assert found.state is State.WARN
    assert str(node) in found.sentence
    assert "usermod" in found.remedy
