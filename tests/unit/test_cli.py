"""The command line: every command explains itself; every mistake is one sentence and a code."""

import importlib
import inspect
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge_affect import __version__, cli, config, errors

ROOT = Path(__file__).resolve().parents[2]


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_table_of_exit_codes_in_the_docs_is_the_one_in_the_code():
    text = (ROOT / "docs" / "exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(str(c.value), errors.MEANING[c]) for c in errors.ExitCode]


def test_every_error_inherits_the_builtin_it_specialises():
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.EdgeAffectError) and kind is not errors.EdgeAffectError
    ]
    assert len(kinds) > 10
    own = {Exception, BaseException, errors.EdgeAffectError}
    without = [
        kind.__name__
        for kind in kinds
        if not any(
            b.__module__ == "builtins" and issubclass(b, Exception) and b not in own
            for b in kind.__mro__
        )
    ]
    assert without == ["PartialError"]


def test_the_example_configuration_in_the_docs_is_current():
    assert (ROOT / "docs" / "example.toml").read_text() == config.example()


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_has_help_with_an_example(capsys, command):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "example" in text
    assert f"edge-affect {command}" in text


def test_the_overview_names_all_commands_and_codes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert f"\n  {name}" in text
    for code in errors.ExitCode:
        assert errors.MEANING[code] in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("confg",), 64, "'confg'"),
        ((), 64, "COMMAND"),
        (("replay", "--vidoe", "x"), 64, "--vidoe"),
        (("replay",), 64, "--audio, --video"),
        (("replay", "--video", "/no/such.mp4"), 66, "/no/such.mp4"),
        (("config", "check", "/no/such.toml"), 66, "config init"),
        (("run", "--config", "/no/such.toml"), 66, "/no/such.toml"),
        (("demo", "--seconds", "nan"), 64, "'nan'"),
        (("run", "--config", "x", "--seconds", "-3"), 64, "'-3'"),
        (("publish", "--config", "x", "--port", "99999"), 64, "'99999'"),
        (("publish", "--config", "x", "--give-up", "nan"), 64, "'nan'"),
        (("demo", "--port", "-1"), 64, "-1"),
        (("sense",), 78, "[deployment]"),
        (("evaluate", "face", "--data", "/no/such.npz"), 66, "/no/such.npz"),
        (("evaluate", "voice", "--index", "/no/i.csv", "--root", "/no"), 66, "/no/i.csv"),
        (("evaluate", "portraits", "--csv", "/no/p.csv", "--root", "/no"), 66, "/no/p.csv"),
    ],
)
def test_mistakes_end_in_one_sentence_and_their_code(capsys, arguments, code, words):
    got, out, err = run(capsys, *arguments)
    assert (got, out) == (code, "")
    assert err.startswith("edge-affect: ")
    assert err.count("\n") == 1
    assert words in err


def test_media_that_is_no_media(capsys, tmp_path):
    (tmp_path / "noise.mp4").write_bytes(b"\x00\x01no video at all" * 100)
    (tmp_path / "empty.wav").write_bytes(b"")
    for name, option in (("noise.mp4", "--video"), ("empty.wav", "--audio")):
        code, out, err = run(capsys, "replay", option, str(tmp_path / name))
        assert (code, out, err.count("\n")) == (65, "", 1)
        assert name in err
    code, _, err = run(capsys, "replay", "--video", str(tmp_path))
    assert code in {65, 66}
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("replay", "--fast", "--video"), ("sense", "--allow-unsandboxed", "--audio")]
)
def test_a_path_that_nothing_can_be_looked_up_by_is_one_sentence(capsys, arguments):
    code, _, err = run(capsys, *arguments, "a" * 300)
    assert code == 66
    assert err.endswith("cannot be read: File name too long.\n")
    assert err.count("\n") == 1


def test_config_init_does_not_overwrite(capsys, tmp_path):
    path = tmp_path / "box.toml"
    assert run(capsys, "config", "init", str(path))[0] == 0
    code, _, err = run(capsys, "config", "init", str(path))
    assert code == 73
    assert "--force" in err
    assert run(capsys, "config", "init", "--force", str(path))[0] == 0
    assert run(capsys, "config", "init", str(tmp_path / "no" / "x.toml"))[0] == 73
    code, out, _ = run(capsys, "config", "check", str(path))
    assert code == 0
    assert "edge-affect/site/box/" in out


def test_a_classroom_in_the_eu_is_refused(capsys, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text(
        "[deployment]\nsetting = 'classroom'\njurisdiction = 'EU'\npurpose = 'x'\ncontact = 'y'\n"
    )
    for arguments in (("config", "check", str(path)), ("sense", "--config", str(path))):
        code, _, err = run(capsys, *arguments)
        assert code == 80
        assert "Article 5(1)(f)" in err


def test_it_runs_as_a_module_and_knows_its_version():
    command = [sys.executable, "-m", "edge_affect", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == f"edge-affect {__version__}\n"


def test_a_full_disk_behind_standard_output_is_one_sentence_and_its_code():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edge_affect", "config", "init"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
    assert done.returncode == 73
    assert done.stderr == "edge-affect: The output cannot be written: No space left on device.\n"


def test_config_init_on_a_full_disk_leaves_what_was_there(tmp_path):
    """As if the disk were full after a kilobyte."""
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text("# mine\n")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024));"
        "from edge_affect import cli; sys.exit(cli.main(sys.argv[1:]))"
    )
    for arguments in ((str(new),), ("--force", str(old))):
        done = subprocess.run(
            [sys.executable, "-c", code, "config", "init", *arguments],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 73, done.stderr
        assert done.stderr.endswith("cannot be written: File too large.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["old.toml"]
    assert old.read_text() == "# mine\n"


def test_letters_that_a_terminal_lacks_end_no_command(monkeypatch, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text(
        '[alert.wait]\nsignals = ["anger"]\nthreshold = 0.5\nclear = 0.3\n'
        '[[alert.wait.steps]]\nmessage = "请稍候 …"\n'
    )
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr("sys.stdout", terminal)
    assert cli.main(["alerts", "list", "--config", str(path)]) == 0
    assert b"\\u8bf7\\u7a0d\\u5019 \\u2026" in terminal.buffer.getvalue()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["models", "fetch"], 75),
        (["replay", "--video", "x.mp4"], 75),
        (["run", "--config", "x"], 0),
    ],
)
def test_ctrl_c_is_success_only_where_there_is_no_other_end(capsys, monkeypatch, arguments, code):
    def interrupted(_args):
        raise KeyboardInterrupt

    module = importlib.import_module(f"edge_affect.commands.{arguments[0]}")
    name = "run_fetch" if arguments[0] == "models" else "run"
    monkeypatch.setattr(module, name, interrupted)
    got, out, err = run(capsys, *arguments)
    assert (got, out) == (code, "")
    assert err == ("edge-affect: Interrupted before it was done.\n" if code else "")


def test_a_reader_that_leaves_is_no_error():
    command = f"{sys.executable} -m edge_affect config init | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
