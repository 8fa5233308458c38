"""``edge-affect bench``: every stage has its times, a line to send back, and no traceback."""

import json
import os
from itertools import count

import numpy as np
import pytest

from edge_affect import board, cli, demo_clip, stage_times
from edge_affect.commands.bench import SENT, line_to_send
from edge_affect.errors import ExitCode, MediaError
from edge_affect.stage_times import FRAME, SECOND, VECTOR, ClipParts, Stage, time_in_turns


@pytest.fixture(scope="module")
def clip():
    """The clip of the demo, made where it is not there yet."""
    return demo_clip.ensure()


def bench(capsys, *arguments):
    code = cli.main(["bench", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.usefixtures("clip")
def test_every_stage_has_times_and_the_line_tells_them(capsys):
    allowed = os.sched_getaffinity(0)
    code, out, _ = bench(capsys, "--seconds", "0.1", "--json")
    assert code == ExitCode.DONE
    assert os.sched_getaffinity(0) == allowed
    told = json.loads(out)
    rows = {row["stage"]: row for row in told["stages"]}
    assert len(rows) == 15
    assert [row["of"] for row in rows.values()] == [FRAME] * 7 + [SECOND] * 7 + [VECTOR]
    for row in rows.values():
        assert row["n"] >= 1
        assert 0.01 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] < 10_000
    assert set(SENT) <= set(rows)
    line = line_to_send(told)
    assert "\n" not in line
    for told_there in (board.model_name(), "governor", "numpy", "p50 ms: detect", "second "):
        assert told_there in line
    # The whole costs more than a part alone.
    assert rows[stage_times.WHOLE_PICTURE]["p50_ms"] > rows["face detection"]["p50_ms"]
    assert rows[stage_times.WHOLE_SOUND]["p50_ms"] > rows["prosody"]["p50_ms"]


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan"])
def test_a_wrong_duration_is_one_sentence(capsys, text):
    code, out, err = bench(capsys, "--seconds", text)
    assert (code, out) == (ExitCode.USAGE, "")
    assert err.count("\n") == 1
    assert repr(text) in err


def test_a_damaged_clip_is_one_sentence(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = demo_clip.folder()
    folder.mkdir(parents=True)
    (folder / demo_clip.VIDEO_NAME).write_bytes(b"no film")
    (folder / demo_clip.AUDIO_NAME).write_bytes(b"no sound")
    code, out, err = bench(capsys)
    assert (code, out) == (ExitCode.BAD_DATA, "")
    assert err.count("\n") == 1
    assert "delete it" in err


def test_a_clip_without_a_face_is_said():
    grey = np.full((480, 640, 3), 128, np.uint8)
    with pytest.raises(MediaError, match="No face"):
        stage_times.face_stages(ClipParts((grey,) * 70, grey, np.zeros(112_000, np.float32)))


def test_stages_take_turns_and_warm_up_before_anything_counts():
    calls: list[str] = []
    ticks = count(0, 1_000_000)
    stages = [Stage(name, FRAME, lambda name=name: calls.append(name)) for name in "ab"]
    times_ms = time_in_turns(stages, 0.0, n_warm=2, share_s=0.001, now_ns=lambda: next(ticks))
    assert "".join(calls[:4]) == "aabb"
    turn = "".join(calls[4:])
    assert turn == "a" * turn.count("a") + "b" * turn.count("b")
    assert {name: len(times) for name, times in times_ms.items()} == {
        "a": turn.count("a"),
        "b": turn.count("b"),
    }
    assert set(times_ms["a"]) == {1.0}


def test_a_board_is_named_without_its_serial_number(tmp_path):
    (tmp_path / "model").write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Some CPU\nSerial\t\t: 10000000\n"
    )
    missing = tmp_path / "missing"
    assert board.model_name(tmp_path / "model", missing) == "Raspberry Pi 5 Model B Rev 1.0"
    assert board.model_name(missing, tmp_path / "cpuinfo") == "Some CPU"
    assert board.model_name(missing, missing, "armv7l") == "armv7l"
    (tmp_path / "cpu3" / "cpufreq").mkdir(parents=True)
    (tmp_path / "cpu3" / "cpufreq" / "scaling_governor").write_text("ondemand\n")
    assert board.governor(3, tmp_path) == "ondemand"
    assert board.governor(0, tmp_path) == "none told"
