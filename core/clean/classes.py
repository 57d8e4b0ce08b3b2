"""How well each picture fits each class, judged by the others: linear discriminants and nearest neighbours.

All of it works on frozen vectors, in a few passes and bounded memory: N pictures, D numbers each, C classes, d dimensions.
Nobody is a witness in his own case: what is said of a picture was learned without it and without the copies of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.clean.stacked import stacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Whole = NDArray[np.int64]

DIMENSIONS = 256  # of the vectors, after the principal components are taken; 128 finds less, 512 hardly more
FOLDS = 10
SHRINKAGE = 0.2  # of the covariance towards a sphere
NEIGHBOURS = 10
BANK = 20_000  # the most pictures that neighbours are looked for among: time grows with N, not with its square
BLOCK, ASKED = 1024, 256  # rows at once, and whose likeness to the whole bank is held at once
SAMPLE = 5_000  # rows that the temperature is found on


def reduced(
    vectors: np.ndarray, some: Whole | None = None, dimensions: int = DIMENSIONS, folder: Path | None = None
) -> Floats:
    """(M, D) -> (N, d) of the rows `some`, all by default: the principal components, the first of variance 1.

    `folder`: as of `stacked`.
    """
    some = np.arange(len(vectors)) if some is None else some
    mean = sum(vectors[i].sum(0, dtype=np.float64) for i in blocks(some)) / len(some)
    mean = np.asarray(mean, dtype=np.float32)
    scatter = np.zeros((vectors.shape[1],) * 2)
    for i in blocks(some):
        block = vectors[i].astype(np.float32) - mean
        scatter += block.T @ block
    values, axes = np.linalg.eigh(scatter / len(some))
    axes = axes[:, ::-1][:, : min(dimensions, len(some) - 1)] / np.sqrt(max(float(values[-1]), 1e-12))
    axes = axes.astype(np.float32)
    return stacked(((vectors[i].astype(np.float32) - mean) @ axes for i in blocks(some)), folder)


def whitened(rows: Floats, folder: Path | None = None) -> Floats:
    """(N, d) of mean zero, as `reduced` gives them -> (N, d): every component of the same spread, every row of length 1."""
    some = np.arange(len(rows))
    squares = sum((rows[i].astype(np.float64) ** 2).sum(0) for i in blocks(some))
    spread = np.sqrt(squares / len(rows)).astype(np.float32)
    spread[spread <= 1e-6] = 1

    def white(block: Floats) -> Floats:
        block = block / spread
        return block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), np.float32(1e-12))

    return stacked((white(rows[i]) for i in blocks(some)), folder)


def blocks(some: Whole) -> Iterator[Whole]:
    """As many rows at once as are worth a multiplication."""
    for start in range(0, len(some), 4 * BLOCK):
        yield some[start : start + 4 * BLOCK]


def probabilities(
    rows: Floats, white: Floats, classes: Whole, copies: Whole
) -> Iterator[tuple[slice, Floats, NDArray[np.uint8]]]:
    """BLOCK rows at a time: which, (B, C) how likely each class is by both ways together, and (B, C) how many neighbours
    are of each class.

    Together they find more than either, or than logistic regression, on every set measured.
    """
    likely, votes = discriminants(rows, classes, dealt(classes, copies)), voters(white, classes, copies)
    for start in range(0, len(rows), BLOCK):
        some = np.arange(start, min(start + BLOCK, len(rows)))
        shares, near = votes(some)
        yield slice(start, start + BLOCK), (likely(some) + shares) * np.float32(0.5), near


def dealt(classes: Whole, copies: Whole, folds: int = FOLDS) -> Whole:
    """(N,) -> the fold of each picture: every class is spread over the folds, `copies` of one photo stand in one."""
    groups, first, of = np.unique(copies, return_index=True, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(groups))
    order = order[np.argsort(classes[first[order]], kind="stable")]
    fold = np.empty(len(groups), np.int64)
    fold[order] = np.arange(len(groups)) % folds
    return fold[of]


def discriminants(rows: Floats, classes: Whole, fold: Whole) -> Callable[[Whole], Floats]:
    """(N, d) -> a function of (B,) rows that gives (B, C) probabilities, by linear discriminants with a common covariance
    (Fisher 1936), out of fold.

    Every class counts the same, however large. What is learned without a fold is the sum over all less the sum over it,
    so ten folds cost as much as one. A temperature makes the probabilities honest (Guo et al. 2017).
    """
    count = int(classes.max()) + 1
    sums = [_sums(rows, np.flatnonzero(fold == f), classes, count) for f in range(int(fold.max()) + 1)]
    every = [sum(one[k] for one in sums) for k in range(3)]
    learned = []
    for held in sums:
        scatter, totals, sizes = (every[k] - held[k] for k in range(3))
        middles = totals / np.maximum(sizes, 1)[:, None]
        within = (scatter - (middles * sizes[:, None]).T @ middles) / sizes.sum()
        slopes = np.linalg.solve(rounder(within, SHRINKAGE), middles.T)
        offsets = np.where(sizes > 0, -0.5 * (middles.T * slopes).sum(0), -1e4)
        learned.append((slopes.astype(np.float32), offsets.astype(np.float32)))

    def logits(some: Whole) -> Floats:
        said = np.empty((len(some), count), np.float32)
        for f in np.unique(fold[some]).tolist():
            here = fold[some] == f
            slopes, offsets = learned[f]
            said[here] = rows[some[here]] @ slopes + offsets
        return said

    some = np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(np.int64)
    honest = _temperature(logits(some), classes[some])
    return lambda some: _softmax(logits(some) * honest)


def rounder(covariance: np.ndarray, by: float) -> np.ndarray:
    """A covariance shrunk towards the sphere of the same size, so that it can be inverted."""
    dims = len(covariance)
    return (1 - by) * covariance + (by * np.trace(covariance) / dims + 1e-9) * np.eye(dims)


def voters(white: Floats, classes: Whole, copies: Whole) -> Callable[[Whole], tuple[Floats, NDArray[np.uint8]]]:
    """(N, d) as of `whitened` -> a function of (B,) rows that gives (B, C) shares of the votes of the nearest pictures, and
    (B, C) how many of those are of each class.

    Weighing the votes by the size of the class was tried: no gain.
    """
    count, bank = int(classes.max()) + 1, _bank(classes)
    k = min(NEIGHBOURS, len(bank) - 1)
    known = white if len(bank) == len(white) else white[bank]

    def votes(some: Whole) -> tuple[Floats, NDArray[np.uint8]]:
        shares, counts = np.full((len(some), count), 0.01, np.float32), np.zeros((len(some), count), np.uint8)
        for start in range(0, len(some), ASKED):
            asked = some[start : start + ASKED]
            likeness = white[asked] @ known.T
            likeness[copies[asked, None] == copies[None, bank]] = -np.inf
            nearest = np.argpartition(likeness, -k, axis=1)[:, -k:]
            weights = np.exp((np.take_along_axis(likeness, nearest, 1) - 1) / 0.2)
            at = np.repeat(np.arange(start, start + len(asked)), k), classes[bank[nearest]].ravel()
            np.add.at(shares, at, weights.ravel())
            np.add.at(counts, at, (weights > 0).ravel())
        return shares / shares.sum(1, keepdims=True), counts

    return votes


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


def _sums(rows: Floats, some: Whole, classes: Whole, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the rows `some`: (d, d) sum of squares, (C, d) sums, (C,) sizes."""
    squares, sizes = np.zeros((rows.shape[1],) * 2), np.bincount(classes[some], minlength=count)
    for i in blocks(some):
        block = rows[i]
        squares += block.T @ block
    return squares, totals(rows, some, classes, count), sizes.astype(np.float64)


def totals(rows: Floats, some: Whole, classes: Whole, count: int) -> np.ndarray:
    """(C, d): the sum over those of the rows `some` that are of each class."""
    found, one = np.zeros((count, rows.shape[1])), np.eye(count, dtype=np.float32)
    for i in blocks(some):
        found += one[classes[i]].T @ rows[i]  # np.add.at takes fifty times as long
    return found


def _temperature(logits: Floats, classes: Whole) -> np.float32:
    """What the logits are multiplied by for the given labels to be likeliest."""
    of, own = np.geomspace(0.02, 2, 30), np.arange(len(logits))
    losses = [-np.log(_softmax(logits * np.float32(t))[own, classes] + 1e-9).mean() for t in of]
    return np.float32(of[int(np.argmin(losses))])


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
