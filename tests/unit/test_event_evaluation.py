"""The figures of sound events: precision, bounds, parts that share no source, streams."""

import csv
import json

import numpy as np
import pytest

from edge_affect.errors import DatasetError, InputMissingError, ShapeError
from edge_affect.evaluation.detection_metrics import (
    average_precision,
    grouped_interval,
    poisson_upper_bound,
)
from edge_affect.evaluation.event_clips import DEV_SPEAKERS, read_event_clips
from edge_affect.evaluation.event_streams import EventStream, count_starts, hear_clip, onset_of
from edge_affect.perception.acoustic import AcousticSettings
from edge_affect.perception.sound_events import SoundEventModel, SoundEventReader
from edge_affect.record import EVENTS

RATE = 16_000
HOST = AcousticSettings()


def test_average_precision_of_known_rankings():
    hits = np.array([True, False, True, False])
    assert average_precision(hits, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx(5 / 6)
    assert average_precision(hits, np.array([4.0, 1.0, 3.0, 2.0])) == 1.0
    assert average_precision(hits, np.zeros(4)) == 0.5
    assert np.isnan(average_precision(np.zeros(2, bool), np.zeros(2)))
    with pytest.raises(ShapeError):
        average_precision(hits, np.zeros(3))


def test_the_bound_of_a_count_is_the_exact_one():
    # Garwood's table: one-sided 95 %.
    assert [round(poisson_upper_bound(n), 3) for n in (0, 1, 5)] == [2.996, 4.744, 10.513]


def test_intervals_draw_whole_groups():
    values = np.array([0.0, 0.0, 1.0, 1.0])
    interval = grouped_interval(lambda rows: float(values[rows].mean()), np.array([0, 0, 1, 1]))
    assert (interval.low, interval.high) == (0.0, 1.0)


ROWS = [
    ("esc-50", "a.opus", "laughing", "1", "CC0", "fold=2;src=1"),
    ("esc-50", "b.opus", "clapping", "2", "CC-BY", "fold=1;src=2"),
    ("esc-50", "c.opus", "rain", "3", "CC-BY", "fold=5;src=3"),
    ("esc-50", "d.opus", "coughing", "4", "CC-BY-NC-3.0(whole)", "fold=2;src=4"),
    ("crema-d", "e.opus", "anger", "1070", "ODbL-1.0/DbCL-1.0", ""),
    ("crema-d", "f.opus", "anger", "1041", "ODbL-1.0/DbCL-1.0", ""),
    ("crema-d", "g.opus", "anger", "1019", "ODbL-1.0/DbCL-1.0", ""),
    ("ravdess-speech", "h.opus", "happy", "01", "CC-BY-NC-SA-4.0", ""),
    ("screams", "i.opus", "scream", "", "none-stated", ""),
    ("elsewhere", "j.opus", "applause", "", "CC0", ""),
]


def write_index(folder, rows):
    names = ("corpus", "path", "label", "speaker", "licence", "extra")
    with (folder / "index.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(names)
        writer.writerows(rows)
    for row in rows:
        (folder / row[1]).touch()
    return folder / "index.csv"


def test_every_clip_knows_its_event_and_part(tmp_path):
    clips = read_event_clips(write_index(tmp_path, ROWS), tmp_path)
    assert [(clip.event, clip.part) for clip in clips] == [
        ("laughter", "fit"),
        ("applause", "dev"),
        ("other", "report"),
        ("other", "report"),
        ("other", "fit"),
        ("other", "dev"),
        ("other", "report"),
        ("other", "report"),
        ("screaming", "report"),
        ("applause", "report"),
    ]


def test_a_missing_column_file_or_index_is_one_sentence(tmp_path):
    with pytest.raises(InputMissingError, match="index"):
        read_event_clips(tmp_path / "none.csv", tmp_path)
    index = write_index(tmp_path, ROWS)
    (tmp_path / "c.opus").unlink()
    with pytest.raises(InputMissingError, match=r"c\.opus"):
        read_event_clips(index, tmp_path)
    index.write_text("corpus,path,label\nx,y,z\n")
    with pytest.raises(DatasetError, match="licence"):
        read_event_clips(index, tmp_path)
    index.write_text("corpus,path,label,licence\n")
    with pytest.raises(DatasetError, match="no clip"):
        read_event_clips(index, tmp_path)


@pytest.mark.data
def test_no_source_of_the_data_is_in_two_parts(data_dir):
    root = data_dir / "audio"
    parts = {}
    for clip in read_event_clips(root / "index.csv", root):
        if clip.corpus in ("esc-50", "donateacry", "crema-d"):
            parts.setdefault(clip.source, set()).add(clip.part)
    assert len(parts) > 500
    assert [source for source, found in parts.items() if len(found) > 1] == []
    dev = {source for source, found in parts.items() if found == {"dev"}}
    assert {f"crema-d/{speaker}" for speaker in DEV_SPEAKERS} <= dev


def noise(seconds, level=0.1):
    rng = np.random.default_rng(1)
    return (rng.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def reader():
    return SoundEventReader(SoundEventModel.load(), HOST, -60.0, with_rules=True)


def test_a_stream_does_not_care_how_it_is_cut():
    samples = noise(4.3)
    whole = EventStream(reader(), HOST).feed(samples)
    pieces = EventStream(reader(), HOST)
    cut = [one for part in np.array_split(samples, 7) for one in pieces.feed(part)]
    hop_s = SoundEventModel.load().acoustic.n_hop / RATE
    assert len(whole) == int((4.3 - 1.0) / hop_s + 1e-9) + 1
    assert cut == whole


def test_hours_are_counted_and_silence_starts_nothing():
    starts, hours = count_starts([np.zeros(36 * RATE, np.float32)] * 2, reader(), HOST)
    assert (starts.tolist(), hours) == ([0] * 5, pytest.approx(0.02))


def test_the_onset_of_a_clip_is_its_first_sound():
    assert onset_of(np.concatenate((np.zeros(RATE, np.float32), noise(1.0)))) == RATE
    assert onset_of(np.zeros(100, np.float32)) == 0


def test_a_scream_is_heard_after_it_began():
    time_s = np.arange(3 * RATE) / RATE
    wave = sum(np.sin(2 * np.pi * 1_500 * k * time_s) for k in range(1, 6))
    heard = hear_clip((0.05 * wave).astype(np.float32), reader(), HOST, 0.3)
    assert heard.duration_s == 3.0
    started = [event for event, at_s in zip(EVENTS, heard.starts_s, strict=True) if at_s > 0]
    assert started == ["screaming"]
    assert 0.3 < heard.starts_s[EVENTS.index("screaming")] < 3.0


@pytest.mark.data
def test_the_command_prints_one_json_object(data_dir, tmp_path, capsys):
    from edge_affect.cli import main

    root = data_dir / "audio"
    with (root / "index.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    wanted = {"laughing": 1, "clapping": 1, "crying_baby": 1, "rain": 1}
    chosen = []
    for row in rows:
        if "fold=5" in row["extra"] and wanted.get(row["label"], 0):
            wanted[row["label"]] -= 1
            chosen.append(row)
    assert len(chosen) == 4
    index = tmp_path / "index.csv"
    with index.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0].keys())
        writer.writeheader()
        writer.writerows(chosen)
    assert main(["evaluate", "events", "--index", str(index), "--root", str(root), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == 4
    assert list(report["per_event"]) == ["laughter", "applause", "crying"]
    assert 0 < report["mean_average_precision"] <= 1
    assert report["false_events"]["not_learned_from"]["hours"] == pytest.approx(5 / 3600, abs=1e-4)
