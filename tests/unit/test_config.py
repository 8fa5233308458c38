"""The configuration: strict, and one sentence for each mistake."""

from dataclasses import fields
from pathlib import Path

import pytest
from mistakes import assert_told_in_one_sentence

from edge_affect import config
from edge_affect.config_changes import VERSION_KEY
from edge_affect.errors import ConfigError, InputMissingError


def test_the_example_names_every_key_and_is_valid():
    text = config.example()
    keys = [item.name for kind in config.SECTIONS.values() for item in fields(kind)]
    assert len(keys) > 30
    named = [
        line.split(" = ")[0]
        for line in text.splitlines()
        if " = " in line and not line.startswith("#")
    ]
    assert named == [VERSION_KEY, *keys]
    parsed = config.parse(text)
    assert parsed.deployment.setting == "home"
    assert parsed.fusion == config.Fusion()


def test_an_empty_file_is_all_defaults():
    assert config.parse("") == config.Config()


def test_every_number_has_a_range_and_every_key_a_meaning():
    for kind in config.SECTIONS.values():
        for item in fields(kind):
            rule = item.metadata["rule"]
            assert rule.doc
            if isinstance(item.default, int | float) and not isinstance(item.default, bool):
                assert rule.low is not None, item.name
                assert rule.high is not None, item.name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[fusoin]\n", ["[fusoin]", "fusion"]),
        ("[fusion]\nmax_age = 3\n", ["max_age", "max_age_s"]),
        ("[fusion]\nmax_age_s = 100\n", ["max_age_s", "0.2 to 60 s"]),
        ("[fusion]\nmax_age_s = nan\n", ["max_age_s", "0.2 to 60 s"]),
        ("[fusion]\nmax_age_s = '3'\n", ["max_age_s", "a number"]),
        ("[audio]\nchannel = true\n", ["channel", "a whole number"]),
        ("[audio]\nchannel = 1.5\n", ["channel", "a whole number"]),
        ("[events]\nexperimental = 1\n", ["experimental", "true or false"]),
        ("[deployment]\nsetting = 'clasroom'\n", ["clasroom", "classroom"]),
        ("[device]\nname = 'a/b'\n", ["a/b", "letters"]),
        ("[device]\nname = ''\n", ["name", "letters"]),
        ("fusion = 3\n", ["fusion", "table"]),
        ("[fusion\n", ["not valid TOML"]),
    ],
)
def test_mistakes_are_named_in_one_sentence(text, words):
    assert_told_in_one_sentence(text, words)


def test_missing_and_unreadable_files(tmp_path: Path):
    with pytest.raises(InputMissingError, match="config init"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"[device]\nname = '\xff'\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "latin.toml")


def test_topics_carry_site_and_device():
    parsed = config.parse("[device]\nsite = 'hall'\nname = 'left'\n")
    assert parsed.base_topic == "edge-affect/hall/left"
