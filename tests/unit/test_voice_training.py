"""The parts of voice training that need no torch: weights read from a file, changed windows."""

import struct
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from edge_affect.perception.acoustic import AcousticSettings, log_mel_db, normalise
from edge_affect.perception.interpreter import TfliteModel, load_model
from edge_affect.perception.model_store import find_manifest, find_model_file
from edge_affect.training.onnx_weights import read_tensors
from edge_affect.training.tensor_names import without_inner_names
from edge_affect.training.window_scenes import SceneSettings, WindowScenes, normalised

NOTHING = {"untouched": 0.0, "throat": 0.0, "microphone": 0.0, "line": 0.0, "noise": 0.0}
ALWAYS = {"throat": 1.0, "microphone": 1.0, "line": 1.0, "noise": 1.0}
SETTINGS = AcousticSettings()


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx_file(name: str, values: np.ndarray, kind: int = 1) -> bytes:
    """A model of one node, which is passed over, and one tensor."""
    sizes = b"".join(varint(1 << 3) + varint(size) for size in values.shape)
    tensor = sizes + varint(2 << 3) + varint(kind)
    tensor += field(8, name.encode()) + field(9, values.astype("<f4").tobytes())
    graph = field(1, b"node") + field(5, tensor)
    return varint(1 << 3) + varint(8) + struct.pack("<BI", 3 << 3 | 5, 7) + field(7, graph)


def test_tensors_of_an_onnx_file_come_back_with_name_and_shape():
    values = np.arange(300, dtype=np.float32).reshape(3, 100)
    found = read_tensors(onnx_file("layer/weights", values))
    assert list(found) == ["layer/weights"]
    assert np.array_equal(found["layer/weights"], values)


def test_tensors_of_other_kinds_are_left_out():
    assert read_tensors(onnx_file("sizes", np.zeros(2), kind=7)) == {}


@pytest.mark.parametrize("content", [b"\x3a\x7f\x00", b"\x3a", b"\x3b\x00"])
def test_what_is_no_onnx_file_is_refused(content):
    with pytest.raises(ValueError, match="no ONNX file"):
        read_tensors(content)


def window_db() -> np.ndarray:
    rng = np.random.default_rng(5)
    settings = AcousticSettings()
    time_s = np.arange(settings.n_window) / settings.sample_rate_hz
    tone = 0.3 * np.sin(2 * np.pi * 1_000.0 * time_s)
    samples = tone + 1e-3 * rng.standard_normal(settings.n_window)
    return log_mel_db(samples.astype(np.float32), settings)


def loudness(windows_db: np.ndarray) -> np.ndarray:
    return (10.0 ** (windows_db / 10.0)).sum(axis=-1).mean(axis=-1)


def changed(seed: int = 1, backgrounds: np.ndarray | None = None, **settings: float) -> np.ndarray:
    """Four windows changed, as levels against the first one's loudness before."""
    windows = np.stack([window_db()] * 4)
    chances = SceneSettings(**{**NOTHING, **settings})
    scenes = WindowScenes(SETTINGS, chances, backgrounds)
    return scenes(windows, np.random.default_rng(seed))


def before_db() -> np.ndarray:
    """The window at the loudness that scenes bring all windows to."""
    window = window_db()
    return window - 10.0 * np.log10(loudness(window))


def test_no_chance_means_no_change_but_of_the_level():
    assert changed() == pytest.approx(np.stack([before_db()] * 4), abs=1e-3)
    kept = changed(**{**ALWAYS, "untouched": 1.0})
    assert kept == pytest.approx(np.stack([before_db()] * 4), abs=1e-3)


def test_another_throat_moves_a_tone_to_other_bands():
    before = int(before_db().mean(axis=0).argmax())
    places = {
        int(window.mean(axis=0).argmax())
        for seed in range(3)
        for window in changed(seed, throat=1.0)
    }
    assert len(places) > 3
    assert min(places) < before < max(places)
    assert max(abs(place - before) for place in places) < 8


def test_a_microphone_changes_bands_alike_at_all_times():
    gains = changed(microphone=1.0)[0] - before_db()
    assert np.abs(gains - gains[0]).max() < 1e-3
    assert gains[0].std() > 0.5


def test_a_line_takes_away_what_is_high_and_every_second_one_has_steps():
    lines = changed(line=1.0)
    lost = before_db() - lines
    assert lost[1].min() >= -1e-3
    assert lost[:, :, -1].mean() > 30.0
    # A telephone's steps fill the quiet bands that its line lets through.
    quietest = [float(window[:, 12:40].min()) for window in lines]
    assert min(quietest[::2]) > -75.0 > max(quietest[1::2])


def test_noise_stands_in_the_ratio_that_was_asked_for():
    noisy = changed(noise=1.0, lowest_snr_db=10.0, highest_snr_db=10.0)
    ratios_db = 10.0 * np.log10(1.0 / (loudness(noisy) - 1.0))
    assert ratios_db == pytest.approx(np.full(4, 10.0), abs=0.5)


def test_backgrounds_are_mixed_in_where_there_are_any():
    rain = np.full((1, *window_db().shape), -40.0, dtype=np.float32)
    found = [changed(seed, rain, noise=1.0, lowest_snr_db=3.0) for seed in range(6)]
    added = [10.0 ** (w / 10.0) - 10.0 ** (before_db() / 10.0) for w in np.concatenate(found)]
    flat = [a for a in added if a.std() < 0.05 * a.mean()]
    assert 2 <= len(flat) <= 18


def test_the_same_seed_makes_the_same_windows():
    assert np.array_equal(changed(3, **ALWAYS), changed(3, **ALWAYS))
    assert not np.array_equal(changed(3, **ALWAYS), changed(4, **ALWAYS))


def test_windows_are_normalised_together_as_they_are_alone():
    windows = changed(5, **ALWAYS)
    alone = np.stack([normalise(window, SETTINGS) for window in windows])
    assert normalised(windows, SETTINGS) == pytest.approx(alone, abs=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_without_inner_names_answers_the_same():
    manifest = find_manifest("voice_expression")
    content = without_inner_names(find_model_file(manifest).read_bytes())
    assert without_inner_names(content) == content
    spec = manifest.inputs[0]
    tensor = np.random.default_rng(2).integers(-128, 128, spec.shape).astype(np.int8)
    shipped = load_model("voice_expression")
    same = TfliteModel(replace(manifest, sha256=sha256(content).hexdigest()), content)
    assert np.array_equal(same.run(tensor)[0], shipped.run(tensor)[0])
