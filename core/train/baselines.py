"""Heads that are solved at once on what a frozen network sees: what a training has to be better than.

kNN and the nearest class mean tell what a few pictures a class can do; logistic regression what the network's features
can do without learning anything new.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluate import softmax

if TYPE_CHECKING:
    from core.train.training import Training

SHARPNESS = 30.0  # logits of cosines are stretched to where a temperature of 0.1 to 10 can calibrate them
PENALTIES = (0.01, 0.1, 1.0, 10.0)  # scikit-learn's C, tried on validation


def solve(training: Training) -> Iterator[dict[str, Any]]:
    """Compute the head of the training's recipe; yields one row, as of an epoch."""
    import torch

    start = time.perf_counter()
    train, labels = np.asarray(training.inputs[0]), np.asarray(training.train.labels)
    fill = {"logistic": _logistic, "nearest-mean": _nearest_mean, "knn": _neighbours}[training.recipe.head]
    state = fill(training, train, labels)
    training.net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    training.net.to(training.device)
    seconds = time.perf_counter() - start
    out = training.logits(training.net.eval(), train)
    loss = -np.log(softmax(out)[np.arange(len(labels)), labels] + 1e-300).mean()
    accuracy = (out.argmax(axis=1) == labels).mean()
    yield training.solved({
        "loss": float(loss), "accuracy": float(accuracy), "images_per_second": len(labels) / seconds, "seconds": seconds,
    })  # fmt: skip


def _logistic(training: Training, train: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Logistic regression on standardised features; how strongly it is held back is chosen on validation."""
    from sklearn.linear_model import LogisticRegression

    recipe, val, val_labels = training.recipe, np.asarray(training.inputs[1]), np.asarray(training.val.labels)
    mean, std = train.mean(axis=0), train.std(axis=0) + 1e-6
    best, chosen = np.inf, None
    balance = "balanced" if recipe.balance != "none" else None
    for penalty in PENALTIES:
        model = LogisticRegression(C=penalty / train.shape[1], max_iter=1000, class_weight=balance)
        model.fit((train - mean) / std, labels)
        chance = model.predict_proba((val - mean) / std)[np.arange(len(val)), val_labels]
        loss = -np.log(chance + 1e-300).mean()
        if loss < best:
            best, chosen = loss, model
    assert chosen is not None
    weight, bias = chosen.coef_, chosen.intercept_
    if len(weight) == 1:  # of two classes scikit-learn keeps the difference alone
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / std  # standardising is a part of the layer
    return {
        "logits.weight": weight.astype(np.float32),
        "logits.bias": (bias - weight @ mean).astype(np.float32),
    }


def _nearest_mean(training: Training, train: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """-|x - m|^2 up to what all classes share: 2 m x - |m|^2, a linear layer (Snell et al. 2017, eq. 8)."""
    unit = _unit(train)
    means = np.stack([unit[labels == i].mean(axis=0) for i in range(len(training.classes))])
    return {
        "logits.weight": (SHARPNESS * 2 * means).astype(np.float32),
        "logits.bias": (-SHARPNESS * (means**2).sum(axis=1)).astype(np.float32),
    }


def _neighbours(_training: Training, train: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    return {"logits.vectors": _unit(train), "logits.labels": labels.astype(np.int64)}


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)
