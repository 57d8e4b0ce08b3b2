"""Two small pictures laid over one another: which part of the one shows what the other shows, mirrored or not.

`locate` tries every part that a cut of up to a fifth of each side can leave, at 12 px, so that nothing depends on a
good start; `roughly` and `finely` then find shift and scale to a fraction of a pixel (by least squares; Lucas and
Kanade 1981). All arrays are batches of P pairs. A warp is (dx, dy, sx, sy): shifts in px and scales as shares, without rotation, so
that laying a picture over another is a product of matrices, rows @ picture @ columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TINY = 12  # px of the parts that are compared
# The parts of a side that are tried, as shares: all of it, and what is left when up to a fifth is cut away.
PARTS = ((0, 1), (0, 0.9), (0.1, 1), (0.05, 0.95), (0, 0.8), (0.1, 0.9), (0.2, 1))
SHIFT, SCALE = 0.07, 0.1  # how far the alignment may go from where it starts, as shares of the side


def locate(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two (P, S, S) float32 greys -> (score, swapped, warp): how `one` lies in `other`, as it is [:, 0] and mirrored [:, 1].

    `score` (P, 2): correlation of the detail, -1..1. `swapped` (P, 2): not `one` is a part of `other`, `other` is a part
    of `one`. `warp` (P, 2, 4): where to start the alignment once `one` is mirrored and the two are swapped.
    """
    pairs, side, _ = one.shape
    views, views_other = _views(one), _views(other)
    whole, whole_other = _both_ways(views[:, 0]), _both_ways(views_other[:, 0])
    # A mirrored `other` in `one` is where `other` is in the mirrored `one`, counted from the other side.
    scores = np.concatenate([whole @ views_other.swapaxes(1, 2), whole_other @ views.swapaxes(1, 2)], axis=2)
    best = scores.argmax(2)
    swapped, part = np.divmod(best, len(PARTS) ** 2)
    down, across = (np.array(PARTS, np.float32)[which] for which in np.divmod(part, len(PARTS)))
    shift_across, shift_down = ((one.mean(2) - 0.5) * side for one in (across, down))
    shift_across[:, 1] = np.where(swapped[:, 1] == 1, -shift_across[:, 1], shift_across[:, 1])
    warp = np.stack([shift_across, shift_down, _length(across), _length(down)], axis=2)
    return scores.max(2), swapped.astype(bool), warp.astype(np.float32)


def _length(part: np.ndarray) -> np.ndarray:
    return part[..., 1] - part[..., 0] - 1


def _cells(side: int) -> np.ndarray:
    """(7 * 12, side) matrix: the mean of what falls into each of the twelve cells of each part."""
    edges = np.arange(side + 1)
    rows = []
    for first, last in PARTS:
        cuts = np.linspace(first * side, last * side, TINY + 1)
        for low, high in zip(cuts[:-1], cuts[1:], strict=True):
            rows.append(np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) / (high - low))
    return np.array(rows, np.float32)


def _near(side: int, radius: int) -> np.ndarray:
    return (np.abs(np.subtract.outer(np.arange(side), np.arange(side))) <= radius).astype(np.float32)


def _views(grey: np.ndarray) -> np.ndarray:
    """(P, S, S) -> (P, 49, 144) of length 1: each part without the mean of its surroundings."""
    pairs, side, _ = grey.shape
    count = len(PARTS)
    cells = _cells(side)
    views = (cells @ grey @ cells.T).reshape(pairs, count, TINY, count, TINY).transpose(0, 1, 3, 2, 4)
    views = views.reshape(pairs * count**2, TINY, TINY)
    mean = _near(TINY, 2)
    mean /= mean.sum(1, keepdims=True)
    views = (views - mean @ views @ mean.T).reshape(pairs, count**2, -1)
    return views / np.sqrt((views * views).sum(2, keepdims=True) + 1e-3)


def _both_ways(views: np.ndarray) -> np.ndarray:
    """(P, 144) -> (P, 2, 144): as it is, and mirrored."""
    square = views.reshape(-1, TINY, TINY)
    return np.stack([square, square[:, :, ::-1]], axis=1).reshape(len(views), 2, -1)


def roughly(fixed: np.ndarray, moving: np.ndarray, warp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two (P, S, S) greys and (P, 4) starts -> (P, 4) warps, aligned at half the size, and (P,) how well they fit, -1..1."""
    fixed, moving = smooth(_half(fixed)), smooth(_half(moving))
    start = warp * np.array([0.5, 0.5, 1, 1], np.float32)
    warp = _align(fixed, moving, start, rounds=5)
    fit, fit_start = _fit(fixed, moving, warp), _fit(fixed, moving, start)
    warp = np.where((fit_start > fit)[:, None], start, warp)
    return warp * np.array([2, 2, 1, 1], np.float32), np.maximum(fit, fit_start)


def finely(fixed: np.ndarray, moving: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """Two (P, S, S) greys and (P, 4) warps -> (P, 4) warps to a fraction of a pixel."""
    return _align(smooth(fixed), smooth(moving), warp, rounds=3)


def _fit(fixed: np.ndarray, moving: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(P,) correlation of the detail where both reach."""
    over, inside = laid(moving, warp)
    inside = framed(inside)
    a, b = ((each - mean_near(each, inside, 2)) * inside for each in (fixed, over))
    return (a * b).sum((1, 2)) / np.sqrt((a * a).sum((1, 2)) * (b * b).sum((1, 2)) + 1e-3)


def framed(inside: np.ndarray) -> np.ndarray:
    """(P, S, S) bool without the outermost pixels, where a margin of the other picture may shine through."""
    inside = inside.copy()
    inside[:, [0, -1]] = inside[:, :, [0, -1]] = False
    return inside


def _half(grey: np.ndarray) -> np.ndarray:
    pairs, side, _ = grey.shape
    return grey.reshape(pairs, side // 2, 2, side // 2, 2).mean((2, 4))


def smooth(grey: np.ndarray) -> np.ndarray:
    """3 x 3 binomial filter, edges repeated."""
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16


def _align(fixed: np.ndarray, moving: np.ndarray, warp: np.ndarray, rounds: int) -> np.ndarray:
    """Gauss-Newton for gain * fixed + bias = moving at (x + dx + sx (x - c), y + dy + sy (y - c)).

    (P, S, S) greys and (P, 4) start values -> (P, 4).
    """
    pairs, side, _ = fixed.shape
    offset = np.arange(side, dtype=np.float32) - (side - 1) / 2
    gain, bias = np.ones((pairs, 1, 1), np.float32), np.zeros((pairs, 1, 1), np.float32)
    reach = np.array([SHIFT * side, SHIFT * side, SCALE, SCALE], np.float32)
    lowest, highest = warp - reach, warp + reach
    damping = np.array([1e-3 * side * side] * 4 + [1e-3] * 2)  # so that a flat picture does not slide away
    slopes = np.empty((pairs, 6, side, side), np.float32)
    for _ in range(rounds):
        across, down = _positions(warp, 0, side), _positions(warp, 1, side)
        columns, rows = _weights(across).transpose(0, 2, 1), _weights(down)
        inside = framed(((down > 0) & (down < side - 1))[:, :, None] & ((across > 0) & (across < side - 1))[:, None, :])
        value = rows @ moving @ columns
        slopes[:, 0] = rows @ np.diff(moving, axis=2, append=moving[:, :, -1:]) @ columns
        slopes[:, 1] = rows @ np.diff(moving, axis=1, append=moving[:, -1:]) @ columns
        slopes[:, 2] = slopes[:, 0] * offset
        slopes[:, 3] = slopes[:, 1] * offset[:, None]
        slopes[:, 4] = -fixed
        slopes[:, 5] = -1
        slopes *= inside[:, None]
        flat = slopes.reshape(pairs, 6, -1)
        error = ((gain * fixed + bias - value) * inside).reshape(pairs, -1, 1)
        matrix = (flat @ flat.transpose(0, 2, 1)).astype(np.float64)
        matrix[:, range(6), range(6)] += damping
        change = np.linalg.solve(matrix, (flat @ error).astype(np.float64))[:, :, 0].astype(np.float32)
        warp = np.clip(warp + change[:, :4], lowest, highest)
        gain = np.clip(gain + change[:, 4, None, None], 0.5, 2.0)
        bias = bias + change[:, 5, None, None]
    return warp


def _positions(warp: np.ndarray, axis: int, side: int) -> np.ndarray:
    """(P, side): where each row (axis 1) or column (axis 0) of the one falls in the other, px."""
    offset = np.arange(side, dtype=np.float32) - (side - 1) / 2
    return (side - 1) / 2 + offset * (1 + warp[:, axis + 2, None]) + warp[:, axis, None]


def _weights(positions: np.ndarray) -> np.ndarray:
    """(P, n) positions -> (P, n, n) matrices that interpolate linearly at them; positions outside take the edge."""
    side = positions.shape[1]
    inside = np.clip(positions, 0, side - 1)[:, :, None]
    return np.maximum(0, 1 - np.abs(inside - np.arange(side, dtype=np.float32)))


def sharp(positions: np.ndarray) -> np.ndarray:
    """As `_weights`, but cubic (Keys 1981): straight lines between pixels would blur one of two equal pictures."""
    side = positions.shape[1]
    away = np.abs(np.clip(positions, 0, side - 1)[:, :, None] - np.arange(side, dtype=np.float32))
    inner = (1.5 * away - 2.5) * away * away + 1
    outer = ((-0.5 * away + 2.5) * away - 4) * away + 2
    weights = np.where(away < 1, inner, np.where(away < 2, outer, 0))
    return weights / weights.sum(2, keepdims=True)


def laid(
    moving: np.ndarray, warp: np.ndarray, weights: Callable[[np.ndarray], np.ndarray] = _weights
) -> tuple[np.ndarray, np.ndarray]:
    """(P, S, S) -> it as laid over the other, and (P, S, S) bool where it reaches."""
    side = moving.shape[1]
    across, down = _positions(warp, 0, side), _positions(warp, 1, side)
    reach = [(one > -0.5) & (one < side - 0.5) for one in (across, down)]
    return weights(down) @ moving @ weights(across).transpose(0, 2, 1), reach[1][:, :, None] & reach[0][:, None, :]


def mean_near(values: np.ndarray, inside: np.ndarray, radius: int) -> np.ndarray:
    """Mean over the (2 radius + 1)^2 neighbourhood, counting only what is inside."""
    band = _near(values.shape[1], radius)
    return (band @ (values * inside) @ band) / np.maximum(band @ inside.astype(np.float32) @ band, 1)
