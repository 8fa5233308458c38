"""The demo clip is what its plan says; portraits and speech are made up here."""

from __future__ import annotations

import wave

import numpy as np
import pytest
from PIL import Image

from edge_affect import demo_clip
from edge_affect.capture.media_file import MediaReader, probe
from edge_affect.errors import InputMissingError, MediaError


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    Image.new("RGB", (910, 1137), (200, 30, 30)).save(folder / demo_clip.SMILE.save_as)
    Image.new("RGB", (970, 2204), (30, 30, 200)).save(folder / demo_clip.SOBER.save_as)
    for member in demo_clip.SENTENCES:
        with wave.open(str(folder / member.save_as), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(np.full(16_000, 1000, "<i2").tobytes())
    return folder


@pytest.fixture(scope="module")
def clip(sources, tmp_path_factory):
    said: list[str] = []
    video, audio = demo_clip.build(sources, sources, tmp_path_factory.mktemp("out"), said.append)
    assert len(said) == 1
    return video, audio


def test_pictures_follow_the_plan(clip) -> None:
    reader = MediaReader(clip[0], "video")
    wanted = {1.0: "wall", 6.0: "smile", 14.0: "sober", 20.0: "wall", 25.0: "smile", 37.0: "both"}
    found = {}
    n_frames = 0
    for picture in reader.pictures():
        n_frames += 1
        second = picture.start_s
        if second in wanted:
            pixels = picture.pixels()
            assert pixels.shape == (480, 640, 3)
            left, right = (half.mean(axis=(0, 1)) for half in (pixels[:, :320], pixels[:, 320:]))
            kinds = [
                "smile" if c[0] > 2 * c[2] else "sober" if c[2] > 2 * c[0] else "wall"
                for c in (left, right)
            ]
            found[second] = kinds[0] if kinds[0] == kinds[1] else "both"
    reader.close()
    assert n_frames == 1000
    assert found == wanted


def test_sound_is_as_long_as_the_pictures_with_its_pause(clip) -> None:
    assert probe(clip[0]).duration_s == pytest.approx(40.0, abs=0.05)
    with wave.open(str(clip[1])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 640_000)
        samples = np.frombuffer(file.readframes(640_000), "<i2")
    starts = [round(start_s * 16_000) for start_s in demo_clip.SENTENCE_STARTS_S]
    expected = np.zeros(640_000, np.int16)
    for start in starts:
        expected[start : start + 16_000] = 1000
    np.testing.assert_array_equal(samples, expected)


def test_clip_that_is_there_is_not_made_again(clip) -> None:
    def refuse(_line: str) -> None:
        pytest.fail("nothing should be done")

    assert demo_clip.ensure(refuse, clip[0].parent) == clip


def test_sources_that_are_missing_or_broken_are_named(sources, tmp_path) -> None:
    with pytest.raises(InputMissingError, match=r"sentence-1\.wav"):
        demo_clip.build(tmp_path, tmp_path, tmp_path / "out")
    with pytest.raises(InputMissingError, match=r"smile\.jpg"):
        demo_clip.build(tmp_path, sources, tmp_path / "out")
    (tmp_path / "smile.jpg").write_bytes(b"no picture")
    with pytest.raises(MediaError, match=r"smile\.jpg"):
        demo_clip.build(tmp_path, sources, tmp_path / "out")


def test_every_source_is_pinned() -> None:
    members = (demo_clip.SMILE, demo_clip.SOBER, *demo_clip.SENTENCES)
    assert len({member.sha256 for member in members}) == 7
    assert len({member.save_as for member in members}) == 7
    assert len(demo_clip.SENTENCES) == len(demo_clip.SENTENCE_STARTS_S)
    assert demo_clip.PICTURES_PACKAGE.is_source
    assert demo_clip.SPEECH_PACKAGE.is_source
