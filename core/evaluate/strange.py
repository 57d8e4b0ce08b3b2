"""When a picture is called "none of these": how unlike the training pictures it is to all models together.

A model's own measure is how far its vector (what it sees before its last layer, with length one) lies from the nearest class
mean of its training pictures, in standard deviations of their spread around those means: the Mahalanobis distance (Lee et
al. 2018; of unit vectors, Mueller and Hein 2025, "Mahalanobis++"). Of a run whose training pictures were not looked at yet it
is the energy of the logits, -log sum exp (Liu et al. 2020), and that is said. Measured: tests/bench/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluate.intervals import around, draws, wilson

if TYPE_CHECKING:
    from core.checkpoint import Model

FALSE_ALARMS = 0.05  # share of the pictures that belong, and are called "none of these" nevertheless
STEPS = 100  # between the least and the most strange validation picture, in which strangeness is told
BLOCK = 4096  # training pictures looked at together
RIDGE = 1e-2  # of the mean variance, added to each: a direction in which nothing varies must not decide alone


@dataclass(frozen=True, slots=True)
class Familiar:
    """Where a network has its training pictures, in directions in which they vary alike."""

    whitening: np.ndarray  # (D, D) float32
    means: np.ndarray  # (C, D) float32, of each class that has pictures, whitened
    validation: np.ndarray  # (V,) float32, the distances of the validation pictures

    def distance(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) float32 of length one -> (N,) float64, from the nearest class mean."""
        seen, means = (vectors @ self.whitening).astype(np.float64), self.means.astype(np.float64)
        squares = (seen**2).sum(axis=1)[:, None] - 2 * seen @ means.T + (means**2).sum(axis=1)
        return np.sqrt(np.maximum(squares.min(axis=1), 0))


def learn(vectors: np.ndarray, labels: np.ndarray, validation: np.ndarray) -> Familiar:
    """From (N, D) vectors and (N,) labels of training pictures, and the (V, D) vectors of validation."""
    classes, at, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means, spread = np.zeros((len(classes), vectors.shape[1])), np.zeros((vectors.shape[1],) * 2)
    for start in range(0, len(vectors), BLOCK):
        np.add.at(means, at[start : start + BLOCK], vectors[start : start + BLOCK].astype(np.float64))
    means /= counts[:, None]
    for start in range(0, len(vectors), BLOCK):
        away = (vectors[start : start + BLOCK] - means[at[start : start + BLOCK]]).astype(np.float32)
        spread += away.T @ away
    spread /= max(len(vectors) - len(classes), 1)
    variances, directions = np.linalg.eigh(spread)
    floor = RIDGE * max(float(variances.mean()), 1e-12)
    whitening = (directions / np.sqrt(np.maximum(variances, 0) + floor)).astype(np.float32)
    found = Familiar(whitening, (means @ whitening).astype(np.float32), np.empty(0, np.float32))
    return Familiar(whitening, found.means, found.distance(validation.astype(np.float32)).astype(np.float32))


def energy(logits: np.ndarray) -> np.ndarray:
    """(..., C) logits -> (...,) float64; larger is stranger."""
    top = logits.max(axis=-1, keepdims=True).astype(np.float64)
    return -(top[..., 0] + np.log(np.exp(logits - top).sum(axis=-1)))


class Strange:
    """How strange a picture is to models together, and from where on it is "none of these". Learned on validation alone.

    Each model's measure in standard deviations of its validation pictures, and of that the mean over the models.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        """The models share their validation pictures."""
        every = list(models.values())
        measured = [energy(one.val_logits) if one.familiar is None else one.familiar.validation for one in every]
        self.by_logits = tuple(name for name, one in models.items() if one.familiar is None)
        validation = np.stack(measured).astype(np.float64)  # (M, V)
        self.mean = validation.mean(axis=1) if validation.size else np.zeros(len(every))
        spread = validation.std(axis=1) if validation.size else np.ones(len(every))
        self.deviation = np.where(spread > 1e-9, spread, 1.0)
        together = np.sort(self.together(validation))
        self.limit = limit(together)
        self.steps = np.quantile(together, np.linspace(0, 1, STEPS + 1)) if len(together) else np.zeros(STEPS + 1)

    def together(self, measured: np.ndarray) -> np.ndarray:
        """(M, N) -> (N,); larger is stranger, and above `limit` it is "none of these"."""
        return ((measured - self.mean[:, None]) / self.deviation[:, None]).mean(axis=0)

    def why(self, together: float) -> str:
        """In words, of one picture."""
        share = f"{self.share(together):.0%} of the" if together < self.steps[-1] else "all"
        than = f"It is stranger to the models than {share} validation pictures."
        rule = f" Of the pictures that belong, {100 * FALSE_ALARMS:.0f} of 100 are called none of these, too."
        one = len(self.by_logits) == 1
        looked = (
            f" {' and '.join(self.by_logits)} {'is' if one else 'are'} judged by the logits alone, as nobody looked at the "
            f"pictures that {'it' if one else 'they'} learned from: evaluate {'it' if one else 'them'} once."
        )
        return than + (rule if together > self.limit else "") + (looked if self.by_logits else "")

    def share(self, together: np.ndarray | float) -> np.ndarray:
        """The same as the share of the validation pictures that are less strange, 0..1."""
        return np.asarray(np.interp(together, self.steps, np.linspace(0, 1, STEPS + 1)))


def limit(validation: np.ndarray) -> float:
    """From (V,) sorted values of pictures that belong: what at most FALSE_ALARMS of further ones exceed (Vovk et al. 2005, of
    conformal prediction), half way to the next value so that no picture lies on it. Of too few pictures for that rate, a
    little above all of them; of none at all infinity: then nothing is strange."""
    count = len(validation)
    if not count:
        return float("inf")
    place = int(np.ceil((count + 1) * (1 - FALSE_ALARMS)))  # so many values have to lie below
    if place < count:
        return float(validation[place - 1 : place + 1].mean())
    return float(validation[-1] + (validation[-1] - validation[0]) / (2 * count))


def caught(own: np.ndarray, others: np.ndarray, limit: float, photos: np.ndarray) -> dict[str, Any]:
    """How well the rule tells (N,) values of pictures that belong from (D,) values of others; `photos` is (N + D,).

    `auroc` is the chance that one of the others is stranger than one that belongs (.5 = by chance, 1 = always; Hanley and
    McNeil 1982), `interval` its 95 % interval by bootstrap; `false_alarms` and `caught` the shares above the limit, each
    with Wilson's `..._interval`.
    """
    values, other = np.concatenate([own, others]), np.arange(len(own) + len(others)) >= len(own)
    point = float(auroc(values, other, np.ones((1, len(values))))[0])
    drawn = np.concatenate([auroc(values, other, weights) for weights in draws(photos)])
    alarms, right = int((own > limit).sum()), int((others > limit).sum())
    return {
        "auroc": point, "auroc_interval": list(around(point, drawn)),
        "false_alarms": alarms / len(own), "false_alarms_interval": list(wilson(alarms, len(own))),
        "caught": right / len(others), "caught_interval": list(wilson(right, len(others))),
    }  # fmt: skip


def auroc(values: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(N,) values, (N,) bool, (b, N) weights -> (b,): the area under the curve, a tie counting half; nan where a resample
    holds none of one kind."""
    _, at = np.unique(values, return_inverse=True)
    order = np.argsort(at, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(at[order]) > 0])
    belong, others = (np.add.reduceat((weights * kind)[:, order], starts, axis=1) for kind in (~other, other))
    below = np.cumsum(belong, axis=1) - belong / 2
    total = belong.sum(axis=1) * others.sum(axis=1)
    return (others * below).sum(axis=1) / np.where(total > 0, total, np.nan)


def exported(strange: Strange) -> Mapping[str, Any]:
    """What `predict.py` needs of it."""
    return {
        "mean": strange.mean.tolist(), "deviation": strange.deviation.tolist(), "limit": strange.limit if np.isfinite(strange.limit) else None,
        "steps": strange.steps.tolist(), "false_alarms": FALSE_ALARMS,
    }  # fmt: skip
