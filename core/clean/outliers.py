"""How strange each picture is among those of its class.

Two distances are averaged, because each is blind where the other sees. From the middle of the class, in a space only
slightly whitened: a stranger of another kind is far. To the nearest of the class, in whitened space: a picture of a
sister class is near the middle and has no neighbours. Full whitening (Mahalanobis) hides a small heap of strangers
alike, for it takes them as the spread of the class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from core.clean.classes import BLOCK, blocks, rounder, totals

if TYPE_CHECKING:
    from core.clean.classes import Floats, Whole

LIMIT = 1.5  # strange from here: as far beyond the ninth decile of the class as half the way from its median to it
SHRINKAGE = 0.95
TRUSTED = 0.8  # of a class, the nearest to its middle, decide what it looks like
NEIGHBOURS = (0.2, 10, 100)  # the share of its class a picture is compared with, at least and at most so many
BANK = 4_000  # pictures of one class that neighbours are looked for among
PRIOR = 20  # pictures' worth of the common spread in the spread of a class: small classes have no ninth decile


def strangeness(rows: Floats, white: Floats, classes: Whole, copies: Whole) -> np.ndarray:
    """(N, d) principal components, plain and whitened -> (N,): 0 is the median of a class, 1 its ninth decile."""
    return (_scaled(_from_middle(rows, classes), classes) + _scaled(_alone(white, classes, copies), classes)) / 2


def _from_middle(rows: Floats, classes: Whole) -> np.ndarray:
    """(N,) distance from the middle of the class, which is taken, as the spread is, without its outer fifth."""
    trusted = np.ones(len(rows), bool)
    distance = np.zeros(len(rows))
    for _ in range(2):
        apart, spread = _apart(rows, classes, trusted), np.zeros((rows.shape[1],) * 2)
        for some in blocks(np.flatnonzero(trusted)):
            part = apart(some)
            spread += part.T @ part
        inverse = np.linalg.inv(rounder(spread / trusted.sum(), SHRINKAGE)).astype(np.float32)
        for some in blocks(np.arange(len(rows))):
            part = apart(some)
            distance[some] = np.sqrt(np.einsum("ij,ij->i", part @ inverse, part).clip(0))
        for c in range(int(classes.max()) + 1):
            members = np.flatnonzero(classes == c)
            order = members[np.argsort(distance[members], kind="stable")]
            trusted[members] = False
            trusted[order[: int(np.ceil(TRUSTED * len(members)))]] = True
    return distance


def _apart(rows: Floats, classes: Whole, trusted: np.ndarray) -> Callable[[Whole], Floats]:
    """A function of (B,) rows that gives (B, d): how they differ from the mean of their class's trusted ones."""
    inside, count = np.flatnonzero(trusted), int(classes.max()) + 1
    sizes = np.bincount(classes[inside], minlength=count)
    middles = (totals(rows, inside, classes, count) / sizes[:, None]).astype(np.float32)
    # its own share in the middle taken out, else a picture of a small class lies nearer than it does
    larger = np.where(trusted, (sizes / np.maximum(sizes - 1, 1))[classes], 1).astype(np.float32)
    return lambda some: (rows[some] - middles[classes[some]]) * larger[some, None]


def _alone(white: Floats, classes: Whole, copies: Whole) -> np.ndarray:
    """(N,) mean distance (1 - cosine) to the nearest of the same class, copies of itself aside."""
    share, least, most = NEIGHBOURS
    distance = np.zeros(len(white))
    for c in range(int(classes.max()) + 1):
        members = np.flatnonzero(classes == c)
        bank = members[np.linspace(0, len(members) - 1, min(len(members), BANK)).astype(np.int64)]
        k = int(np.clip(share * len(bank), least, most))
        for start in range(0, len(members), BLOCK):
            some = members[start : start + BLOCK]
            far = 1 - white[some] @ white[bank].T
            far[copies[some, None] == copies[None, bank]] = np.inf
            nearest = np.partition(far, k, axis=1)[:, :k] if k < len(bank) else far
            known = np.isfinite(nearest)
            distance[some] = np.where(known, nearest, 0).sum(1) / np.maximum(known.sum(1), 1)
    return distance


def _scaled(distance: np.ndarray, classes: Whole) -> np.ndarray:
    """Comparable between classes: 0 at the median of the class, 1 at its ninth decile."""
    count, sizes = int(classes.max()) + 1, np.bincount(classes)
    middle, spread = np.zeros(count), np.zeros(count)
    for c in range(count):
        middle[c], decile = np.quantile(distance[classes == c], (0.5, 0.9))
        spread[c] = decile - middle[c]
    common = float((spread * sizes).sum() / sizes.sum())
    spread = (spread * sizes + common * PRIOR) / (sizes + PRIOR)
    return (distance - middle[classes]) / np.maximum(spread, 1e-9)[classes]
