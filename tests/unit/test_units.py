"""The systemd units: scores, syntax, reasons, and an installation that leaves nothing behind."""

import hashlib
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_affect import service
from edge_affect.errors import ExitCode
from edge_affect.publishing.access import PASSWORD_CREDENTIAL
from edge_affect.publishing.tls import KEY_CREDENTIAL
from edge_affect.sensing import cage

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "systemd"
UNITS = FOLDER / "units"
SERVICES = sorted(UNITS.glob("*.service"))
LIMITS = {
    "edge-affect-sense.service": 1.0,
    "edge-affect-publish.service": 1.5,
    "edge-affect-switches.service": 1.0,
}


def tool(name):
    """systemd's own tools; tools/setup.sh dev installs them."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not installed; tools/setup.sh dev installs systemd")
    return path


def exposure(path):
    """The score of a unit, as systemd-analyze prints it; 0 is best and 10 worst."""
    done = subprocess.run(
        [tool("systemd-analyze"), "security", "--offline=yes", "--no-pager", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout).group(1))


def test_there_are_the_units_that_are_judged():
    assert {path.name for path in SERVICES} == set(LIMITS)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_the_score_is_within_its_limit(path):
    assert exposure(path) <= LIMITS[path.name]


def test_a_unit_with_a_wall_missing_scores_worse(tmp_path):
    """The check can fail: without these lines sensing is over its limit."""
    text = (UNITS / "edge-affect-sense.service").read_text()
    worse = tmp_path / "edge-affect-sense.service"
    worse.write_text(
        re.sub(r"^(PrivateNetwork|User|SystemCallFilter)=.*\n", "", text, flags=re.MULTILINE)
    )
    assert exposure(worse) > LIMITS["edge-affect-sense.service"]


def without_reason(path):
    """Directives with no comment right above; one more of the same name shares its reason."""
    lines = path.read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        if "=" not in line or line.startswith(("#", "Description=")):
            continue
        has_reason = above.startswith("#") and not above.startswith("# --")
        if not has_reason and above.split("=")[0] != line.split("=")[0]:
            yield line


@pytest.mark.parametrize("path", sorted(UNITS.iterdir()), ids=lambda path: path.name)
def test_every_directive_has_its_reason(path):
    assert list(without_reason(path)) == []


def test_a_directive_without_reason_is_found(tmp_path):
    unit = tmp_path / "x.service"
    unit.write_text("[Service]\n# -- who --\nUser=a\n# Why.\nGroup=a\nUMask=0077\n")
    assert list(without_reason(unit)) == ["User=a", "UMask=0077"]


def installed(root, *options):
    return subprocess.run(
        [FOLDER / "install.sh", *options, "--root", root], capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def contents(root):
    """Every path below ``root``, with the hash of files."""
    return {
        str(path.relative_to(root)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        )
        for path in root.rglob("*")
    }


@pytest.fixture
def root(tmp_path):
    """The few files of an operating system that an installation touches."""
    if os.geteuid() != 0:
        pytest.skip("adding users, also below another root, needs root")
    for name in ("systemd-sysusers", "systemd-tmpfiles", "systemd-analyze"):
        tool(name)
    folder = tmp_path / "root"
    (folder / "etc").mkdir(parents=True)
    lines = {
        "passwd": "root:x:0:0:root:/root:/bin/sh\n",
        "group": "root:x:0:\naudio:x:29:\nvideo:x:44:\ngpio:x:997:\n",
        "shadow": "root:*:20000:0:99999:7:::\n",
        "gshadow": "root:*::\naudio:*::\nvideo:*::\ngpio:!::\n",
    }
    for name, text in lines.items():
        (folder / "etc" / name).write_text(text)
    return folder


def test_installing_twice_and_removing_twice_leaves_nothing_behind(root):
    before = contents(root)
    first = installed(root, "install")
    assert first.returncode == 0, first.stderr
    after = contents(root)
    for path in UNITS.iterdir():
        assert f"etc/systemd/system/{path.name}" in after
    accounts = (root / "etc" / "passwd").read_text()
    for user in ("edge-affect-sense", "edge-affect-publish", "edge-affect-switches"):
        assert re.search(rf"^{user}:.*:/usr/sbin/nologin$", accounts, re.MULTILINE)
    drop_in = root / "etc/systemd/system/edge-affect-switches.service.d/gpio.conf"
    assert "SupplementaryGroups=gpio" in drop_in.read_text()
    (root / "etc/edge-affect/config.toml").write_text("# mine\n")
    assert installed(root, "install").returncode == 0
    assert (root / "etc/edge-affect/config.toml").read_text() == "# mine\n"
    for name in ("mqtt-password", "mqtt-key"):
        assert (root / "etc/edge-affect" / name).stat().st_mode & 0o777 == 0o600
    removed = installed(root, "uninstall")
    assert removed.returncode == 0, removed.stderr
    assert contents(root) == before
    assert installed(root, "uninstall").returncode == 0
    assert contents(root) == before


def test_the_configuration_can_be_kept(root):
    installed(root, "install")
    (root / "etc/edge-affect/config.toml").write_text("# mine\n")
    own = root / "var/lib/edge-affect/own-models/smiles"
    own.mkdir()
    assert installed(root, "uninstall", "--keep-config").returncode == 0
    assert (root / "etc/edge-affect/config.toml").read_text() == "# mine\n"
    assert own.is_dir()
    assert not (root / "etc/systemd/system/edge-affect-sense.service").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [([], 64), (["deinstall"], 64), (["install", "--fast"], 64), (["install", "--root"], 64),
     (["install", "--root", "/nowhere"], 66)],
)  # fmt: skip
def test_wrong_words_are_told(options, code):
    done = subprocess.run(
        [FOLDER / "install.sh", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr.count("\n") == 1


def test_verify_finds_nothing_wrong(root):
    """systemd-analyze verify over an installed tree, in which the program is a stand-in."""
    assert installed(root, "install").returncode == 0
    program = root / "opt/edge-affect/bin/edge-affect"
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    targets = root / "usr/lib/systemd/system"
    targets.mkdir(parents=True)
    for name in ("sysinit", "basic", "shutdown", "network", "multi-user", "sockets"):
        (targets / f"{name}.target").write_text(
            f"[Unit]\nDescription={name}\nDefaultDependencies=no\n"
        )
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", f"--root={root}", "--man=no", "edge-affect.target",
         *(path.name for path in sorted(UNITS.iterdir()))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    unit = root / "etc/systemd/system/edge-affect-sense.service"
    unit.write_text(unit.read_text().replace("WatchdogSec=30", "WatchdogSecs=30"))
    again = subprocess.run(
        [tool("systemd-analyze"), "verify", f"--root={root}", "--man=no", unit.name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "WatchdogSecs" in again.stderr


def values(name, directive):
    """All values of a directive of a unit, as one list of words."""
    text = (UNITS / name).read_text()
    return " ".join(re.findall(rf"^{directive}=(.*)$", text, re.MULTILINE)).split()


def test_the_units_agree_with_the_program():
    for kind in (service.RECORDS, service.COMMANDS, service.SWITCHES):
        name = f"edge-affect-{kind}.socket"
        assert values(name, "FileDescriptorName") == [kind]
        listens = values(name, "ListenDatagram") + values(name, "ListenSequentialPacket")
        assert listens == [str(service.SOCKETS_FOLDER / kind)]
        assert values(name, "SocketMode") == ["0600"]
    assert values("edge-affect-records.socket", "SocketUser") == ["edge-affect-sense"]
    assert values("edge-affect-commands.socket", "SocketUser") == ["edge-affect-publish"]
    assert values("edge-affect-switches.socket", "SocketUser") == ["edge-affect-sense"]
    assert values("edge-affect-publish.service", "LoadCredential") == [
        f"{PASSWORD_CREDENTIAL}:/etc/edge-affect/mqtt-password",
        f"{KEY_CREDENTIAL}:/etc/edge-affect/mqtt-key",
    ]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_what_does_not_get_better_is_not_started_again(path):
    """69 is tried again; what the configuration or the policy forbids is not."""
    final = {int(code) for code in values(path.name, "RestartPreventExitStatus")}
    assert values(path.name, "Restart") == ["on-failure"]
    # The switches are started by the call of sensing, not by trying again.
    assert (ExitCode.UNAVAILABLE in final) == (path.stem == "edge-affect-switches")
    assert {ExitCode.USAGE, ExitCode.INPUT_MISSING, ExitCode.CONFIGURATION} <= final
    if path.stem == "edge-affect-sense":
        assert {ExitCode.CAGE_NOT_PROVEN, ExitCode.REFUSED_BY_POLICY} <= final


def test_sensing_may_open_the_devices_that_the_cage_names():
    """Every kind of node that the cage of run binds is one that the unit lets through."""
    kinds = {
        "snd": "char-alsa", "video*": "char-video4linux", "v4l-subdev*": "char-video4linux",
        "v4l": "char-video4linux", "media*": "char-media", "dma_heap": "char-dma_heap",
        "vchiq": "/dev/vchiq", "vcsm-cma": "/dev/vcsm-cma", "udmabuf": "/dev/udmabuf",
    }  # fmt: skip
    allowed = set(values("edge-affect-sense.service", "DeviceAllow")) - {"rw"}
    wanted = {kinds[name] for name in cage.MICROPHONE_DEVICES + cage.CAMERA_DEVICES}
    assert allowed == wanted


def test_the_journal_is_bounded_by_settings_that_journald_knows(tmp_path):
    """systemd's own tool finds the file where it is installed, and journald knows each key."""
    text = (FOLDER / "edge-affect.journald").read_text()
    folder = tmp_path / "etc/systemd/journald.conf.d"
    folder.mkdir(parents=True)
    (folder / "edge-affect.conf").write_text(text)
    shown = subprocess.run(
        [tool("systemd-analyze"), f"--root={tmp_path}", "cat-config", "systemd/journald.conf"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert text.strip() in shown
    keys = re.findall(r"^(\w+)=", text, re.MULTILINE)
    assert keys == ["SystemMaxUse", "RuntimeMaxUse", "MaxRetentionSec"]
    daemon = Path("/lib/systemd/systemd-journald").read_bytes()
    assert [key for key in keys if f"Journal.{key}".encode() not in daemon] == []
    assert b"Journal.NoSuchKey" not in daemon
    for value in re.findall(r"Sec=(.+)", text):
        subprocess.run(
            [tool("systemd-analyze"), "timespan", value], check=True, capture_output=True
        )
