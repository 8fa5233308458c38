"""install.sh as far as it goes without a system; `make check-install` does the rest."""

import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "install.sh"
TEXT = SCRIPT.read_text()
HEADER = TEXT.split("set -eu")[0]


def run(*options, script=SCRIPT):
    return subprocess.run([script, *options], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "script", ["install.sh", "systemd/install.sh", "tools/debian_root.sh", "tools/release.sh"]
)
def test_the_shell_can_read_it(script):
    done = subprocess.run(["sh", "-n", ROOT / script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_option_is_told_and_none_that_is_not_there():
    cases = re.search(r"case \$1 in\n(        --rollback .*?)\n    esac", TEXT, re.DOTALL).group(1)
    taken = set(re.findall(r"(--[a-z-]+)(?= \||\))", cases))
    assert taken == set(re.findall(r"--[a-z-]+", HEADER)) - {"--help"}
    assert len(taken) >= 12
    table = re.findall(r"^\| `.*", (ROOT / "docs/install.md").read_text(), re.MULTILINE)
    told = set(re.findall(r"--[a-z]+", " ".join(row.split("|")[1] for row in table)))
    assert len(told) >= 8
    assert told <= taken


def test_every_exit_code_is_told():
    used = set(re.findall(r"\bstop ([0-9]+)", TEXT))
    told = set(re.findall(r"\b(6[0-9]|7[0-9]|80)\b", HEADER.split("Exit codes")[1]))
    assert used <= told
    page = (ROOT / "docs/install.md").read_text().split("## Exit codes")[1].split("##")[0]
    assert told == set(re.findall(r"\b(6[0-9]|7[0-9]|80)\b", page))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--fast"], 64, "unknown option --fast"),
        (["--answers"], 64, "needs something behind it"),
        (["--set", "setting"], 64, "NAME=ANSWER"),
        (["--set", "a b=c"], 64, "no question a b"),
        (["--set", "x$(id)=c"], 64, "no question"),
        (["--answers", "/nowhere"], 66, "no file /nowhere"),
        (["--from", "/nowhere"], 66, "no folder /nowhere"),
    ],
)
def test_wrong_words_are_told_in_one_sentence(options, code, words):
    done = run(*options)
    if code == 66 and os.geteuid() != 0:
        code, words = 69, "as root"
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (code, 1, "")
    assert words in done.stderr


def test_nobody_but_root_may(tmp_path):
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv to become somebody else with")
    script = tmp_path / "install.sh"
    script.write_text(TEXT)
    script.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and folder.owner() == "root" and os.geteuid() == 0:
            folder.chmod(folder.stat().st_mode | 0o055)
    prefix = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*prefix, script], capture_output=True, text=True, check=False)
    assert done.returncode == 69
    assert "must be run as root" in done.stderr


VECTOR = {
    "expression": "happiness", "abstained": None, "modalities": ["face"], "people": "1",
    "expressions": {"neutral": 0.2, "happiness": 0.8}, "valence": 0.6, "arousal": 0.4,
    "valence_relative": None, "arousal_relative": None, "confidence": 0.8, "speech_share": 0.5,
    "states": {"attention": 0.533}, "events": {"laughter": None},
}  # fmt: skip


def agree(tmp_path, others):
    ones = [VECTOR] * 10
    for name, vectors in (("one", ones), ("other", others)):
        (tmp_path / name).write_text("".join(f"{json.dumps(v)}\n" for v in vectors))
    done = subprocess.run(
        [sys.executable, ROOT / "tools/compare_vectors.py", tmp_path / "one", tmp_path / "other"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def changed(**values):
    vector = copy.deepcopy(VECTOR)
    for name, value in values.items():
        vector[name] = value
    return vector


def installer_below(folder):
    """Return the installer for a machine that has all it needs, with its folders below this one."""
    if os.geteuid() != 0:
        pytest.skip("the installer must be run as root")
    text = TEXT
    for name in (
        "program=/opt/edge-affect",
        "config=/etc/edge-affect",
        "state=/var/lib/edge-affect",
        "broker=/etc/mosquitto/edge-affect",
    ):
        variable, _, path = name.partition("=")
        assert text.count(f"\n{name}\n") == 1
        text = text.replace(f"\n{name}\n", f"\n{variable}={folder}{path}\n")
    for line, instead in (
        ("    check_machine\n", ""),
        ("    install_packages $packages\n", ""),
        ("    release=$version-$content\n", "    release=next\n"),
    ):
        assert text.count(line) == 1
        text = text.replace(line, instead)
    script = folder / "install.sh"
    script.write_text(text)
    script.chmod(0o755)
    return script


def test_a_release_that_is_changed_once_its_signature_was_checked_is_refused(tmp_path):
    script = installer_below(tmp_path)
    release = tmp_path / "release"
    release.mkdir()
    names = ("edge_affect-1-py3-none-any.whl", "edge_affect-1.tar.gz")

    def sums(content):
        digest = hashlib.sha256(content).hexdigest()
        return "".join(f"{digest}  {name}\n" for name in names)

    for name in names:
        (release / name).write_bytes(b"good\n")
    (release / "SHA256SUMS").write_text(sums(b"good\n"))
    (release / "SHA256SUMS.sig").write_text("by the right key\n")
    evil = tmp_path / "evil-sums"
    evil.write_text(sums(b"evil\n"))
    # Says yes to what it reads, as the real one does, and then somebody swaps everything.
    keygen = tmp_path / "bin/ssh-keygen"
    keygen.parent.mkdir()
    swaps = "".join(f"echo evil >{release / name}\n" for name in names)
    keygen.write_text(f"#!/bin/sh\ncat >/dev/null\n{swaps}cp {evil} {release}/SHA256SUMS\n")
    keygen.chmod(0o755)
    signers = tmp_path / "signers"
    signers.touch()
    done = subprocess.run(
        [script, "--from", release, "--signers", signers],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{keygen.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert "does not have the checksum" in done.stderr


def test_an_upgrade_that_breaks_off_leaves_the_configuration_as_it_was(tmp_path):
    """The release before, which goes on running, would not start with a newer file."""
    script = installer_below(tmp_path)
    # A release that is built but cannot be put in place.
    for folder in ("edge_affect", "models_tflite", "systemd", "integrations", "requirements"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("before", "next"):
        release = tmp_path / "opt/edge-affect/releases" / name
        (release / "bin").mkdir(parents=True)
        (release / ".complete").touch()
        command = release / "bin/edge-affect"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m edge_affect "$@"\n')
        command.chmod(0o755)
    (tmp_path / "opt/edge-affect/current").symlink_to("releases/before")
    units = tmp_path / "opt/edge-affect/releases/next/installer/systemd/install.sh"
    units.parent.mkdir(parents=True)
    units.write_text("#!/bin/sh\necho No space left on device >&2\nexit 1\n")
    units.chmod(0o755)
    config = tmp_path / "etc/edge-affect/config.toml"
    config.parent.mkdir(parents=True)
    shutil.copy(ROOT / "tests/earlier/config-01.toml", config)
    old = config.read_text()
    done = subprocess.run(
        [script, "--no-start"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 73, done.stderr
    assert "units and users could not be installed" in done.stderr
    assert "Configuration brought up to date" in done.stdout
    assert config.read_text() == old
    assert [path.name for path in config.parent.iterdir()] == ["config.toml"]


def test_vectors_agree_within_a_step_and_no_further(tmp_path):
    assert agree(tmp_path, [VECTOR] * 10)
    assert agree(tmp_path, [changed(confidence=0.867)] * 10)
    assert agree(tmp_path, [changed(valence=0.533)] * 10)
    assert not agree(tmp_path, [changed(confidence=0.933)] * 10)
    assert not agree(tmp_path, [changed(valence=0.467)] * 10)
    assert not agree(tmp_path, [changed(people="2-4")] * 10)
    assert not agree(tmp_path, [changed(abstained="no people")] * 10)
    assert not agree(tmp_path, [changed(states={"attention": None})] * 10)
    assert not agree(tmp_path, [VECTOR] * 9)
    # One clear mistake is too many, however few values it concerns.
    assert not agree(tmp_path, [VECTOR] * 9 + [changed(expression="neutral")])
