"""What every source of sound or pictures promises, tried on every one of them."""

from __future__ import annotations

import contextlib
import time
from itertools import pairwise

import numpy as np
import pytest
from rigs import (
    AUDIO,
    CLIP_S,
    PATIENCE_S,
    VIDEO,
    Rig,
    clip,  # noqa: F401 (fixture)
    in_the_end,
    pulse,  # noqa: F401 (fixture)
    read_on,
)

from edge_affect.capture.source import BLOCK_SAMPLES, MAX_BACKLOG_S, EndOfMedia, PacedSource
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, VideoFrame

SAMPLE_NS = NS_PER_S / SAMPLE_RATE_HZ


@pytest.fixture(params=sorted(AUDIO))
def audio(request):
    rig = AUDIO[request.param](request)
    yield rig
    rig.source.close()


@pytest.fixture(params=sorted(VIDEO))
def video(request):
    rig = VIDEO[request.param](request)
    yield rig
    rig.source.close()


@pytest.fixture(
    params=[f"audio-{n}" for n in sorted(AUDIO)] + [f"video-{n}" for n in sorted(VIDEO)]
)
def either(request):
    kind, name = request.param.split("-", 1)
    rig = {"audio": AUDIO, "video": VIDEO}[kind][name](request)
    yield rig
    rig.source.close()


def take(rig: Rig, n_items: int) -> list:
    """Read ``n_items``, waiting for each."""
    items = []
    for _ in range(n_items):
        item = rig.source.read(PATIENCE_S)
        assert item is not None, f"nothing came within {PATIENCE_S} s"
        items.append(item)
    return items


def drain(rig: Rig) -> list:
    """Read all that is there without waiting."""
    items = []
    while (item := rig.source.read(0.0)) is not None:
        items.append(item)
        assert len(items) < 1000
    return items


def to_the_end(rig: Rig) -> list:
    """Read a recording until it is over."""
    items = []
    with contextlib.suppress(EndOfMedia):
        while True:
            items += take(rig, 1)
    return items


def test_blocks_are_mono_float_in_range(audio: Rig) -> None:
    audio.source.open()
    blocks = take(audio, 20)
    assert [type(block) for block in blocks] == [AudioBlock] * 20
    assert [block.samples.shape for block in blocks] == [(BLOCK_SAMPLES,)] * 20
    assert [block.samples.dtype for block in blocks] == [np.dtype(np.float32)] * 20
    samples = np.concatenate([block.samples for block in blocks])
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
    assert np.abs(samples).max() > 0.05


def test_blocks_follow_each_other_without_gap(audio: Rig) -> None:
    audio.source.open()
    runs = []

    def look() -> None:
        runs.append(take(audio, 30))
        assert [block.n_lost for block in runs[-1]] == [0] * 30

    if audio.is_paced:
        in_the_end(look)
    else:
        look()
    gaps_ns = [b.start_ns - a.end_ns for a, b in pairwise(runs[-1])]
    assert len(gaps_ns) == 29
    assert max(map(abs, gaps_ns)) <= SAMPLE_NS + 1


def test_sound_arrives_at_its_rate_and_not_before_it_was_taken(audio: Rig) -> None:
    if not audio.is_paced:
        pytest.skip("as fast as possible")
    audio.source.open()
    take(audio, 10)

    def look() -> None:
        began_ns = audio.clock.now_ns()
        blocks = take(audio, 40)
        now_ns = audio.clock.now_ns()
        assert now_ns >= blocks[-1].end_ns
        assert now_ns - blocks[-1].end_ns < 0.5 * NS_PER_S
        took_s = (now_ns - began_ns) / NS_PER_S
        assert took_s == pytest.approx(40 * BLOCK_SAMPLES / SAMPLE_RATE_HZ, abs=0.15)

    in_the_end(look)


def test_frames_are_rgb_bytes(video: Rig) -> None:
    video.source.open()
    frames = take(video, 3)
    assert [type(frame) for frame in frames] == [VideoFrame] * 3
    assert [frame.pixels.dtype for frame in frames] == [np.dtype(np.uint8)] * 3
    assert len({frame.pixels.shape for frame in frames}) == 1
    assert frames[0].pixels.shape[2] == 3
    assert [frame.pixels.flags.c_contiguous for frame in frames] == [True] * 3


def test_frames_come_in_order_and_no_faster_than_asked(video: Rig) -> None:
    video.source.open()
    frames = take(video, 12)
    times_ns = [frame.captured_ns for frame in frames]
    assert times_ns == sorted(set(times_ns))
    span_s = (times_ns[-1] - times_ns[0]) / NS_PER_S
    # Frames of a faster camera are chosen, not bent: one may come a quarter interval early.
    assert span_s >= (11 - 0.5) / video.frame_rate_hz
    if not video.is_paced:
        return

    def look() -> None:
        (frame,) = take(video, 1)
        assert 0.0 <= (video.clock.now_ns() - frame.captured_ns) / NS_PER_S < 0.3

    in_the_end(look)


def test_read_gives_up_in_time(either: Rig) -> None:
    if not either.is_paced:
        pytest.skip("as fast as possible: there is always a next one")
    either.source.open()
    take(either, 3)

    def look() -> None:
        # The next one may have come meanwhile.
        drain(either)
        began_s = time.monotonic()
        assert either.source.read(0.0) is None
        assert time.monotonic() - began_s < 0.2

    in_the_end(look)


def test_close_is_idempotent_and_closed_means_closed(either: Rig) -> None:
    either.source.close()
    with pytest.raises(DeviceError, match="not open"):
        either.source.read(0.1)
    either.source.open()
    take(either, 1)
    began_s = time.monotonic()
    either.source.close()
    either.source.close()
    assert time.monotonic() - began_s < PATIENCE_S
    with pytest.raises(DeviceError, match="not open"):
        either.source.read(0.1)


def test_opens_again(either: Rig) -> None:
    last_ns = 0
    for _ in range(2):
        either.source.open()
        items = take(either, 4)
        starts_ns = [i.start_ns if isinstance(i, AudioBlock) else i.captured_ns for i in items]
        assert starts_ns == sorted(set(starts_ns))
        if either.is_paced:
            assert starts_ns[0] > last_ns
        last_ns = starts_ns[-1]
        either.source.close()
        either.wait(0.01)


def test_unplugged_device_is_an_error_and_comes_back(either: Rig) -> None:
    if either.unplug is None:
        pytest.skip("this source cannot be unplugged by a test")
    either.source.open()
    take(either, 2)
    either.unplug()
    with pytest.raises(DeviceError) as caught:
        read_on(either.source)
    assert str(caught.value).endswith(".")
    either.source.close()


def test_busy_device_is_refused_and_taken_when_it_is_free(either: Rig) -> None:
    if either.occupy is None or either.vacate is None:
        pytest.skip("no test can let another program hold this source")
    either.occupy()
    for _ in range(2):
        with pytest.raises(DeviceError, match="another program"):
            either.source.open()
    either.vacate()
    either.source.open()
    take(either, 2)


def test_slow_reader_of_sound_loses_the_oldest_and_knows_how_much(audio: Rig) -> None:
    if not audio.is_paced:
        pytest.skip("as fast as possible: nothing is dropped")
    audio.source.open()

    def look() -> None:
        before = take(audio, 3)
        began_ns = audio.clock.now_ns()
        audio.wait(MAX_BACKLOG_S + 1.3)
        waited_s = (audio.clock.now_ns() - began_ns) / NS_PER_S
        after = drain(audio)
        assert 0 < len(after) <= MAX_BACKLOG_S * SAMPLE_RATE_HZ / BLOCK_SAMPLES + 3
        lost_s = sum(block.n_lost for block in after) / SAMPLE_RATE_HZ
        assert lost_s == pytest.approx(waited_s - MAX_BACKLOG_S, abs=0.5)
        # A block or two from before the gap may have been ready already.
        missing_ns = max(b.start_ns - a.end_ns for a, b in pairwise([before[-1], *after]))
        assert missing_ns / NS_PER_S == pytest.approx(lost_s, abs=0.25)

    in_the_end(look)


def test_slow_reader_of_pictures_gets_the_latest(video: Rig) -> None:
    if not video.is_paced:
        pytest.skip("as fast as possible: nothing is dropped")
    if not video.is_steady:
        pytest.skip("what stands in for a camera here keeps no steady rate")
    video.source.open()

    def look() -> None:
        before = take(video, 1)[0]
        video.wait(1.0)
        after = take(video, 1)[0]
        age_s = (video.clock.now_ns() - after.captured_ns) / NS_PER_S
        passed_s = (after.captured_ns - before.captured_ns) / NS_PER_S
        assert age_s < 2.5 / video.frame_rate_hz
        assert after.n_lost == pytest.approx(round(passed_s * video.frame_rate_hz) - 1, abs=2)
        assert after.n_lost >= 5

    in_the_end(look)


def test_a_slowed_camera_hands_out_less_and_loses_nothing(video: Rig) -> None:
    if not isinstance(video.source, PacedSource):
        pytest.skip("recordings keep their rate")
    video.source.pace(video.frame_rate_hz / 4)
    video.source.open()
    take(video, 1)

    def look_slowly() -> None:
        frames = take(video, 4)
        span_s = (frames[-1].captured_ns - frames[0].captured_ns) / NS_PER_S
        assert span_s > 3 * 0.7 * 4 / video.frame_rate_hz
        assert sum(frame.n_lost for frame in frames) == 0

    in_the_end(look_slowly)
    video.source.pace(video.frame_rate_hz)
    take(video, 1)

    def look() -> None:
        frames = take(video, 5)
        span_s = (frames[-1].captured_ns - frames[0].captured_ns) / NS_PER_S
        assert span_s < 4 * 2 / video.frame_rate_hz

    in_the_end(look)


def test_names_tell_nothing_personal(either: Rig) -> None:
    assert either.source.name
    assert either.private not in either.source.name


@pytest.mark.parametrize("name", ["replay", "replay-fast"])
def test_recordings_end_with_nothing_missing(request: pytest.FixtureRequest, name: str) -> None:
    rig = AUDIO[name](request)
    rig.source.open()
    n_samples = sum(block.samples.size for block in to_the_end(rig))
    # The encoder pads its last packet; nothing may be shorter than what went in.
    assert CLIP_S * SAMPLE_RATE_HZ <= n_samples <= (CLIP_S + 0.03) * SAMPLE_RATE_HZ
    with pytest.raises(EndOfMedia):
        rig.source.read(0.0)
    rig.source.close()
    rig = VIDEO[name](request)
    rig.source.open()
    assert len(to_the_end(rig)) == CLIP_S * rig.frame_rate_hz
    rig.source.close()
