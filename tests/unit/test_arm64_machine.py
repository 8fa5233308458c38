"""The emulated arm64 computer as far as it goes here; `make check-arm64-machine` does the rest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"

GOOD = {
    "kernel": (0, "Linux 6.1.0 aarch64\nlockdown,capability,landlock,yama\n    lo: 0 0 0\n"),
    "put": (0, ""),
    "doctor": (0, "ok sandbox The cage can be built here: 64 ways out tried, none works.\n"),
    "user": (0, "ok sandbox The cage can be built here: 64 ways out tried, none works.\n"),
    "uncaged": (77, "edge-affect: The cage around sensing leaks: inet-socket works;\n"),
    "demo": (0, "sense: cage proven\n== This is what one message on x says:\n== 9 messages.\n"),
    "cage": (0, "=== 400 passed, 3 skipped in 100 s ===\n"),
}
SIGNED = """\
== Signature and checksums of the release are right
== Installed release 0.1.0-x
fail     broker-connection no
"""
INSTALLED = {
    "install": (75, SIGNED),
    "broker": (0, ""),
    "again": (0, "== Release 0.1.0-x is built already\n"),
    "remove": (0, "== Kept the configuration\nconfig.toml\n"),
    "purge": (0, "Uninstalled\n"),
    "left": (1, ""),
}


@pytest.fixture
def tools(monkeypatch):
    """The two tools as modules; they are scripts, beside each other."""
    monkeypatch.syspath_prepend(str(TOOLS))
    import arm64_machine
    import check_arm64_machine

    yield arm64_machine, check_arm64_machine
    for name in ("arm64_machine", "check_arm64_machine", "install_releases"):
        sys.modules.pop(name, None)


def write(folder, steps):
    (folder / "said").mkdir(exist_ok=True)
    (folder / "codes").write_text("".join(f"{name} {steps[name][0]}\n" for name in steps))
    for name, (_, said) in steps.items():
        (folder / "said" / name).write_text(said)


def unpacked(archive):
    """Read a newc archive as the kernel's documents describe it."""
    found, at = {}, 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        at = -(-(at + 110 + name_size) // 4) * 4
        content = archive[at : at + size]
        at = -(-(at + size) // 4) * 4
        if name == b"TRAILER!!!\0":
            assert at == len(archive)
            return found
        found[name[:-1].decode()] = (mode, content)


def test_the_archive_of_the_first_programs_can_be_unpacked(tools):
    files = {f"{'n' * n}": (0o100644, bytes(range(n))) for n in range(1, 9)}
    files = {"bin": (0o040755, b""), "bin/sh": (0o100755, b"#!"), **files}
    assert unpacked(tools[0].newc(files)) == files


@pytest.mark.parametrize("is_installed", [False, True])
def test_a_run_in_which_all_went_well_has_nothing_wrong(tools, tmp_path, capsys, is_installed):
    write(tmp_path, GOOD | INSTALLED if is_installed else GOOD)
    assert tools[1].judge(tmp_path, is_installed=is_installed) == 0
    said = capsys.readouterr().out
    assert "WRONG" not in said
    assert "400 passed, 3 skipped" in said


FAULTS = {
    "no Landlock": ("kernel", (0, "Linux 6.1.0 aarch64\nlockdown,capability\n    lo: 0\n")),
    "this machine's kernel": ("kernel", (0, "Linux 6.1.0 x86_64\nlandlock\n    lo: 0\n")),
    "a network": ("kernel", (0, GOOD["kernel"][1] + "  eth0: 0\n")),
    "no cage for the doctor": ("doctor", (75, "fail sandbox The kernel does not let\n")),
    "no cage for an ordinary user": ("user", (75, "fail sandbox The kernel does not let\n")),
    "sensing without a cage": ("uncaged", (0, "")),
    "a demo without its cage": ("demo", (77, "edge-affect: The cage must be built before\n")),
    "a demo that says nothing": ("demo", (0, "sense: cage proven\n== 0 messages.\n")),
    "a way out": ("cage", (1, "=== 1 failed, 399 passed in 100 s ===\n")),
    "tests that were all skipped": ("cage", (0, "=== 400 skipped in 100 s ===\n")),
    "no signature": ("install", (75, SIGNED.replace("Signature and c", "C"))),
    "a doctor who misses more": ("install", (75, SIGNED + "fail sandbox no\n")),
    "a doctor who is not content": ("again", (75, INSTALLED["again"][1])),
    "a configuration that went": ("remove", (0, "== Kept the configuration\n")),
    "files that stay": ("left", (0, "/opt/edge-affect\n")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told(tools, tmp_path, capsys, fault):
    step, found = FAULTS[fault]
    write(tmp_path, GOOD | INSTALLED | {step: found})
    assert tools[1].judge(tmp_path, is_installed=True) > 0
    assert "WRONG" in capsys.readouterr().out


@pytest.mark.parametrize("step", sorted(GOOD | INSTALLED))
def test_a_step_that_was_not_reached_is_told(tools, tmp_path, step):
    write(tmp_path, {name: found for name, found in (GOOD | INSTALLED).items() if name != step})
    assert tools[1].judge(tmp_path, is_installed=step in INSTALLED) > 0


@pytest.mark.parametrize("script", ["PUT", "INSTALL"])
def test_the_scripts_of_the_machine_can_be_read_and_judge_every_step(tools, script):
    text = tools[1].STEPS + getattr(tools[1], script)
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    steps = {line.split()[1] for line in text.splitlines() if line.startswith("step ")}
    assert steps == (set(GOOD) if script == "PUT" else set(GOOD | INSTALLED) - {"put"})


def test_a_step_that_goes_elsewhere_or_ends_leads_no_other_astray(tools, tmp_path):
    text = tools[1].STEPS + "astray() { cd /; exit 3; }\nstep one astray\nstep two echo here\n"
    subprocess.run(["sh"], input=text, text=True, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "codes").read_text() == "one 3\ntwo 0\n"
    assert (tmp_path / "said" / "two").read_text() == "here\n"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], 64, "script"),
        (["--fast", "x"], 64, "--fast"),
        (["--suite", "sid", "x"], 64, "sid"),
        (["/nowhere"], 66, "no file /nowhere"),
        (["--folder", "/nowhere", __file__], 66, "no folder /nowhere"),
    ],
)
def test_a_wrong_call_ends_in_one_sentence(options, code, words):
    done = subprocess.run(
        [sys.executable, TOOLS / "arm64_machine.py", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets that far")
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], 64, "which file"),
        (["a", "b"], 64, "a is not expected"),
        (["--layer", "none", "disk"], 69, "no layer none"),
    ],
)
def test_a_disk_of_nothing_is_refused_in_one_sentence(tmp_path, options, code, words):
    (tmp_path / "bookworm-amd64").mkdir()
    (tmp_path / "bookworm-amd64" / ".complete").touch()
    done = subprocess.run(
        [TOOLS / "debian_root.sh", "disk", "bookworm", "amd64", *options],
        capture_output=True, text=True, check=False,
        env={**os.environ, "EDGE_AFFECT_ROOTS": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
