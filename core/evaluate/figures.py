"""The figures of one model on one part, each with its interval.

Every figure is computed from weights, one a picture: all ones give the figure itself, a resample of the pictures one more
value of it, so that figure and interval cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import BadInput
from core.evaluate.calibration import BINS, bins, reliability
from core.evaluate.intervals import around, draws, wilson

TOP = 5  # classes that a picture's own has to be among
STEPS = 50  # thresholds, from 0 to 1, at which is told how many pictures get an answer and how many of these are right


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said of N pictures, as far as the figures need it: a few numbers each, however many the classes."""

    labels: np.ndarray  # (N,) int, 0..C-1, or -1 for a picture of none of the classes (a distractor)
    guess: np.ndarray  # (N,) int, 0..C-1
    confidence: np.ndarray  # (N,) float, the probability of the guess, 0..1
    truth: np.ndarray  # (N,) float, the probability of the true class; 0 for a distractor
    rank: np.ndarray  # (N,) int, how many classes it held likelier than the true one; C for a distractor

    @classmethod
    def of(cls, labels: np.ndarray, probabilities: np.ndarray) -> Answers:
        """From (N,) labels and (N, C) probabilities."""
        own = labels >= 0
        truth = np.where(own, probabilities[np.arange(len(labels)), np.maximum(labels, 0)], 0.0)
        rank = np.where(own, (probabilities > truth[:, None]).sum(axis=1), probabilities.shape[1])
        return cls(labels, probabilities.argmax(axis=1), probabilities.max(axis=1), truth, rank)

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    @property
    def right(self) -> np.ndarray:
        """(N,) bool."""
        return self.guess == self.labels

    def some(self, which: np.ndarray) -> Answers:
        """Those that the (N,) bool mask takes."""
        return Answers(*(getattr(self, name)[which] for name in self.__slots__))


def score(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """`scored`, from (N,) labels and (N, C) probabilities in the order of `classes`. Raises BadInput as it does."""
    if len(labels) != len(probabilities):
        raise BadInput(f"{len(labels)} labels do not fit {len(probabilities)} predictions: one for each was wanted.")
    return scored(Answers.of(labels, probabilities), classes)


def scored(
    answers: Answers, classes: Sequence[str], photos: np.ndarray | None = None, sources: Sequence[str] = ()
) -> dict[str, Any]:
    """The figures of one model on one part.

    `photos` is (N,), which photo each picture shows (near-duplicates show one; default: each its own), `sources` where each
    came from. A distractor counts for `gap` alone. Returns `accuracy` with `accuracy_interval` (Wilson), `top5`,
    `balanced_accuracy` (mean recall of the classes that have pictures), precision, recall and F1 as `macro_...` (mean over
    the classes that are there or named) and `weighted_...` (by support), `log_loss` (nats), `ece` (expected calibration
    error), `gap`; `intervals` {figure: (low, high)} by bootstrap; `per_class` {label: precision, recall, f1, support and
    the Wilson intervals}; `per_source`; `confusion` (C x C counts, a row per true class); `reliability`; `thresholds`.
    All intervals are of 95 %. What would divide by zero is 0. Raises BadInput where no picture has a class.
    """
    own = answers.some(answers.labels >= 0)
    if not len(own.labels):
        raise BadInput("There is no picture to evaluate: the part is empty.")
    photos = np.arange(len(answers.labels)) if photos is None else np.unique(photos, return_inverse=True)[1]
    point = {name: float(each[0]) for name, each in _measured(answers, np.ones((1, len(photos))), len(classes)).items()}
    drawn = [_measured(answers, weights, len(classes)) for weights in draws(photos)]
    right, total, count = int(own.right.sum()), len(own.labels), len(classes)
    confusion = np.bincount(own.labels * count + own.guess, minlength=count * count).reshape(count, count)
    return {
        **point,
        "accuracy_interval": list(wilson(right, total)),
        "intervals": {
            name: list(around(figure, np.concatenate([each[name] for each in drawn]), np.inf if name == "log_loss" else 1))
            for name, figure in point.items()
        },
        "per_class": _per_class(confusion, classes),
        "per_source": _per_source(answers, sources),
        "confusion": confusion.tolist(),
        "reliability": reliability(own.confidence, own.right),
        "thresholds": _thresholds(own),
    }  # fmt: skip


def f_scores(confusion: np.ndarray) -> np.ndarray:
    """(C, C) counts, rows = true -> (C,) F1, 0 for a class that is neither there nor guessed."""
    return 2 * confusion.diagonal() / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)


def gap(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Global average precision (Google Landmarks, Weyand et al. 2020): 1/M sum over all pictures, surest first, of
    precision so far where right. M counts the pictures that have a class; -1 marks the distractors."""
    answers = Answers.of(labels, probabilities)
    return float(_gap(answers, np.ones((1, len(labels))))[0])


def gaps(answers: Answers, photos: np.ndarray) -> tuple[float, list[float]]:
    """`gap`, and its 95 % interval by bootstrap; `photos` as of `scored`."""
    point = float(_gap(answers, np.ones((1, len(answers.labels))))[0])
    return point, list(around(point, np.concatenate([_gap(answers, weights) for weights in draws(photos)])))


def _gap(answers: Answers, weights: np.ndarray) -> np.ndarray:
    """(b, N) weights -> (b,)."""
    order = np.argsort(-answers.confidence, kind="stable")
    drawn, right = weights[:, order], answers.right[order]
    precision = np.cumsum(drawn * right, axis=1) / np.maximum(np.cumsum(drawn, axis=1), 1)
    return (precision * drawn * right).sum(axis=1) / np.maximum(weights[:, answers.labels >= 0].sum(axis=1), 1)


def _measured(answers: Answers, weights: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Every figure for each row of the (b, N) weights: {figure: (b,)}; nan where a resample holds no picture of a class."""
    own = answers.labels >= 0
    a, w = answers.some(own), weights[:, own]
    total = w.sum(axis=1)
    right = a.right

    def by(index: np.ndarray, of: np.ndarray | float = 1.0, count: int = count) -> np.ndarray:
        return np.stack([np.bincount(index, row * of, count) for row in w])  # (b, count)

    def mean(of: np.ndarray) -> np.ndarray:
        return (w @ of) / np.where(total > 0, total, np.nan)

    support, guessed, hits = by(a.labels), by(a.guess), by(a.labels, right)
    each = {
        "precision": hits / np.maximum(guessed, 1), "recall": hits / np.maximum(support, 1),
        "f1": 2 * hits / np.maximum(support + guessed, 1),
    }  # fmt: skip
    met, there = support + guessed > 0, support > 0
    at = bins(a.confidence)
    off = np.abs(by(at, a.confidence, BINS) - by(at, right, BINS)).sum(axis=1)
    return {
        "accuracy": mean(right.astype(float)),
        "top5": mean((a.rank < TOP).astype(float)),
        "balanced_accuracy": (each["recall"] * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1),
        **{f"macro_{name}": (value * met).sum(axis=1) / np.maximum(met.sum(axis=1), 1) for name, value in each.items()},
        **{f"weighted_{name}": (value * support).sum(axis=1) / np.maximum(total, 1) for name, value in each.items()},
        "log_loss": mean(-np.log(np.maximum(a.truth, np.finfo(np.float64).eps))),
        "ece": off / np.maximum(total, 1),
        "gap": _gap(answers, weights),
    }


def _per_class(table: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`table` is the confusion, (C, C)."""
    hits, support, guessed, f1 = table.diagonal(), table.sum(axis=1), table.sum(axis=0), f_scores(table)
    return {
        label: {
            "precision": float(h / max(g, 1)), "recall": float(h / max(s, 1)), "f1": float(f), "support": int(s),
            "guessed": int(g), "precision_interval": list(wilson(int(h), int(g))), "recall_interval": list(wilson(int(h), int(s))),
        }
        for label, h, s, g, f in zip(classes, hits, support, guessed, f1, strict=True)
    }  # fmt: skip


def _per_source(answers: Answers, sources: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """{source: {images, accuracy, interval}} of the pictures that have a class, the source with the most first."""
    found: dict[str, list[bool]] = {}
    for source, label, right in zip(sources, answers.labels, answers.right, strict=False):
        if label >= 0:
            found.setdefault(source, []).append(bool(right))
    return {
        source: {"images": len(of), "accuracy": sum(of) / len(of), "interval": list(wilson(sum(of), len(of)))}
        for source, of in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    }


def _thresholds(own: Answers) -> list[dict[str, float]]:
    """Where only answers of at least a confidence count: the share of pictures that get one, and how many are right."""
    order = np.argsort(own.confidence)
    confidence, hits = own.confidence[order], np.append(np.cumsum(own.right[order][::-1])[::-1], 0)
    rows = []
    for threshold in np.linspace(0, 1, STEPS + 1):
        first = int(np.searchsorted(confidence, threshold))
        answered = len(confidence) - first
        if answered:
            rows.append({"threshold": float(threshold), "answered": answered / len(confidence), "accuracy": float(hits[first] / answered)})  # fmt: skip
    return rows
