"""The Silero speech detector, computed with numpy, many chunks at once.

The network (Silero Team, "Silero VAD", MIT) and its weights are theirs; only the arithmetic is
written here. Each chunk of 32 ms, with the 4 ms before it and a mirrored end, becomes the
magnitudes of four short transforms; four convolutions make 128 numbers of them; a recurrent cell
carries what was heard before; one linear layer gives the probability. Everything but the recurrent
cell is done for all chunks of a hop in one go, which is what makes it cheap.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ManifestError, ModelError, ShapeError
from edge_affect.perception.model_store import find_manifest, read_model_file
from edge_affect.perception.safetensors import read_arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest

    Array = NDArray[np.float32]

CHUNK_SAMPLES = 512
"""Samples that are judged at once: 32 ms at 16 kHz."""
CONTEXT_SAMPLES = 64
"""Samples before a chunk that are looked at with it."""
N_MIRRORED = 64
N_FFT = 256
N_STEP = 128
N_BINS = N_FFT // 2 + 1
N_HIDDEN = 128
STRIDES = (1, 2, 2, 1)
SHAPES: dict[str, tuple[int, ...]] = {
    "stft_conv.weight": (2 * N_BINS, 1, N_FFT),
    "conv1.weight": (128, N_BINS, 3),
    "conv1.bias": (128,),
    "conv2.weight": (64, 128, 3),
    "conv2.bias": (64,),
    "conv3.weight": (64, 64, 3),
    "conv3.bias": (64,),
    "conv4.weight": (128, 64, 3),
    "conv4.bias": (128,),
    "lstm_cell.weight_ih": (4 * N_HIDDEN, N_HIDDEN),
    "lstm_cell.weight_hh": (4 * N_HIDDEN, N_HIDDEN),
    "lstm_cell.bias_ih": (4 * N_HIDDEN,),
    "lstm_cell.bias_hh": (4 * N_HIDDEN,),
    "final_conv.weight": (1, N_HIDDEN, 1),
    "final_conv.bias": (1,),
}


class SpeechNet:
    """The network with its weights and what it remembers of one stream.

    Not thread-safe: one instance belongs to one stream.

    Args:
        arrays: The weights, by the names and of the shapes in ``SHAPES``.

    Raises:
        ModelError: If one is missing or of another shape.
    """

    def __init__(self, arrays: dict[str, Array]) -> None:
        for name, shape in SHAPES.items():
            if name not in arrays or arrays[name].shape != shape:
                found = arrays[name].shape if name in arrays else "nothing"
                raise ModelError(f"A speech detector has {name} of shape {shape}, not {found}.")
        self._transform = np.ascontiguousarray(arrays["stft_conv.weight"][:, 0].T)
        self._kernels = [
            # A convolution is a product with three frames side by side.
            np.ascontiguousarray(arrays[f"conv{n}.weight"].transpose(2, 1, 0).reshape(-1, n_out))
            for n, n_out in enumerate((128, 64, 64, 128), start=1)
        ]
        self._biases = [arrays[f"conv{n}.bias"] for n in range(1, 5)]
        bias = arrays["lstm_cell.bias_ih"] + arrays["lstm_cell.bias_hh"]
        self._from_input = _halved_gates(_reordered(arrays["lstm_cell.weight_ih"])).T.copy()
        self._from_before = _halved_gates(_reordered(arrays["lstm_cell.weight_hh"])).T.copy()
        self._gate_bias = _halved_gates(_reordered(bias))
        self._last = arrays["final_conv.weight"][0, :, 0]
        self._last_bias = float(arrays["final_conv.bias"][0])
        self.reset()

    def reset(self) -> None:
        """Forget the stream so far."""
        self._hidden = np.zeros(N_HIDDEN, dtype=np.float32)
        self._cell = np.zeros(N_HIDDEN, dtype=np.float32)

    def probabilities(self, chunks: Array) -> Array:
        """Return the probability of speech in consecutive chunks, shape ``(n,)``, range [0, 1].

        Args:
            chunks: Each with the samples before it, shape ``(n, CONTEXT_SAMPLES + CHUNK_SAMPLES)``,
                range [-1, 1].

        Raises:
            ShapeError: If they are of another length.
        """
        n_samples = CONTEXT_SAMPLES + CHUNK_SAMPLES
        if chunks.ndim != 2 or chunks.shape[1] != n_samples:
            raise ShapeError(f"Chunks have shape (n, {n_samples}), not {chunks.shape}.")
        if chunks.shape[0] == 0:
            return np.empty(0, dtype=np.float32)
        features = self._magnitudes(chunks)
        for kernel, bias, stride in zip(self._kernels, self._biases, STRIDES, strict=True):
            features = _convolved(features, kernel, bias, stride)
        hidden = self._remembered(features[:, 0])
        return _sigmoid(np.maximum(hidden, 0.0) @ self._last + self._last_bias)

    def _magnitudes(self, chunks: Array) -> Array:
        """Return the spectrum of each chunk, shape ``(n, 4, N_BINS)``."""
        mirrored = chunks[:, -2 : -2 - N_MIRRORED : -1]
        padded = np.concatenate((chunks, mirrored), axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(padded, N_FFT, axis=1)[:, ::N_STEP]
        transformed = windows.reshape(-1, N_FFT) @ self._transform
        power = np.square(transformed[:, :N_BINS]) + np.square(transformed[:, N_BINS:])
        magnitudes: Array = np.sqrt(power)
        return magnitudes.reshape(chunks.shape[0], -1, N_BINS)

    def _remembered(self, features: Array) -> Array:
        """Return the output of the recurrent cell after each chunk, shape ``(n, N_HIDDEN)``.

        A long short-term memory (Hochreiter and Schmidhuber, 1997) with a forget gate.
        """
        driven = features @ self._from_input + self._gate_bias
        outputs = np.empty((features.shape[0], N_HIDDEN), dtype=np.float32)
        hidden, cell = self._hidden, self._cell
        for number, from_input in enumerate(driven):
            drive = hidden @ self._from_before
            drive += from_input
            bent = np.tanh(drive, out=drive)
            # A gate is a logistic function, and that is half a tangent of half its drive.
            gates = bent[: 3 * N_HIDDEN]
            gates += 1.0
            gates *= 0.5
            taken, kept, told = gates[:N_HIDDEN], gates[N_HIDDEN:-N_HIDDEN], gates[-N_HIDDEN:]
            cell = kept * cell + taken * bent[3 * N_HIDDEN :]
            hidden = np.multiply(told, np.tanh(cell), out=outputs[number])
        self._hidden, self._cell = hidden.copy(), cell
        return outputs


def _reordered(gates: Array) -> Array:
    """Return gates as input, forget, output, candidate; in the file the last two are swapped."""
    taken, kept, candidate, told = np.split(gates, 4)
    return np.concatenate((taken, kept, told, candidate))


def _halved_gates(gates: Array) -> Array:
    """Return weights that drive the three gates by half, exactly; the candidate stays."""
    halved = gates.copy()
    halved[: 3 * N_HIDDEN] *= 0.5
    return halved


def _convolved(frames: Array, kernel: Array, bias: Array, stride: int) -> Array:
    """Return the rectified convolution over three frames each, padded by one at both ends.

    Args:
        frames: Shape ``(n, n_frames, n_in)``.
        kernel: Shape ``(3 * n_in, n_out)``.
        bias: Shape ``(n_out,)``.
        stride: Frames from one output to the next.
    """
    n, n_frames, n_in = frames.shape
    padded = np.zeros((n, n_frames + 2, n_in), dtype=np.float32)
    padded[:, 1:-1] = frames
    parts = [padded[:, first : first + n_frames : stride] for first in range(3)]
    columns = np.concatenate(parts, axis=2)
    rows: Array = np.maximum(columns.reshape(-1, 3 * n_in) @ kernel + bias, 0.0)
    return rows.reshape(n, columns.shape[1], -1)


def _sigmoid(values: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)), dtype=np.float32)


class SpeechModel:
    """The network as its manifest describes it.

    Attributes:
        manifest: With the threshold and the padding that belong to the weights.
        net: The network.
        threshold: Probability from which on a chunk is speech, (0, 1).
        n_least_chunks: Chunks in a row that are needed.
        n_pad_chunks: Chunks before and after speech that are called speech too.
    """

    def __init__(self, manifest: Manifest, content: bytes) -> None:
        """Take a model.

        Args:
            manifest: What the file must be.
            content: The whole file.

        Raises:
            ManifestError: If the manifest describes something else.
            ModelError: If the file is another one, or lacks an array.
        """
        wanted = {"sample_rate_hz": 16_000, "n_chunk": CHUNK_SAMPLES, "n_context": CONTEXT_SAMPLES}
        if manifest.kind != "speech_detection":
            raise ManifestError(
                f"{manifest.path}: kind is {manifest.kind!r}, not speech_detection."
            )
        if manifest.preprocessing_numbers(set(wanted)) != wanted:
            raise ManifestError(f"{manifest.path}: [preprocessing] must be {wanted}.")
        digest = hashlib.sha256(content).hexdigest()
        if digest != manifest.sha256:
            raise ModelError(
                f"The model file {manifest.file} is corrupt or another version: its sha256 begins "
                f"{digest[:12]}, its manifest says {manifest.sha256[:12]}; fetch or reinstall it."
            )
        self.manifest = manifest
        self.threshold = manifest.threshold("speech")
        self.n_least_chunks = int(manifest.threshold("n_least_chunks"))
        self.n_pad_chunks = int(manifest.threshold("n_pad_chunks"))
        self.net = SpeechNet(read_arrays(content, manifest.file))

    def probabilities(self, chunks: Array) -> Array:
        """Return the probability of speech in chunks; see `SpeechNet.probabilities`."""
        return self.net.probabilities(chunks)

    def reset(self) -> None:
        """Forget the stream so far."""
        self.net.reset()

    @classmethod
    def load(cls, name: str = "speech_detection") -> SpeechModel:
        """Load by name, or by the path of a manifest.

        Raises:
            InputMissingError: If manifest or model file is not there.
            ManifestError: If the manifest is malformed or describes something else.
            ModelError: If the file is not the one that the manifest describes.
        """
        manifest = find_manifest(name)
        return cls(manifest, read_model_file(manifest))
