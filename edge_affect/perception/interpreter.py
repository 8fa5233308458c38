"""One TFLite model, checked against its manifest, run on one thread."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import ModelError, ShapeError, UnavailableError
from edge_affect.perception.model_store import find_manifest, read_model_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from edge_affect.perception.manifest import Manifest, TensorSpec

_STDERR_LOCK = threading.Lock()
_SCALE_TOLERANCE = 1e-6


def softmax(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities over the last axis.

    Args:
        logits: Any shape ``(..., n_classes)``.
        temperature: Above 0; larger is less sure (Guo et al., 2017, "On calibration of modern
            neural networks").
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), dtype=np.float64)


def quantise(values: ArrayLike, spec: TensorSpec) -> NDArray[Any]:
    """Return codes of a quantised tensor: rounded half to even, clipped to the dtype's range."""
    info = np.iinfo(spec.dtype)
    codes: NDArray[Any] = np.asarray(np.asarray(values, dtype=np.float64) / spec.scale)
    np.rint(codes, out=codes)
    codes += spec.zero_point
    np.maximum(codes, info.min, out=codes)
    np.minimum(codes, info.max, out=codes)
    return codes.astype(spec.dtype)


def dequantise(codes: NDArray[Any], spec: TensorSpec) -> NDArray[np.float32]:
    """Return the real numbers of a tensor as float32; a float tensor passes through."""
    if not spec.is_quantised:
        return codes.astype(np.float32, copy=False)
    return np.asarray(spec.scale * (codes.astype(np.float32) - spec.zero_point), dtype=np.float32)


class TfliteModel:
    """A model file that has been proven to be the one its manifest describes.

    Not thread-safe: one instance belongs to one thread.
    """

    def __init__(self, manifest: Manifest, content: bytes) -> None:
        """Load a model.

        Args:
            manifest: What the file must be.
            content: The whole ``.tflite`` file.

        Raises:
            ModelError: If checksum, tensor names, shapes, dtypes or quantisation differ.
            UnavailableError: If no TFLite runtime is installed.
        """
        self.manifest = manifest
        digest = hashlib.sha256(content).hexdigest()
        if digest != manifest.sha256:
            raise ModelError(
                f"The model file {manifest.file} is corrupt or another version: its sha256 begins "
                f"{digest[:12]}, its manifest says {manifest.sha256[:12]}; fetch or reinstall it."
            )
        # One thread: two threads are slower on small int8 nets, and the board has other work.
        self._interpreter = _start(content, manifest)
        self._input_indices = self._check("input", manifest.inputs)
        self._output_indices = self._check("output", manifest.outputs)

    def _check(self, side: str, specs: tuple[TensorSpec, ...]) -> tuple[int, ...]:
        details = getattr(self._interpreter, f"get_{side}_details")()
        found = {detail["name"]: detail for detail in details}
        wanted = [spec.name for spec in specs]
        if set(found) != set(wanted):
            raise ModelError(
                f"The model {self.manifest.name} has {side}s {', '.join(sorted(found))}; "
                f"its manifest says {', '.join(wanted)}."
            )
        for spec in specs:
            self._check_tensor(spec, found[spec.name])
        return tuple(int(found[name]["index"]) for name in wanted)

    def _check_tensor(self, spec: TensorSpec, detail: dict[str, Any]) -> None:
        scale, zero_point = detail["quantization"]
        facts = (
            ("shape", tuple(int(size) for size in detail["shape"]), spec.shape),
            ("dtype", np.dtype(detail["dtype"]).name, spec.dtype),
            ("zero point", int(zero_point), spec.zero_point),
        )
        for what, is_now, wanted in facts:
            if is_now != wanted:
                raise ModelError(
                    f"Tensor {spec.name!r} of the model {self.manifest.name} has {what} {is_now}; "
                    f"its manifest says {wanted}."
                )
        if not np.isclose(scale, spec.scale, rtol=_SCALE_TOLERANCE, atol=0.0):
            raise ModelError(
                f"Tensor {spec.name!r} of the model {self.manifest.name} has scale {scale:.9g}; "
                f"its manifest says {spec.scale:.9g}."
            )

    def run(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return the raw outputs of one inference, in the manifest's order.

        Args:
            inputs: One array for each input of the manifest, of exactly its shape and dtype.

        Raises:
            ShapeError: If an input has another number, shape or dtype.
        """
        specs = self.manifest.inputs
        if len(inputs) != len(specs):
            raise ShapeError(f"{self.manifest.name} takes {len(specs)} inputs, not {len(inputs)}.")
        for array, spec, index in zip(inputs, specs, self._input_indices, strict=True):
            if array.shape != spec.shape or array.dtype != spec.dtype:
                raise ShapeError(
                    f"{self.manifest.name} takes {spec.dtype} of shape {spec.shape}, "
                    f"not {array.dtype} of shape {array.shape}."
                )
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(index) for index in self._output_indices)

    def run_real(self, *inputs: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """Return the outputs of one inference as real numbers, float32; as `run` otherwise."""
        outputs = self.run(*inputs)
        return tuple(
            dequantise(codes, spec)
            for codes, spec in zip(outputs, self.manifest.outputs, strict=True)
        )

    def logits(self, *inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return the class scores of one item divided by the temperature, shape (n_labels,)."""
        scores = self.run_real(*inputs)[0].reshape(-1).astype(np.float64)
        return np.asarray(scores / self.manifest.temperature, dtype=np.float64)

    def probabilities(self, *inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return calibrated class probabilities of one item, shape (n_labels,), sum 1."""
        return softmax(self.logits(*inputs))


def load_model(name: str) -> TfliteModel:
    """Load a shipped or fetched model by name, or a user's own by the path of its manifest.

    Raises:
        InputMissingError: If manifest or model file is not there.
        ManifestError: If the manifest is malformed.
        ModelError: If the file is not the one that the manifest describes.
        UnavailableError: If no TFLite runtime is installed.
    """
    manifest = find_manifest(name)
    return TfliteModel(manifest, read_model_file(manifest))


def _start(content: bytes, manifest: Manifest) -> Any:
    interpreter_class = _interpreter_class()
    try:
        with _quiet_stderr():
            interpreter = interpreter_class(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ModelError(f"The model {manifest.name} does not load: {reason}.") from None
    return interpreter


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError:
            raise UnavailableError(
                "No TFLite runtime is installed; install ai-edge-litert or tflite-runtime."
            ) from None
    return Interpreter


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Send descriptor 2 into memory: the runtime's C++ announces its delegates there."""
    with _STDERR_LOCK, contextlib.ExitStack() as stack:
        sys.stderr.flush()
        try:
            kept = os.dup(2)
        except OSError:
            # There is no descriptor 2 to keep quiet.
            yield
            return
        # Not /dev/null: inside the cage no file opens for writing.
        sink = os.memfd_create("quiet")
        stack.callback(os.close, sink)
        stack.callback(os.close, kept)
        stack.callback(os.dup2, kept, 2)
        os.dup2(sink, 2)
        yield
