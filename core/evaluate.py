"""How good a model is: logits, calibration, scores with intervals, and the ensemble of several models.

All that is learned here (temperature, the priority table, the threshold of "none of these") is learned on the
validation part, never on test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.device import out_of_memory
from core.errors import BadInput

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.checkpoint import Model

PIECE = 128 * 128**2  # pixels of the pictures that a CPU looks at at once, and never more than 128 pictures
KNOWN_SHARE = 0.95  # of the validation pictures count as one of the classes


def logits(
    net: nn.Module, pixels: np.ndarray, mean: Sequence[float], std: Sequence[float], device: torch.device,
    dtype: torch.dtype | None = None,
) -> np.ndarray:  # fmt: skip
    """(N, S, S, 3) uint8 -> (N, C) float32, 128 pictures at a time, on a CPU fewer of large ones, and half as many
    where memory does not suffice: it does not grow with N, and little with S.

    `net` has to be in evaluation mode; `dtype` is what autocast computes in, None for that of the net's weights.
    """
    import torch

    from core.pixels import tensor

    own, batch = next(net.parameters()).dtype, 128
    if device.type == "cpu":  # 128 of 224 px would hold a gigabyte more
        batch = max(1, min(batch, PIECE // (pixels.shape[1] * pixels.shape[2])))
    out, start = [], 0
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype is not None):
        while start < len(pixels):
            try:
                x = tensor(np.array(pixels[start : start + batch]), mean, std, device)
                out.append(net(x.to(own)).float().cpu().numpy())
            except RuntimeError as error:
                if batch == 1 or not out_of_memory(error):
                    raise
                batch //= 2
            else:
                start += batch
    return np.concatenate(out) if out else np.empty((0, 0), np.float32)


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


def score(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """The figures of one model on one part.

    `labels` is (N,) with values in 0..C-1, or -1 for a picture of none of the classes (a distractor: it counts for
    `gap` alone). `probabilities` is (N, C), in the order of `classes`. Returns `accuracy`, `accuracy_interval` (Wilson,
    95 %), `macro_f1` (mean over all classes), `weighted_f1` (by support), `gap`, `per_class` {label: {precision, recall,
    f1, support}} and `confusion` (C x C counts, a row per true class). What would divide by zero is 0.
    """
    if len(labels) != len(probabilities):
        raise BadInput(f"{len(labels)} labels do not fit {len(probabilities)} predictions: one for each was wanted.")
    own = labels >= 0
    if not own.any():
        raise BadInput("There is no picture to evaluate: the part is empty.")
    truth, guess, count = labels[own], probabilities[own].argmax(axis=1), len(classes)
    confusion = np.bincount(truth * count + guess, minlength=count * count).reshape(count, count)
    hits, support, guessed = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall, f1 = hits / np.maximum(guessed, 1), hits / np.maximum(support, 1), f_scores(confusion)
    right, total = int(hits.sum()), int(support.sum())
    return {
        "accuracy": right / total,
        "accuracy_interval": list(wilson(right, total)),
        "macro_f1": float(f1.mean()),
        "weighted_f1": float((f1 * support).sum() / total),
        "gap": gap(labels, probabilities),
        "per_class": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for label, p, r, f, s in zip(classes, precision, recall, f1, support, strict=True)
        },
        "confusion": confusion.tolist(),
    }


def f_scores(confusion: np.ndarray) -> np.ndarray:
    """(C, C) counts, rows = true -> (C,) F1, 0 for a class that is neither there nor guessed."""
    return 2 * confusion.diagonal() / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), within 0..1."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.959963984540054, right / total
    middle = share + z * z / (2 * total)
    half = z * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    scale = 1 + z * z / total
    return max(0.0, min(share, (middle - half) / scale)), min(1.0, max(share, (middle + half) / scale))  # rounding


def gap(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Global average precision (Google Landmarks, Weyand et al. 2020): 1/M sum over all pictures, surest first, of
    precision so far where right. M counts the pictures that have a class; -1 marks the distractors."""
    guess, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (guess == labels)[order]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return float((precision * right).sum() / max(int((labels >= 0).sum()), 1))


class Ensemble:
    """What several models say together, and when they say "none of these". Learned on validation alone.

    `average` is the mean of the calibrated probabilities. `priority` lets one model speak for each picture: each model
    names a class, and of those pairs the one with the highest F1 of that model for that class on validation wins (a tie
    goes to the model with the higher validation accuracy, then to the first). With one model both equal it.
    A picture is "known" where the top probability reaches the threshold that 95 % of the validation pictures reach.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        """Raises BadInput where the models are none, or do not share classes and validation pictures."""
        if not models:
            raise BadInput("There is no trained model yet: train one first.")
        self.names = tuple(models)
        members = list(models.values())
        first = members[0]
        for name, model in models.items():
            if model.classes != first.classes:
                raise BadInput(
                    f"{name} and {self.names[0]} were trained on different classes: choose runs of one split."
                )
            if not np.array_equal(model.val_labels, first.val_labels):
                if model.split == first.split:
                    raise BadInput(
                        f"{name} and {self.names[0]} were validated on different pictures, as some could not be read when"
                        " one of them was trained: choose one of them, or train it again."
                    )
                raise BadInput(f"{name} and {self.names[0]} come from different splits: choose runs of one split.")
        validation = np.stack([softmax(m.val_logits, m.temperature) for m in members])  # (M, N, C)
        count = len(first.classes)
        tables = [
            np.bincount(first.val_labels * count + p.argmax(axis=1), minlength=count * count).reshape(count, count)
            for p in validation
        ]
        self.f1 = np.stack([f_scores(table) for table in tables])  # (M, C)
        self._order = np.argsort([-table.trace() for table in tables], kind="stable")
        self.thresholds = {
            name: float(np.quantile(p.max(axis=1), 1 - KNOWN_SHARE, method="lower")) if len(p) else 0.0
            for name, p in self.combine(validation).items()
        }

    def combine(self, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        """(M, N, C) calibrated probabilities, in the order of the models -> {ensemble: (N, C)}."""
        guess = probabilities.argmax(axis=2)  # (M, N)
        trust = np.take_along_axis(self.f1, guess, axis=1)[self._order]  # (M, N), the generally better model first
        speaker = self._order[trust.argmax(axis=0)]  # (N,); argmax takes the first of equals
        return {
            "average": probabilities.mean(axis=0),
            "priority": probabilities[speaker, np.arange(probabilities.shape[1])],
        }


def said(models: Mapping[str, Model], pixels: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
    """What each model and both ensembles say of N pictures: {name: (N, C) calibrated probabilities}.

    `pixels` holds, for each size that a model sees, the same N pictures as (N, S, S, 3) uint8. Raises BadInput as
    `Ensemble` does.
    """
    ensemble = Ensemble(models)
    members = np.stack([model.probabilities(pixels[model.size]) for model in models.values()])  # (M, N, C)
    return {**dict(zip(models, members, strict=True)), **ensemble.combine(members)}
