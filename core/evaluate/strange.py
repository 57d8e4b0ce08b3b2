"""When a picture is called "none of these": how unlike the validation pictures it is to all models together.

A model's own measure is the energy of its logits, -log sum exp (Liu et al. 2020): it is low where some class draws the
picture strongly, and high where none does. Against probabilities it has the advantage that they sum to 1 whatever is shown;
against distances of vectors, that every model can tell it, an exported one too (measured: tests/bench/README.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.evaluate.intervals import around, draws, wilson
from core.model import FALSE_ALARMS

STEPS = 100  # between the least and the most strange validation picture, in which strangeness is told


def energy(logits: np.ndarray) -> np.ndarray:
    """(..., C) logits -> (...,) float64; larger is stranger."""
    top = logits.max(axis=-1, keepdims=True).astype(np.float64)
    return -(top[..., 0] + np.log(np.exp(logits - top).sum(axis=-1)))


class Strange:
    """How strange a picture is to models together, and from where on it is "none of these". Learned on validation alone.

    Each model's energy in standard deviations of its validation pictures, and of that the mean over the models.
    """

    def __init__(self, energies: np.ndarray) -> None:
        """`energies` are (M, V), of the validation pictures to each model."""
        self.mean = energies.mean(axis=1) if energies.size else np.zeros(len(energies))
        spread = energies.std(axis=1) if energies.size else np.ones(len(energies))
        self.deviation = np.where(spread > 1e-9, spread, 1.0)
        validation = np.sort(self.together(energies))
        self.limit = limit(validation)
        self.steps = np.quantile(validation, np.linspace(0, 1, STEPS + 1)) if len(validation) else np.zeros(STEPS + 1)

    def together(self, energies: np.ndarray) -> np.ndarray:
        """(M, N) -> (N,); larger is stranger, and above `limit` it is "none of these"."""
        return ((energies - self.mean[:, None]) / self.deviation[:, None]).mean(axis=0)

    def share(self, together: np.ndarray) -> np.ndarray:
        """The same as the share of the validation pictures that are less strange, 0..1."""
        return np.interp(together, self.steps, np.linspace(0, 1, STEPS + 1))


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
