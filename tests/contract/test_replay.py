"""Recordings: alignment, order, loops, gaps, rotation, late readers, and files that are wrong."""

from __future__ import annotations

import hashlib
import struct
import time
from itertools import islice, pairwise

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from media import tone, write_clip, write_wav
from recordings import write_floats, write_song_with_cover

from edge_affect.capture.media_file import MediaReader, Picture, probe
from edge_affect.capture.media_sound import sound_of
from edge_affect.capture.media_time import MediaTime
from edge_affect.capture.recording import Playing, recording
from edge_affect.capture.replay import ReplayAudio, ReplayVideo, interleave
from edge_affect.clock import NS_PER_S, ManualClock, MonotonicClock
from edge_affect.errors import InputMissingError, MediaError
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, VideoFrame

EVENT_S = 1.6


@pytest.fixture(scope="module")
def event_clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "event.mp4", 3.0, EVENT_S)


def items_of(audio, video, n_items: int | None = None) -> list:
    for source in (audio, video):
        if source is not None:
            source.open()
    items = list(islice(interleave(audio, video), n_items))
    for source in (audio, video):
        if source is not None:
            source.close()
    return items


def due_ns(item: AudioBlock | VideoFrame) -> int:
    return item.end_ns if isinstance(item, AudioBlock) else item.captured_ns


def sound_from(items: list) -> np.ndarray:
    return np.concatenate([i.samples for i in items if isinstance(i, AudioBlock)])


def events_s(items: list, origin_ns: int) -> tuple[list[float], list[float]]:
    """Return when the tone begins and when the flash begins, by the items' own times."""
    heard, seen = [], []
    was_loud = was_bright = False
    for item in items:
        if isinstance(item, AudioBlock):
            loud = np.abs(item.samples) > 0.1
            if loud.any() and not was_loud:
                first = int(np.argmax(loud))
                start_ns = item.start_ns + first * NS_PER_S // SAMPLE_RATE_HZ
                heard.append((start_ns - origin_ns) / NS_PER_S)
            was_loud = bool(loud.any())
        else:
            is_bright = item.pixels.mean() > 128
            if is_bright and not was_bright:
                seen.append((item.captured_ns - origin_ns) / NS_PER_S)
            was_bright = is_bright
    return heard, seen


@pytest.mark.parametrize("codecs", [("mpeg4", "aac"), ("mpeg4", "flac"), ("libx264", "libmp3lame")])
def test_sound_and_pictures_stay_together(tmp_path, codecs) -> None:
    path = write_clip(tmp_path / "event.mkv", 3.0, EVENT_S, codecs)
    clock = ManualClock(77)
    axis = MediaTime(clock, is_paced=False)
    items = items_of(ReplayAudio(path, axis), ReplayVideo(path, axis, 25.0))
    heard, seen = events_s(items, 77)
    assert (len(heard), len(seen)) == (1, 1)
    assert heard[0] == pytest.approx(EVENT_S, abs=0.03)
    assert seen[0] == pytest.approx(EVENT_S, abs=0.001)


def test_items_come_in_the_order_of_time_and_move_the_clock(event_clip) -> None:
    clock = ManualClock(5)
    axis = MediaTime(clock, is_paced=False)
    audio, video = ReplayAudio(event_clip, axis), ReplayVideo(event_clip, axis, 10.0)
    audio.open()
    video.open()
    seen = []
    for item in interleave(audio, video):
        assert clock.now_ns() == due_ns(item)
        seen.append(item)
    times_ns = [due_ns(item) for item in seen]
    assert times_ns == sorted(times_ns)
    assert sum(isinstance(item, VideoFrame) for item in seen) == 30
    assert [item.n_lost for item in seen] == [0] * len(seen)
    assert axis.media_s(times_ns[-1]) == pytest.approx(3.0, abs=0.05)


def test_the_last_partial_block_is_kept_to_the_sample(tmp_path) -> None:
    written = np.round(tone(300.0, 1.0, SAMPLE_RATE_HZ) * 32767)[: 512 * 3 + 17] / 32767
    path = write_wav(tmp_path / "odd.wav", written.astype(np.float32), SAMPLE_RATE_HZ)
    items = items_of(ReplayAudio(path, MediaTime(ManualClock(), is_paced=False)), None)
    assert [item.samples.size for item in items] == [512, 512, 512, 17]
    np.testing.assert_allclose(sound_from(items), written, atol=1e-4)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_any_rate_has_its_whole_length_and_pitch(tmp_path, rate_hz: int) -> None:
    path = write_wav(tmp_path / "tone.wav", tone(440.0, 2.0, rate_hz), rate_hz)
    sound = sound_from(items_of(ReplayAudio(path, MediaTime(ManualClock(), is_paced=False)), None))
    assert abs(sound.size - 2 * SAMPLE_RATE_HZ) <= 1
    expected = tone(440.0, 2.0, SAMPLE_RATE_HZ)[: sound.size]
    inner = slice(800, sound.size - 800)
    np.testing.assert_allclose(sound[inner], expected[inner], atol=0.005)


def test_channels_are_chosen_or_mixed(tmp_path) -> None:
    stereo = np.stack([tone(300.0, 0.5, SAMPLE_RATE_HZ), np.zeros(8000, np.float32)], axis=1)
    path = write_wav(tmp_path / "stereo.wav", stereo, SAMPLE_RATE_HZ)

    def peak(channel: int) -> float:
        axis = MediaTime(ManualClock(), is_paced=False)
        return float(np.abs(sound_from(items_of(ReplayAudio(path, axis, channel), None))).max())

    assert [round(peak(channel), 2) for channel in (0, 1, 2)] == [0.25, 0.5, 0.0]
    source = ReplayAudio(path, MediaTime(ManualClock(), is_paced=False), 3)
    with pytest.raises(MediaError, match="has 2 channels of sound, not a channel 3"):
        source.open()


def test_loops_stay_aligned_and_never_step_back(event_clip) -> None:
    clock = ManualClock(9)
    length_s = 3.2
    axis = MediaTime(clock, is_paced=False, loop_s=length_s)
    items = items_of(ReplayAudio(event_clip, axis), ReplayVideo(event_clip, axis, 25.0), 600)
    blocks = [item for item in items if isinstance(item, AudioBlock)]
    frames = [item for item in items if isinstance(item, VideoFrame)]
    assert len(blocks) > 300
    assert len(frames) > 220
    assert [b.samples.size for b in blocks] == [512] * len(blocks)
    assert max(abs(b.start_ns - a.end_ns) for a, b in pairwise(blocks)) <= 1
    assert min(b.captured_ns - a.captured_ns for a, b in pairwise(frames)) > 0
    heard, seen = events_s(items, 9)
    expected = [EVENT_S, EVENT_S + length_s, EVENT_S + 2 * length_s]
    assert heard == pytest.approx(expected, abs=0.03)
    assert seen == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("kind", ["sound", "pictures"])
def test_what_comes_back_after_a_month_begins_with_the_round_that_plays(event_clip, kind) -> None:
    clock = ManualClock(9)
    length_s, rounds = 3.2, 810_000
    axis = MediaTime(clock, loop_s=length_s)
    audio, video = ReplayAudio(event_clip, axis), ReplayVideo(event_clip, axis, 25.0)
    source = audio if kind == "sound" else video
    axis.attach()  # by the other one, which stayed
    clock.sleep(rounds * length_s + 1.0)
    source.open()
    items = []
    while axis.media_s(clock.now_ns()) < (rounds + 1) * length_s:
        items.append(source.read(5.0))
    source.close()
    assert items[0].n_lost <= SAMPLE_RATE_HZ, "rounds that are over were played"
    heard, seen = events_s(items, 9)
    assert heard + seen == pytest.approx([rounds * length_s + EVENT_S], abs=0.05)


def test_loop_cuts_what_is_longer(event_clip) -> None:
    axis = MediaTime(ManualClock(), is_paced=False, loop_s=2.0)
    items = items_of(ReplayAudio(event_clip, axis), ReplayVideo(event_clip, axis, 25.0), 400)
    heard, seen = events_s(items, 0)
    assert heard == pytest.approx([EVENT_S, EVENT_S + 2, EVENT_S + 4], abs=0.03)
    assert seen == pytest.approx([EVENT_S, EVENT_S + 2, EVENT_S + 4], abs=0.001)


def paced_replay(clip, clock):
    """Play 2 s as the live path does: the axis, the items, how late each came."""
    axis = MediaTime(clock)
    audio, video = ReplayAudio(clip, axis), ReplayVideo(clip, axis, 10.0)
    audio.open()
    video.open()
    late_ns, items = [], []
    while axis.media_s(clock.now_ns()) < 2.0:
        for source in (audio, video):
            item = source.read(0.01)
            if item is not None:
                items.append(item)
                late_ns.append(clock.now_ns() - due_ns(item))
    audio.close()
    video.close()
    return axis, items, sorted(late_ns)


class OwnTime(MonotonicClock):
    """Real time without what the machine gives to others: work as done, sleep as asked for."""

    def __init__(self) -> None:
        self._slept_ns = 0

    def now_ns(self) -> int:
        return time.process_time_ns() + self._slept_ns

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._slept_ns += round(seconds * NS_PER_S)


def test_both_clocks_of_a_paced_replay_agree_with_the_wall(event_clip) -> None:
    axis, items, late_ns = paced_replay(event_clip, OwnTime())
    assert len(items) > 70
    assert late_ns[0] >= 0
    assert late_ns[len(late_ns) * 9 // 10] < 0.1 * NS_PER_S
    heard, seen = events_s(items, axis.at_ns(0))
    assert (len(heard), len(seen)) == (1, 1)
    assert abs(heard[0] - seen[0]) < 0.08


def test_gap_in_the_sound_becomes_silence(tmp_path) -> None:
    from fractions import Fraction

    import av

    path = tmp_path / "gap.mka"
    piece = tone(440.0, 0.5, 16_000)
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for start_s in (0.25, 1.75):
            samples = np.round(piece[None, :] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.time_base = 16_000, Fraction(1, 16_000)
            frame.pts = round(start_s * 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    items = items_of(ReplayAudio(path, MediaTime(ManualClock(), is_paced=False)), None)
    sound = sound_from(items)
    zero_s = (0.25 * 16_000, 0.75 * 16_000, 1.75 * 16_000, 2.25 * 16_000)
    # A file whose sound starts late has its zero at the first sample.
    start, end, again, last = (round(v - zero_s[0]) for v in zero_s)
    assert abs(sound.size - last) <= 16
    assert np.abs(sound[start:end]).max() > 0.4
    assert np.abs(sound[end + 32 : again - 32]).max() < 1e-3
    assert np.abs(sound[again:last]).max() > 0.4


def write_pictures_and_sound(path, picture_times_s, sound_starts_s=None) -> None:
    """Write grey pictures at some times, and half a second of a tone, to the millisecond."""
    from fractions import Fraction

    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("mjpeg", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        video.codec_context.time_base = Fraction(1, 1000)
        audio = None
        if sound_starts_s is not None:
            audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for time_s in picture_times_s:
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 99, np.uint8), format="rgb24")
            picture.pts, picture.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(video.encode(picture))
        if audio is not None:
            samples = np.round(tone(440.0, 0.5, 16_000)[None, :] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.time_base = 16_000, Fraction(1, 16_000)
            frame.pts = round(sound_starts_s * 16_000)
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
        container.mux(video.encode(None))


def test_a_timestamp_years_away_is_broken_and_not_waited_for(tmp_path) -> None:
    path = tmp_path / "jump.mkv"
    years_s = 1.7e9
    write_pictures_and_sound(path, (0.0, 0.1, 0.2, years_s, years_s + 0.1, years_s + 0.2), years_s)
    axis = MediaTime(ManualClock(), is_paced=False)
    frames = items_of(None, ReplayVideo(path, axis, 10.0))
    assert [frame.captured_ns // 1_000_000 for frame in frames] == [0, 100, 200, 300, 400]
    sound = sound_from(items_of(ReplayAudio(path, axis), None))
    assert sound.size == 8_000
    assert np.abs(sound).max() > 0.4


def test_pictures_an_hour_apart_stay_so(tmp_path) -> None:
    path = tmp_path / "seldom.mkv"
    write_pictures_and_sound(path, (0.0, 3600.0, 7200.0))
    frames = items_of(None, ReplayVideo(path, MediaTime(ManualClock(), is_paced=False), 10.0))
    assert [frame.captured_ns // NS_PER_S for frame in frames] == [0, 3600, 7200]


def test_a_sample_format_that_cannot_be_read_is_told_in_one_sentence(tmp_path) -> None:
    path = tmp_path / "wide.wav"
    samples = np.round(tone(440.0, 0.1, 16_000) * 2**62).astype("<i8")
    header = struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 16_000 * 8, 8, 64)
    body = b"WAVEfmt " + header + b"data" + struct.pack("<I", samples.nbytes) + samples.tobytes()
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    with pytest.raises(MediaError, match="sample format s64, which cannot be read; convert it"):
        items_of(ReplayAudio(path, MediaTime(ManualClock(), is_paced=False)), None)


@pytest.mark.parametrize(
    ("rotation_deg", "shape", "bright"),
    [
        (0, (240, 320), "left"),
        (90, (320, 240), "bottom"),
        (-90, (320, 240), "top"),
        (180, (240, 320), "right"),
    ],
)
def test_pictures_are_turned_upright(tmp_path, rotation_deg: int, shape, bright: str) -> None:
    path = tmp_path / "turned.mp4"
    try:
        write_clip(path, 0.4, codecs=("mpeg4", None), rotation_deg=rotation_deg or 360)
    except AttributeError:
        pytest.skip("this PyAV cannot write a rotation")
    frames = items_of(None, ReplayVideo(path, MediaTime(ManualClock(), is_paced=False), 10.0))
    pixels = frames[0].pixels
    assert pixels.shape[:2] == shape
    assert pixels.flags.c_contiguous
    edges = {
        "left": pixels[:, :40],
        "right": pixels[:, -40:],
        "top": pixels[:40],
        "bottom": pixels[-40:],
    }
    means = {name: float(edge.mean()) for name, edge in edges.items()}
    assert max(means, key=means.__getitem__) == bright


def test_colours_are_the_same_on_every_processor() -> None:
    """The quick ways of different processors give different ones, and other vectors with them."""
    if not hasattr(Interpolation, "BITEXACT"):
        pytest.skip("PyAV before 18 converts by the quick way of the processor only")
    planes = np.random.default_rng(5).integers(0, 256, (96, 64), np.uint8)
    raw = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    digest = hashlib.sha256(Picture(raw, 0.0).pixels().tobytes()).hexdigest()
    assert digest[:16] == "36d4df145c86258a"


def test_frames_are_chosen_evenly_by_their_time(event_clip) -> None:
    frames = items_of(None, ReplayVideo(event_clip, MediaTime(ManualClock(), is_paced=False), 5.0))
    times_ms = [frame.captured_ns // 1_000_000 for frame in frames]
    assert times_ms == [200 * number for number in range(15)]


def test_reader_that_is_late_for_ever_still_gets_frames(event_clip) -> None:
    clock = ManualClock()
    video = ReplayVideo(event_clip, MediaTime(clock), 10.0)
    video.open()
    n_seen = n_lost = 0
    while clock.now_ns() < 2.5 * NS_PER_S:
        frame = video.read(0.0)
        assert frame is not None
        assert clock.now_ns() - frame.captured_ns <= 0.1 * NS_PER_S
        n_seen += 1
        n_lost += frame.n_lost
        clock.sleep(0.35)
    assert n_seen == 8
    assert n_lost == pytest.approx(17, abs=2)
    video.close()


def test_same_file_gives_the_same_samples_and_pixels(event_clip) -> None:
    def digest() -> str:
        axis = MediaTime(ManualClock(), is_paced=False)
        total = hashlib.sha256()
        for item in items_of(ReplayAudio(event_clip, axis), ReplayVideo(event_clip, axis, 5.0)):
            total.update((item.samples if isinstance(item, AudioBlock) else item.pixels).tobytes())
        return total.hexdigest()

    assert digest() == digest()


def test_what_is_no_recording_is_said_in_one_sentence(tmp_path) -> None:
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("no film\n" * 100)
    header = write_wav(tmp_path / "header.wav", np.zeros(0, np.float32), 16_000)
    silent = write_clip(tmp_path / "silent.mp4", 0.4, codecs=("mpeg4", None))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(silent.read_bytes()[:200])
    axis = MediaTime(ManualClock(), is_paced=False)
    cases = [
        (ReplayVideo(tmp_path / "gone.mp4", axis, 10.0), InputMissingError, "no media file"),
        (ReplayVideo(tmp_path, axis, 10.0), MediaError, "is a folder"),
        (ReplayVideo(empty, axis, 10.0), MediaError, "cannot be read"),
        (ReplayVideo(text, axis, 10.0), MediaError, "cannot be read"),
        (ReplayVideo(cut, axis, 10.0), MediaError, "cannot be read"),
        (ReplayAudio(silent, axis), MediaError, "holds no sound"),
        (ReplayAudio(header, axis), MediaError, "holds no sound"),
        (ReplayVideo(header, axis, 10.0), MediaError, "holds no pictures"),
    ]
    for source, kind, words in cases:
        with pytest.raises(kind, match=words) as caught:
            source.open()
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)
        source.close()


def test_probe_says_what_is_in_a_file(tmp_path, event_clip) -> None:
    facts = probe(event_clip)
    assert (facts.has_audio, facts.has_video) == (True, True)
    assert facts.duration_s == pytest.approx(3.0, abs=0.05)
    facts = probe(write_wav(tmp_path / "a.wav", tone(300.0, 0.5, 16_000), 16_000))
    assert (facts.has_audio, facts.has_video) == (True, False)
    assert facts.duration_s == pytest.approx(0.5, abs=0.001)


def test_recording_takes_the_sound_of_a_film_unless_told_otherwise(tmp_path, event_clip) -> None:
    wav = write_wav(tmp_path / "a.wav", tone(300.0, 5.0, 16_000), 16_000)
    playing = Playing(is_paced=False, is_looped=True, channel=0, frame_rate_hz=10.0)
    own = recording(None, event_clip, ManualClock(), playing)
    assert own.audio is not None
    assert own.audio.duration_s == pytest.approx(3.0, abs=0.05)
    other = recording(wav, event_clip, ManualClock(), playing)
    assert other.duration_s == pytest.approx(5.0, abs=0.001)
    assert other.time.loop_samples == 5 * SAMPLE_RATE_HZ
    assert recording(wav, None, ManualClock(), playing).video is None


def test_fast_replay_needs_a_clock_that_can_be_moved() -> None:
    with pytest.raises(ValueError, match="ManualClock"):
        MediaTime(MonotonicClock(), is_paced=False)
    with pytest.raises(MediaError, match="too short to loop"):
        MediaTime(ManualClock(), loop_s=0.1)


def test_samples_that_are_no_numbers_are_heard_as_silence(tmp_path):
    samples = np.tile(np.float32(0.25), 44_100)
    samples[100:200], samples[300] = np.nan, np.inf
    path = write_floats(tmp_path / "odd.wav", samples, 44_100)
    heard = np.concatenate(list(sound_of(path)))
    assert heard.size == pytest.approx(16_000, abs=50)
    assert np.isfinite(heard).all()
    assert heard[8000:15_000] == pytest.approx(0.25, abs=0.01)


def test_the_cover_of_a_song_is_no_film(tmp_path):
    path = write_song_with_cover(tmp_path / "song.mp4")
    found = probe(path)
    assert (found.has_audio, found.has_video) == (True, False)
    with pytest.raises(MediaError, match="holds no pictures"):
        MediaReader(path, "video")
