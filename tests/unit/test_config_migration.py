"""Files of every earlier version are brought up to date, comments and all, or left alone."""

import sys
from dataclasses import fields
from pathlib import Path

import pytest

from edge_affect import cli, config, config_changes, config_migration
from edge_affect.config_changes import CONFIG_VERSION, VERSION_KEY, Change
from edge_affect.errors import CannotWriteError, ConfigError, ExitCode, InputMissingError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EARLIER = sorted((Path(__file__).resolve().parents[1] / "earlier").glob("config-*.toml"))


def values(text):
    """Every key of a file with its value."""
    return {
        (table, key): value
        for table, rows in tomllib.loads(text).items()
        if isinstance(rows, dict)
        for key, value in rows.items()
    }


def comments(text):
    return [line for line in text.splitlines() if line.startswith("#")]


def test_there_are_earlier_files():
    assert len(EARLIER) == 17


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
def test_every_earlier_example_is_brought_up_to_date(path):
    old = path.read_text()
    migration = config_migration.migrate(old, path.name)
    assert migration.from_version == 1
    assert tomllib.loads(migration.text)[VERSION_KEY] == CONFIG_VERSION
    new = config.parse(migration.text)
    changed = {(change.table, change.key) for change in migration.changes}
    before, after = values(old), values(migration.text)
    assert {name: v for name, v in before.items() if name not in changed} == {
        name: v for name, v in after.items() if name not in changed
    }
    # What it says now is what a new file says: nobody had changed anything in an example.
    assert new.fusion == config.Fusion()
    assert new.face == config.Face()
    assert new.voice == config.Voice()
    assert new.alerts == config.Alerts()
    assert [line for line in comments(old) if line not in comments(migration.text)] == []
    again = config_migration.migrate(migration.text)
    assert (again.text, again.changes) == (migration.text, ())


def test_a_key_that_is_gone_becomes_a_comment_with_its_reason():
    old = "# Mine.\n[sensing]\n# four\ntick_hz = 4.0  # fast\nno_source_timeout_s = 60\n"
    migration = config_migration.migrate(old)
    assert migration.text.splitlines() == [
        f"{VERSION_KEY} = {CONFIG_VERSION}",
        "# Mine.",
        "[sensing]",
        "# four",
        "# [sensing] tick_hz is gone: sensing keeps pace with [publish] tick_hz by itself.",
        "# tick_hz = 4.0  # fast",
        "no_source_timeout_s = 60",
    ]


def test_a_value_of_ones_own_is_kept_and_a_former_default_is_not():
    text = "[voice]\nmin_speech_probability = 0.7\n[face]\nmin_size_px = 40\n"
    migration = config_migration.migrate(text)
    new = config.parse(migration.text)
    assert new.voice.min_speech_probability == 0.7
    assert new.face.min_size_px == 24
    assert "# Was min_size_px = 40; faces are read from 24 px on." in migration.text
    # In a file of today it is a choice.
    today = f"{VERSION_KEY} = {CONFIG_VERSION}\n[face]\nmin_size_px = 40\n"
    assert config_migration.migrate(today).text == today


@pytest.fixture
def moved(monkeypatch):
    """A change that moves a key, with a list over several lines."""
    change = Change(2, "sensing", "zones", "they belong there", moved_to=("consent", "hours"))
    monkeypatch.setattr(config_changes, "CHANGES", (change,))


def test_a_key_that_moved_takes_its_value_along(moved):
    text = '[sensing]\nzones = """mon-fri 08:00-18:00"""\n[consent]\ntime_zone = "UTC"\n'
    new = config_migration.migrate(text)
    assert config.parse(new.text).consent.hours == "mon-fri 08:00-18:00"
    assert config.parse(new.text).consent.time_zone == "UTC"
    alone = config_migration.migrate('[sensing]\nzones = "mon-fri 08:00-18:00"')
    assert config.parse(alone.text).consent.hours == "mon-fri 08:00-18:00"


def test_what_is_set_under_the_new_name_counts(moved):
    text = '[sensing]\nzones = "mon 08:00-09:00"\n[consent]\nhours = "tue 08:00-09:00"\n'
    assert config.parse(config_migration.migrate(text).text).consent.hours == "tue 08:00-09:00"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sensing.tick_hz = 2\n", ["by hand", "tick_hz"]),
        ("sensing = {tick_hz = 2}\n", ["by hand", "tick_hz"]),
        ("[sensing\n", ["not valid TOML"]),
        ("[fusoin]\n", ["fusoin"]),
        (f"{VERSION_KEY} = {CONFIG_VERSION + 1}\n", ["newer edge-affect"]),
        (f"{VERSION_KEY} = 'two'\n", [VERSION_KEY, "whole number"]),
        (f"{VERSION_KEY} = true\n", [VERSION_KEY, "whole number"]),
        (f"{VERSION_KEY} = 0\n", [VERSION_KEY, "whole number"]),
    ],
)
def test_what_cannot_be_migrated_is_told_in_one_sentence(text, words):
    with pytest.raises(ConfigError) as caught:
        config_migration.migrate(text, "box.toml")
    assert "box.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_the_program_names_an_old_key_and_the_command():
    with pytest.raises(ConfigError) as caught:
        config.parse("[sensing]\ntick_hz = 2.0\n", "box.toml")
    assert str(caught.value) == (
        "box.toml: [sensing] tick_hz is gone: sensing keeps pace with [publish] tick_hz by itself; "
        "run: edge-affect config migrate box.toml"
    )


def test_every_change_is_of_a_version_and_names_keys_that_are_or_are_not_there():
    for change in config_changes.CHANGES:
        assert 2 <= change.version <= CONFIG_VERSION
        known = {item.name for item in fields(config.SECTIONS[change.table])}
        assert (change.key in known) == change.stayed, change


def test_the_command_keeps_the_old_file_and_its_mode(tmp_path, capsys):
    path = tmp_path / "box.toml"
    path.write_text("[sensing]\ntick_hz = 2.0\n")
    path.chmod(0o640)
    assert cli.main(["config", "migrate", str(path), "--dry-run"]) == ExitCode.DONE
    assert path.read_text() == "[sensing]\ntick_hz = 2.0\n"
    assert "+# tick_hz = 2.0" in capsys.readouterr().out
    assert cli.main(["config", "migrate", str(path)]) == ExitCode.DONE
    assert (tmp_path / "box.toml.old-1").read_text() == "[sensing]\ntick_hz = 2.0\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert config.load(path) == config.Config()
    assert cli.main(["config", "migrate", str(path)]) == ExitCode.DONE
    assert "up to date" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["box.toml", "box.toml.old-1"]
    path.write_text("[sensing]\ntick_hz = 3.0\n")
    assert cli.main(["config", "migrate", str(path)]) == ExitCode.DONE
    assert (tmp_path / "box.toml.old-2").is_file()


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(InputMissingError):
        config.read_text(tmp_path / "none.toml")
    with pytest.raises(CannotWriteError, match="cannot be replaced"):
        config_migration.write(tmp_path / "none.toml", "x")
    assert list(tmp_path.iterdir()) == []
