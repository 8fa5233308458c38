"""Files that ship with numbers, and files that are there as a whole or not at all."""

import pytest

from edge_affect.errors import CannotWriteError, InputMissingError, ManifestError
from edge_affect.shipped_numbers import read_numbers
from edge_affect.whole_file import write_whole


def one(content):
    return float(content["one"])


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (None, InputMissingError, "does not exist; reinstall"),
        (b'{"one": 1', ManifestError, "is no table of numbers: "),
        (b"\xff", ManifestError, "is no table of numbers: "),
        (b"[]", ManifestError, "is no table of numbers: "),
        (b"{}", ManifestError, "is no table of numbers: 'one'."),
        (b'{"one": "x"}', ManifestError, "could not convert"),
        (b'{"one": null}', ManifestError, "is no table of numbers: "),
    ],
)
def test_numbers_that_are_not_there_are_told_in_one_sentence(tmp_path, content, kind, sentence):
    path = tmp_path / "numbers.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind, match=r"numbers\.json") as caught:
        read_numbers(path, "table of numbers", one)
    assert sentence in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_a_folder_is_no_file_of_numbers(tmp_path):
    with pytest.raises(InputMissingError, match="cannot be read: Is a directory"):
        read_numbers(tmp_path, "table of numbers", one)


def test_numbers_are_read(tmp_path):
    path = tmp_path / "numbers.json"
    path.write_text('{"one": 1}')
    assert read_numbers(path, "table of numbers", one) == 1.0


def test_a_file_is_written_as_a_whole_with_its_mode_from_the_first_byte(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_whole(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotWriteError, match="folder cannot be written: Is a directory"):
        write_whole(tmp_path / "folder", b"new")
    with pytest.raises(CannotWriteError, match="No such file or directory"):
        write_whole(tmp_path / "nowhere" / "file", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
