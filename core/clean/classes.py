"""How well each picture fits each class, judged by the others: linear discriminants and nearest neighbours.

All of it works on frozen vectors, in one pass and bounded memory: N pictures, D numbers each, C classes, d dimensions.
Nobody is a witness in his own case: what is said of a picture was learned without it and without the copies of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Whole = NDArray[np.int64]

DIMENSIONS = 256  # of the vectors, after the principal components are taken; 128 finds less, 512 hardly more
FOLDS = 10
SHRINKAGE = 0.2  # of the covariance towards a sphere
NEIGHBOURS = 10
BANK = 20_000  # the most pictures that neighbours are looked for among: time grows with N, not with its square
BLOCK = 1024  # rows at once


def reduced(vectors: np.ndarray, dimensions: int = DIMENSIONS) -> Floats:
    """(N, D) -> (N, d): the principal components, the first of variance 1."""
    mean = sum(block.sum(0, dtype=np.float64) for block in _blocks(vectors)) / len(vectors)
    mean = np.asarray(mean, dtype=np.float32)
    scatter = np.zeros((vectors.shape[1],) * 2)
    for block in _blocks(vectors):
        scatter += (block - mean).T @ (block - mean)
    values, axes = np.linalg.eigh(scatter / len(vectors))
    axes = axes[:, ::-1][:, : min(dimensions, len(vectors) - 1)] / np.sqrt(max(float(values[-1]), 1e-12))
    return np.concatenate([(block - mean) @ axes.astype(np.float32) for block in _blocks(vectors)])


def whitened(rows: Floats) -> Floats:
    """(N, d) -> (N, d): every component of the same spread, every row of length 1."""
    spread = rows.std(0)
    white = rows / np.where(spread > 1e-6, spread, np.float32(1))
    return white / np.maximum(np.linalg.norm(white, axis=1, keepdims=True), np.float32(1e-12))


def probabilities(rows: Floats, white: Floats, classes: Whole, copies: Whole) -> tuple[Floats, NDArray[np.uint8]]:
    """(N, C) how likely each class is by both ways together, and (N, C) how many neighbours are of each class.

    Together they find more than either, or than logistic regression, on every set measured.
    """
    shares, near = voted(white, classes, copies)
    return (discriminants(rows, classes, dealt(classes, copies)) + shares) * np.float32(0.5), near


def dealt(classes: Whole, copies: Whole, folds: int = FOLDS) -> Whole:
    """(N,) -> the fold of each picture: every class is spread over the folds, `copies` of one photo stand in one."""
    groups, first, of = np.unique(copies, return_index=True, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(groups))
    order = order[np.argsort(classes[first[order]], kind="stable")]
    fold = np.empty(len(groups), np.int64)
    fold[order] = np.arange(len(groups)) % folds
    return fold[of]


def discriminants(rows: Floats, classes: Whole, fold: Whole) -> Floats:
    """(N, d) -> (N, C) probabilities by linear discriminants with a common covariance (Fisher 1936), out of fold.

    Every class counts the same, however large. What is learned without a fold is the sum over all less the sum over it,
    so ten folds cost as much as one. A temperature makes the probabilities honest (Guo et al. 2017).
    """
    count = int(classes.max()) + 1
    sums = [_sums(rows[fold == f], classes[fold == f], count) for f in range(int(fold.max()) + 1)]
    logits = np.zeros((len(rows), count), np.float32)
    for f, held in enumerate(sums):
        scatter, totals, sizes = (sum(one[k] for one in sums) - held[k] for k in range(3))
        middles = totals / np.maximum(sizes, 1)[:, None]
        within = (scatter - (middles * sizes[:, None]).T @ middles) / sizes.sum()
        within = rounder(within, SHRINKAGE)
        slopes = np.linalg.solve(within, middles.T)
        offsets = np.where(sizes > 0, -0.5 * (middles.T * slopes).sum(0), -1e4)
        logits[fold == f] = rows[fold == f] @ slopes.astype(np.float32) + offsets.astype(np.float32)
    return _tempered(logits, classes)


def rounder(covariance: np.ndarray, by: float) -> np.ndarray:
    """A covariance shrunk towards the sphere of the same size, so that it can be inverted."""
    dims = len(covariance)
    return (1 - by) * covariance + (by * np.trace(covariance) / dims + 1e-9) * np.eye(dims)


def voted(white: Floats, classes: Whole, copies: Whole) -> tuple[Floats, NDArray[np.uint8]]:
    """(N, d) -> (N, C) shares of the votes of the nearest pictures, and (N, C) how many of those are of each class.

    `white` as of `whitened`. Weighing the votes by the size of the class was tried: no gain.
    """
    count, bank = int(classes.max()) + 1, _bank(classes)
    k = min(NEIGHBOURS, len(bank) - 1)
    shares = np.full((len(white), count), 0.01, np.float32)
    counts = np.zeros((len(white), count), np.uint8)
    for start in range(0, len(white), BLOCK):
        some = slice(start, start + BLOCK)
        likeness = white[some] @ white[bank].T
        likeness[copies[some, None] == copies[None, bank]] = -np.inf
        nearest = np.argpartition(likeness, -k, axis=1)[:, -k:]
        votes = np.exp((np.take_along_axis(likeness, nearest, 1) - 1) / 0.2)
        theirs = classes[bank[nearest]]
        at = np.repeat(np.arange(start, start + len(theirs)), k), theirs.ravel()
        np.add.at(shares, at, votes.ravel())
        np.add.at(counts, at, (votes > 0).ravel())
    return shares / shares.sum(1, keepdims=True), counts


def _bank(classes: Whole) -> Whole:
    """Which pictures may be neighbours: all, or of each class as many until there are BANK."""
    if len(classes) <= BANK:
        return np.arange(len(classes))
    order = np.random.default_rng(0).permutation(len(classes))
    place = np.empty(len(classes), np.int64)  # of a picture among those of its class
    by_class = order[np.argsort(classes[order], kind="stable")]
    sizes = np.bincount(classes)
    place[by_class] = np.arange(len(classes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[np.argsort(place[order], kind="stable")][:BANK])


def _sums(rows: Floats, classes: Whole, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(d, d) sum of squares, (C, d) sums, (C,) sizes."""
    totals = np.zeros((count, rows.shape[1]))
    np.add.at(totals, classes, rows)
    return (rows.T @ rows).astype(np.float64), totals, np.bincount(classes, minlength=count).astype(np.float64)


def _tempered(logits: Floats, classes: Whole) -> Floats:
    """Probabilities at the temperature that makes the given labels likeliest."""
    some = np.linspace(0, len(logits) - 1, min(len(logits), 10_000)).astype(np.int64)
    of = np.geomspace(0.02, 2, 30)
    losses = [-np.log(_softmax(logits[some] * t)[np.arange(len(some)), classes[some]] + 1e-9).mean() for t in of]
    return _softmax(logits * np.float32(of[int(np.argmin(losses))]))


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _blocks(vectors: np.ndarray) -> Iterator[Floats]:
    for start in range(0, len(vectors), 4 * BLOCK):
        yield vectors[start : start + 4 * BLOCK].astype(np.float32)
