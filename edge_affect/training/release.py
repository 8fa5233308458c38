"""What every model release does: convert, calibrate, measure, write the three files."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from edge_affect.evaluation.metrics import N_ECE_BINS, expected_calibration_error
from edge_affect.perception.interpreter import TfliteModel, softmax
from edge_affect.perception.manifest import Figure, Manifest, TrainingData, WindowSpec
from edge_affect.training.calibration import fit_temperature, negative_log_likelihood
from edge_affect.training.export import sha256_of, tensor_specs
from edge_affect.training.manifest_text import manifest_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.perception.acoustic import AcousticSettings
    from edge_affect.perception.expression_input import CropSettings

CARDS_DIR = Path(__file__).parent / "cards"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the temperature did on the development part.

    Attributes:
        temperature: The fitted one.
        n: Items it was fitted on.
        ece_before: Expected calibration error at temperature 1.
        ece_after: Expected calibration error at the fitted temperature.
        nll_before: Mean negative log-likelihood at temperature 1.
        nll_after: Mean negative log-likelihood at the fitted temperature.
    """

    temperature: float
    n: int
    ece_before: float
    ece_after: float
    nll_before: float
    nll_after: float


def calibrate(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> Calibration:
    """Fit the temperature on the logits of the int8 model, shape ``(n, n_classes)``."""
    temperature = round(fit_temperature(logits, truth), 4)
    return Calibration(
        temperature=temperature,
        n=int(truth.size),
        ece_before=expected_calibration_error(truth, softmax(logits), N_ECE_BINS),
        ece_after=expected_calibration_error(truth, softmax(logits, temperature), N_ECE_BINS),
        nll_before=negative_log_likelihood(logits, truth, 1.0),
        nll_after=negative_log_likelihood(logits, truth, temperature),
    )


def new_manifest(
    kind: str,
    version: str,
    content: bytes,
    labels: tuple[str, ...],
    front_end: AcousticSettings | CropSettings,
    training_data: tuple[TrainingData, ...],
) -> Manifest:
    """Return the manifest of a fresh model, neither calibrated nor measured; named by its kind."""
    inputs, outputs = tensor_specs(content)
    settings = asdict(front_end)
    window = None
    if "n_window" in settings:
        rate_hz = settings["sample_rate_hz"]
        window = WindowSpec(settings["n_window"] / rate_hz, settings["n_hop"] / rate_hz)
    return Manifest(
        path=Path(f"{kind}.toml"),
        name=kind,
        version=version,
        kind=kind,
        file=f"{kind}.tflite",
        sha256=sha256_of(content),
        weights_licence="Apache-2.0",
        inputs=inputs,
        outputs=outputs,
        labels=labels,
        preprocessing=settings,
        window=window,
        training_data=training_data,
    )


def calibrated(manifest: Manifest, content: bytes, temperature: float) -> TfliteModel:
    """Return the model with a temperature."""
    return TfliteModel(replace(manifest, temperature=temperature), content)


def manifest_figures(report: dict[str, Any], split: str) -> tuple[Figure, ...]:
    """Return the headline figures of a report from `classification_figures`."""
    figures = []
    for metric in ("accuracy", "uar", "macro_f1", "ece", "false_emotion_rate_on_neutral"):
        low, high = report.get(f"{metric}_interval", (None, None))
        figures.append(Figure(metric, report[metric], split, report["n"], low, high))
    return tuple(figures)


def write_release(out: Path, manifest: Manifest, content: bytes, values: dict[str, str]) -> None:
    """Write model, manifest and card.

    Args:
        out: Folder for the three files.
        manifest: Complete.
        content: The model file.
        values: For the placeholders of the card ``cards/NAME.md``.
    """
    card = Template((CARDS_DIR / f"{manifest.name}.md").read_text(encoding="utf-8"))
    text = card.substitute(values)
    (out / manifest.file).write_bytes(content)
    (out / f"{manifest.name}.toml").write_text(manifest_text(manifest), encoding="utf-8")
    (out / f"{manifest.name}.md").write_text(text, encoding="utf-8")
    print(f"wrote {out / manifest.name}.{{tflite,toml,md}}", flush=True)


def figures_table(rows: list[tuple[str, dict[str, Any]]]) -> str:
    """Return a Markdown table of headline figures, one row for each named report."""
    lines = [
        "| measured on | n | accuracy | UAR | macro-F1 | ECE | false emotion on neutral |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, report in rows:
        lines.append(
            f"| {name} | {report['n']} | {_percent(report, 'accuracy')} "
            f"| {_percent(report, 'uar')} | {100 * report['macro_f1']:.1f} % "
            f"| {report['ece']:.3f} | {100 * report['false_emotion_rate_on_neutral']:.1f} % |"
        )
    return "\n".join(lines)


def _percent(report: dict[str, Any], metric: str) -> str:
    low, high = report[f"{metric}_interval"]
    return f"{100 * report[metric]:.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def confusion_table(report: dict[str, Any]) -> str:
    """Return the confusion matrix as a Markdown table; rows are the truth."""
    labels = report["confusion_matrix"]["labels"]
    lines = [
        "| truth \\ answer | " + " | ".join(labels) + " | recall |",
        "|---" * (len(labels) + 2) + "|",
    ]
    for label, row in zip(labels, report["confusion_matrix"]["rows_are_truth"], strict=True):
        recall = report["per_class_recall"][label]
        shown = "-" if recall is None else f"{100 * recall:.0f} %"
        lines.append(f"| {label} | " + " | ".join(str(count) for count in row) + f" | {shown} |")
    return "\n".join(lines)


def calibration_text(calibration: Calibration, before: float, after: float, n: int) -> str:
    """Return the sentence of the card about calibration."""
    text = (
        f"Temperature {calibration.temperature:.3f}, fitted on the int8 model's logits for "
        f"{calibration.n} development items (ECE there {calibration.ece_before:.3f} before and "
        f"{calibration.ece_after:.3f} after). On the {n} reported items the ECE is {before:.3f} at "
        f"temperature 1 and {after:.3f} as shipped, over {N_ECE_BINS} bins of equal width."
    )
    return textwrap.fill(text, width=100)
