"""Confidence that fits accuracy: one temperature, and how far off it is still (expected calibration error)."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.evaluate.intervals import wilson

BINS = 15  # of equal width, as Guo et al. 2017


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(..., C) logits -> (..., C) float64 probabilities that sum to 1."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    return powers / powers.sum(axis=-1, keepdims=True)


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The one number, 0.1 to 10, that logits are divided by so that confidence fits accuracy (Guo et al. 2017).

    The negative log-likelihood of (N, C) logits is convex in 1/T: golden-section search over log T finds its minimum.
    """
    rows = np.arange(len(labels))

    def loss(log_t: float) -> float:
        return float(-np.log(softmax(logits, float(np.exp(log_t)))[rows, labels] + 1e-300).mean())

    low, high, golden = np.log(0.1), np.log(10.0), (5**0.5 - 1) / 2
    while high - low > 1e-4:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return float(np.exp((low + high) / 2))


def bins(confidence: np.ndarray) -> np.ndarray:
    """(N,) confidences, 0..1 -> (N,) number of the bin, 0..BINS-1, that each falls into; a bin holds its upper end."""
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """The reliability diagram of (N,) confidences and whether each was right: a row for each bin that holds a picture.

    `low` and `high` are the bin's ends, `confidence` and `accuracy` the means in it, `interval` that of the accuracy
    (Wilson, 95 %). The expected calibration error is the mean |confidence - accuracy| over the pictures (Guo et al. 2017).
    """
    at, rows = bins(confidence), []
    for one in np.unique(at):
        there = at == one
        hits, total = int(right[there].sum()), int(there.sum())
        rows.append({
            "low": one / BINS, "high": (one + 1) / BINS, "images": total, "confidence": float(confidence[there].mean()),
            "accuracy": hits / total, "interval": list(wilson(hits, total)),
        })  # fmt: skip
    return rows
