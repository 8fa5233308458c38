"""The temperature that makes probabilities honest, fitted where nothing was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from edge_affect.perception.interpreter import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray


def negative_log_likelihood(
    logits: NDArray[np.float64], truth: NDArray[np.int64], temperature: float
) -> float:
    """Return the mean negative log-likelihood at a temperature."""
    probabilities = softmax(logits, temperature)
    chosen = probabilities[np.arange(truth.size), truth]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def fit_temperature(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Return the temperature of least negative log-likelihood, in [0.05, 20] (Guo et al., 2017).

    Args:
        logits: Of the int8 model as shipped, shape ``(n, n_classes)``.
        truth: Shape ``(n,)``.
    """
    result = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, truth, float(np.exp(log_t))),
        bounds=(np.log(0.05), np.log(20.0)),
        method="bounded",
    )
    return float(np.exp(result.x))
