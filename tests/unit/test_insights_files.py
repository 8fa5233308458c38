"""Which recordings folders hold, however odd their names, and how they are dealt out."""

import os
from pathlib import Path

import pytest

from edge_affect.errors import ExitCode
from edge_affect.insights.files import Found, find
from edge_affect.insights.hands import MAX_FILES, dealt


def touch(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(finding):
    return [item.path.name for item in finding.found if item.failure is None]


def test_folders_are_searched_to_any_depth_and_other_files_counted(tmp_path):
    touch(tmp_path / "b.wav")
    touch(tmp_path / "deep" / "er" / "a.MP4")
    touch(tmp_path / "notes.txt")
    touch(tmp_path / ".hidden.wav")
    touch(tmp_path / ".cache" / "c.wav")
    finding = find([tmp_path], tmp_path / "out")
    assert names(finding) == ["b.wav", "a.MP4"]
    assert finding.n_passed_over == 1


def test_a_named_file_may_end_as_it_likes_and_counts_once(tmp_path):
    path = touch(tmp_path / "call.dat")
    link = tmp_path / "link.wav"
    link.symlink_to(path)
    assert names(find([path, tmp_path, link, path], tmp_path / "out")) == ["call.dat"]


def test_links_that_go_round_in_circles_end(tmp_path):
    touch(tmp_path / "a" / "x.wav")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self.wav").symlink_to(tmp_path / "self.wav")
    finding = find([tmp_path], tmp_path / "out")
    assert names(finding) == ["x.wav"]
    failures = [item.failure for item in finding.found if item.failure is not None]
    assert [failure.code for failure in failures] == [ExitCode.INPUT_MISSING]


def test_the_folder_of_results_is_not_searched(tmp_path):
    touch(tmp_path / "out" / "old.wav")
    touch(tmp_path / "new.wav")
    assert names(find([tmp_path], tmp_path / "out")) == ["new.wav"]


def test_what_cannot_be_a_recording_is_told_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere")
    finding = find([tmp_path, tmp_path / "missing"], tmp_path / "out")
    told = {item.path.name: item.failure.code for item in finding.found}
    assert told == {
        "pipe.wav": ExitCode.BAD_DATA,
        "dangling.wav": ExitCode.INPUT_MISSING,
        "missing": ExitCode.INPUT_MISSING,
    }


ODD = [
    b"line\nbreak.wav",
    "\N{GRINNING FACE}.wav".encode(),
    b"\xff\xfe.wav",
    b"=1+1.wav",
    b"--.wav",
]


def test_names_of_any_kind_become_names_for_tables(tmp_path):
    for name in ODD:
        touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    finding = find([tmp_path], tmp_path / "out")
    assert len(finding.found) == len(ODD)
    for item in finding.found:
        assert item.recording.replace("-", "").isalnum()
        assert item.recording.isascii()
        assert item.shown_path.isprintable()
    assert len({item.recording for item in finding.found}) == len(ODD)


def found(name, size):
    return Found(Path("/x") / name, size)


@pytest.mark.parametrize("n_players", [1, 3])
def test_every_recording_is_dealt_once_and_no_hand_is_too_full(n_players):
    items = [found(f"{n}.wav", n * 1_000_000) for n in range(1, 101)]
    hands = dealt(items, n_players)
    assert sorted(item.path for hand in hands for item in hand) == sorted(i.path for i in items)
    assert all(1 <= len(hand) <= MAX_FILES for hand in hands)
    assert hands[0][0].size_bytes == 100_000_000
    assert dealt([], n_players) == []


def test_few_recordings_are_spread_over_all_cores():
    assert len(dealt([found(f"{n}.wav", 1000) for n in range(8)], 2)) == 8
