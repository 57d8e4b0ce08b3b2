"""How much of a picture is covered by letters: words on a card, a banner, a large watermark.

Patches that are lighter or darker than their neighbourhood are letters where four or more stand in a row on one line,
of like height, close together and of the same colour (after Epshtein et al. 2010, without the width of strokes). Soles,
wheels, plaid shirts and rows of shoes are rows as well: a logistic regression weighs what is left of the difference.
It reads nothing, and finds neither very small letters nor handwriting.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

CONTRAST = 22  # grey levels from the mean of 21 x 21 px
MOST = 300  # patches; more are a texture
# Logarithm of how many, height (px), share of the heights' spread, spread of grey within and among the letters, spread
# of how full their boxes are, width by height. Fitted on rows in posters and text cards against rows in photos.
WEIGHTS = np.array([3.1816, 0.1067, -3.6117, 0.105, -0.7761, 12.1568, 4.1236])
BIAS = -11.92  # a row must be .85 sure


def lettering(grey: np.ndarray) -> float:
    """(H, W) float32 0..255, longest side about 256 px -> share of it covered by letters, 0..1."""
    if min(grey.shape) < 24:
        return 0.0
    apart = grey - ndimage.uniform_filter(grey, 21, mode="nearest")
    covered = sum(_covered(grey, apart * sign > CONTRAST) for sign in (1, -1))
    return min(1.0, covered / grey.size)


def _covered(grey: np.ndarray, mask: np.ndarray) -> float:
    """Px^2 of the boxes of letters among the connected patches of the mask."""
    labels = np.empty(mask.shape, np.int32)
    count = int(ndimage.label(mask, output=labels))  # pyright: ignore[reportArgumentType]
    if count < 4:
        return 0.0
    box = np.array([(y.start, y.stop, x.start, x.stop) for y, x in ndimage.find_objects(labels)], np.float32)
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    kept = _letters(box, area, grey.shape)
    if len(kept) < 4:
        return 0.0
    flat, values = labels.ravel(), grey.ravel()
    mean = np.bincount(flat, values, count + 1)[1:][kept] / area[kept]
    square = np.bincount(flat, values * values, count + 1)[1:][kept] / area[kept]
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    return sum(_row(box[kept[row]], area[kept[row]], mean[row], spread[row]) for row in _rows(box[kept], mean))


def _letters(box: np.ndarray, area: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Indices of the patches that have a letter's size and shape and do not touch the border."""
    high, wide = box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]
    whole = (box[:, 0] > 0) & (box[:, 2] > 0) & (box[:, 1] < shape[0]) & (box[:, 3] < shape[1])
    size = (high >= 5) & (high <= 0.4 * shape[0]) & (wide <= 2.2 * high) & (wide >= 0.12 * high)
    found = np.flatnonzero(whole & size & (area >= 0.2 * high * wide))
    return found[np.argsort(-area[found], kind="stable")][:MOST]


def _rows(box: np.ndarray, mean: np.ndarray) -> list[np.ndarray]:
    """Indices of four or more that stand on one line, each near the next."""
    from scipy.sparse.csgraph import connected_components

    top, bottom, left, right = box.T
    high = bottom - top
    taller, lower = np.maximum.outer(high, high), np.minimum.outer(high, high)
    gap = np.maximum.outer(left, left) - np.minimum.outer(right, right)
    line = np.abs(np.subtract.outer(bottom, bottom)) < 0.3 * lower
    close = (gap < taller) & (gap > -0.15 * lower) & (np.abs(np.subtract.outer(mean, mean)) < 25)
    _, row = connected_components(line & close & (taller < 1.5 * lower), directed=False)
    return [np.flatnonzero(row == k) for k in np.flatnonzero(np.bincount(row) >= 4)]


def _row(box: np.ndarray, area: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> float:
    """Px^2 of the boxes of a row if it is likely lettering, else 0."""
    high, wide = box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]
    facts = row_facts(high, wide, area, mean, spread)
    return float((high * wide).sum()) if WEIGHTS @ facts + BIAS > 0 else 0.0


def row_facts(high: np.ndarray, wide: np.ndarray, area: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """What WEIGHTS weighs, (7,)."""
    full = area / (high * wide)
    return np.array([
        np.log(len(high)), high.mean(), high.std() / high.mean(), spread.mean(), mean.std(), full.std(),
        (wide / high).mean(),
    ])  # fmt: skip
