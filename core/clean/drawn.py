"""Is it a drawing, a screenshot, a poster, a chart? What is drawn has few colours, and edges that are sharp and level.

A photo of a product on white is flat and has few colours too; what tells them apart is that a photo is shaded inside its
outlines, and that its edges run in all directions. Seven shares of pixels are weighed by a logistic regression.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# Fitted on 268 posters, pencil and blueprint sketches, charts, screenshots and text cards against 3,100 photos of shoes,
# cars and garments; on the half that was left out it had the same figures (tests/bench/quality.py measures it).
WEIGHTS: Sequence[float] = (42.45, 44.98, -8.69, 28.52, 5.8, -49.11, 29.66)
BIAS = -71.8


def drawing(rgb: np.ndarray, grey: np.ndarray, contrast: np.ndarray) -> float:
    """(H, W, 3) uint8, (H, W) float32 and (H, W) uint8 range of each 5 x 5 px -> 0..1, 1 = surely drawn."""
    if min(grey.shape) < 8:
        return 0.0
    across, down = np.abs(np.diff(grey, axis=1))[:-1], np.abs(np.diff(grey, axis=0))[:, :-1]
    value = BIAS + sum(w * x for w, x in zip(WEIGHTS, shares(rgb, across, down, contrast), strict=True))
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))


def shares(rgb: np.ndarray, across: np.ndarray, down: np.ndarray, contrast: np.ndarray) -> list[float]:
    """Sharp among all slopes; level among the edges; long straight runs (log10); the four commonest colours; how far
    those cover what the commonest leaves; flat patches; equal neighbours."""
    slope = np.maximum(across, down)
    edge = slope > 24
    edges, slopes = np.count_nonzero(edge), np.count_nonzero(slope >= 4)
    level = np.count_nonzero(edge & (np.minimum(across, down) < 0.15 * slope))
    commonest, four = _colours(rgb)
    return [
        np.count_nonzero(slope >= 32) / max(slopes, 1),
        level / max(edges, 1),
        math.log10(_runs(across > 24) + _runs((down > 24).T) + 1e-3),
        four,
        (four - commonest) / (1.01 - commonest),
        float(np.mean(contrast <= 2)),
        float(np.mean(slope < 1)),
    ]


def _colours(rgb: np.ndarray) -> tuple[float, float]:
    """Share of pixels with the commonest of 4,096 colours, and with the four commonest."""
    red, green, blue = (rgb[..., c].astype(np.int32) >> 4 for c in range(3))
    code = (red << 8) + (green << 4) + blue
    counts = np.partition(np.bincount(code.ravel(), minlength=4096), 4092)[4092:]
    return counts.max() / code.size, counts.sum() / code.size


def _runs(edge: np.ndarray, length: int = 24) -> float:
    """Share of pixels in whose column an edge goes on for `length` px."""
    if edge.shape[0] <= length:
        return 0.0
    total = np.cumsum(edge, axis=0, dtype=np.int32)
    return float(np.mean(total[length:] - total[:-length] == length))
