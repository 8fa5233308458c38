"""``analyze`` as a user runs it: odd folders, kills, the cage, the policy."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.patience import is_running, wait_for

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "contract"))

from media import write_clip  # noqa: E402
from recordings import (  # noqa: E402
    RATE_HZ,
    call,
    silence,
    voice,
    write,
    write_floats,
    write_jerky_film,
)

CENTRE = """
[deployment]
setting = "contact-centre"
jurisdiction = "EU"
purpose = "test"
contact = "me"
"""


def command(*arguments) -> list[str]:
    return [sys.executable, "-m", "edge_affect", "analyze", *map(str, arguments)]


def analyze(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=dict(os.environ) | environment,
    )


def rows(folder: Path, name: str = "recordings") -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="session")
def odd(tmp_path_factory) -> Path:
    """A folder as life writes them."""
    folder = tmp_path_factory.mktemp("odd")
    write(folder / "silent.wav", silence(2.0))
    write(folder / "telephone.wav", voice(4.0)[::2], RATE_HZ // 2)
    write(folder / "blink.wav", silence(0.2))
    write(folder / "call.wav", call(4.0))
    write(folder / "head-only.wav", silence(0.0))
    write(folder / "line\nbreak \N{GRINNING FACE}.wav", silence(1.0))
    write(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.wav")), silence(1.0))
    (folder / "zero.wav").touch()
    (folder / "text.mp4").write_text("This is no film.\n")
    write_clip(folder / "faceless.mp4", 2.0)
    write_clip(folder / "mute.mp4", 1.0, codecs=("mpeg4", None))
    whole = write_clip(folder / "cut.mkv", 6.0).read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (folder / "cut-head.mp4").write_bytes((folder / "faceless.mp4").read_bytes()[:2000])
    write(folder / "nobody-may.wav", silence(1.0)).chmod(0)
    write_jerky_film(folder / "jerky.mkv")
    write_floats(folder / "no-numbers.wav", np.where(np.arange(32_000) < 500, np.nan, voice(2.0)))
    (folder / "deep").mkdir()
    write(folder / "deep" / "er.wav", silence(1.0))
    (folder / "deep" / "round").symlink_to(folder)
    (folder / "notes.txt").touch()
    return folder


def test_odd_files_are_one_line_each_and_the_rest_goes_on(odd, tmp_path):
    done = analyze(odd, tmp_path / "missing", "--out", tmp_path / "out")
    assert done.returncode == 75, done.stderr
    assert "Traceback" not in done.stderr
    status = {
        Path(row["path"]).name: (row["status"], row["exit_code"]) for row in rows(tmp_path / "out")
    }
    nothing = ("nothing", "75")
    assert status == {
        "silent.wav": nothing,
        "telephone.wav": status["telephone.wav"],
        "blink.wav": nothing,
        "call.wav": nothing,
        "head-only.wav": ("failed", "65"),
        r"line\nbreak " + "\N{GRINNING FACE}.wav": nothing,
        r"\udcff.wav": nothing,
        "zero.wav": ("failed", "65"),
        "text.mp4": ("failed", "65"),
        "faceless.mp4": nothing,
        "mute.mp4": nothing,
        "cut.mkv": status["cut.mkv"],
        "cut-head.mp4": ("failed", "65"),
        "nobody-may.wav": status["nobody-may.wav"],
        "er.wav": nothing,
        "jerky.mkv": nothing,
        "no-numbers.wav": nothing,
        "missing": ("failed", "66"),
    }
    assert status["telephone.wav"][0] in {"done", "nothing"}
    assert status["cut.mkv"][0] in {"nothing", "damaged"}
    assert status["nobody-may.wav"][0] == "failed"
    told = [row for row in rows(tmp_path / "out") if row["status"] != "done"]
    lines = [line for line in done.stderr.splitlines() if str(tmp_path.parent) in line]
    assert len(lines) == len(told)
    assert all(line.isprintable() for line in done.stderr.splitlines())
    lengths = {Path(row["path"]).name: row["duration_s"] for row in told}
    assert float(lengths["silent.wav"]) == 2.0
    assert float(lengths["mute.mp4"]) == pytest.approx(1.0, abs=0.1)
    assert "18 recordings" in done.stdout


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    for number in range(4):
        write(media / f"{number}.wav", np.tile(voice(10.0), 4 + number))
    options = ("--jobs", 2, "--formats", "csv,parquet")
    whole = analyze(media, "--out", tmp_path / "whole", *options)
    assert whole.returncode == 75, whole.stderr
    # On a busy machine it may be done before it can be killed.
    for number in range(5):
        out = tmp_path / f"killed-{number}"
        process = subprocess.Popen(
            command(media, "--out", out, *options), cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: list(out.glob("records/*.json")), "a finished recording")  # noqa: B023
        process.kill()
        process.wait()
        finished = list(out.glob("records/*.json"))
        if len(finished) < 4:
            break
    assert not (out / "recordings.csv").exists()
    noted = {path: path.stat().st_mtime_ns for path in finished}
    (out / "vectors" / "half.csv.part").write_text("torn")
    again = analyze(media, "--out", out, *options)
    assert again.returncode == 75, again.stderr
    n_before = next(line for line in again.stdout.splitlines() if "finished before" in line)
    assert 1 <= int(n_before.split()[0]) < 4
    assert {path: path.stat().st_mtime_ns for path in finished} == noted
    assert tree(out) == tree(tmp_path / "whole")
    third = analyze(media, "--out", out, *options)
    assert "4 of them were finished before" in third.stdout
    assert "faster than real time" not in third.stdout
    assert tree(out) == tree(tmp_path / "whole")


def test_ctrl_c_and_sigterm_end_in_part_and_leave_no_process(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    write(media / "long.wav", np.tile(voice(10.0), 90))
    out = tmp_path / "out"
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            command(media, "--out", out, "--jobs", 1),
            # A shell that starts tests in the background has them ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        threads = Path(f"/proc/{process.pid}/task")

        def parts() -> list[str]:
            return [pid for t in threads.glob("*/children") for pid in t.read_text().split()]  # noqa: B023

        wait_for(parts, "a process that analyses")
        begun = parts()
        process.send_signal(number)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 75, err
        assert "run the same line again" in err
        assert "Traceback" not in err
        wait_for(lambda: not any(map(is_running, begun)), "its end")  # noqa: B023


def test_jobs_and_cage_change_nothing_in_the_results(odd, tmp_path):
    inputs = [odd / name for name in ("call.wav", "faceless.mp4", "telephone.wav", "silent.wav")]
    outs = []
    for name, options in {
        "one": ("--jobs", 1), "open": ("--jobs", 3, "--allow-unsandboxed"),
    }.items():  # fmt: skip
        outs.append(tmp_path / name)
        done = analyze(*inputs, "--out", outs[-1], *options)
        assert done.returncode == 75, done.stderr
    assert len(tree(outs[0])) >= 4 * 4 + 9
    assert tree(outs[0]) == tree(outs[1])


def speak(path: Path, text: str) -> Path:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed, and nobody else speaks here")
    subprocess.run(["espeak-ng", "-w", str(path), text], check=True)
    return path


def test_what_is_said_is_what_replay_says(tmp_path):
    path = speak(tmp_path / "said.wav", "I am so angry about this! " * 8)
    done = analyze(path, "--out", tmp_path / "out")
    assert done.returncode in {0, 75}, done.stderr
    vectors = next((tmp_path / "out" / "vectors").glob("said-*.csv"))
    with vectors.open(newline="") as file:
        told = [
            (float(row["at_s"]), row["expression"], row["speech_share"])
            for row in csv.DictReader(file)
        ]
    replayed = subprocess.run(
        [sys.executable, "-m", "edge_affect", "replay", "--audio", str(path), "--fast", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    import json

    lines = [json.loads(line) for line in replayed.stdout.splitlines()]
    assert len(lines) > 8
    assert [
        (
            v["media_time_s"],
            v["expression"] or "",
            "" if v["speech_share"] is None else str(v["speech_share"]),
        )
        for v in lines
    ] == [(round(at, 3), *rest) for at, *rest in told]
    assert max(float(share or 0) for *_, share in told) > 0.5


def test_a_contact_centre_hears_the_customer_alone(tmp_path):
    config = tmp_path / "centre.toml"
    config.write_text(CENTRE)
    calls = tmp_path / "calls"
    calls.mkdir()
    sides = call(9.0)
    quiet = np.stack([sides[:, 0] * 0, sides[:, 1]], axis=1)
    write(calls / "call.wav", sides)
    write(calls / "employee-only.wav", quiet)
    write(calls / "mono.wav", sides.mean(axis=1))
    write(calls / "twice.wav", np.repeat(sides.mean(axis=1)[:, None], 2, axis=1))
    write_clip(calls / "mute.mp4", 1.0, codecs=("mpeg4", None))
    base = (calls, "--config", config, "--formats", "csv")
    refused = analyze(*base, "--out", tmp_path / "no", "--channel", "agent=right")
    assert (refused.returncode, refused.stdout) == (80, "")
    assert analyze(*base, "--out", tmp_path / "no").returncode == 78
    assert not (tmp_path / "no").exists()
    out = tmp_path / "out"
    done = analyze(*base, "--out", out, "--channel", "customer=left")
    assert done.returncode == 75, done.stderr
    found = {Path(row["path"]).stem: row for row in rows(out)}
    codes = {name: row["exit_code"] for name, row in found.items()}
    assert codes == {
        "call": "75", "employee-only": "75", "mono": "80", "twice": "80", "mute": "80",
    }  # fmt: skip
    assert float(found["employee-only"]["speech_share"]) == 0.0
    assert "mono.wav is refused" in done.stderr
    config.write_text(CENTRE + '[insights]\nmono_recordings = "customer"\n')
    done = analyze(*base, "--out", out, "--channel", "customer=left")
    found = {Path(row["path"]).stem: row["exit_code"] for row in rows(out)}
    assert (found["mono"], found["twice"], found["mute"]) == ("75", "75", "80")


def test_an_eu_classroom_is_refused_before_anything_is_read(tmp_path):
    config = tmp_path / "school.toml"
    config.write_text(CENTRE.replace("contact-centre", "classroom"))
    path = write(tmp_path / "lesson.wav", silence(1.0))
    done = analyze(path, "--config", config, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (80, "")
    assert "Article 5(1)(f)" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 64, "PATH"),
        (("x.wav",), 64, "--out"),
        (("EMPTY", "--out", "OUT"), 66, "no sound or video files"),
        (("nowhere.wav", "--out", "OUT"), 66, "There is no"),
        (("EMPTY", "--out", "OUT", "--jobs", "0"), 64, "1 to 1024"),
        (("EMPTY", "--out", "OUT", "--formats", "xlsx"), 64, "xlsx"),
        (("EMPTY", "--out", "OUT", "--channel", "middle"), 64, "customer=left"),
        (("EMPTY", "--out", "/proc/nowhere"), 73, "cannot be written"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_code(tmp_path, capsys, arguments, code, words):
    from edge_affect.cli import main

    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty" / "a.txt", silence(0.1))
    if code == 73:
        write(tmp_path / "empty" / "a.wav", silence(0.1))
    places = {"EMPTY": str(tmp_path / "empty"), "OUT": str(tmp_path / "out")}
    assert main(["analyze", *(places.get(a, a) for a in arguments)]) == code
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err
