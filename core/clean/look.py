"""A second look at two pictures whose hashes are alike: are they the same photo?

Perceptual hashes collide where the background is white: different cars from one side, sunglasses of one shape. So a
small picture is laid over the other (shift, scale, brightness and contrast by least squares; Lucas and Kanade 1981),
and then the detail, the largest patch that differs, and the colours are compared. Copies that were resized,
recompressed, mirrored, turned, cropped by some per cent, brightened or marked pass; colour variants of one shape do not.
"""

from __future__ import annotations

import numpy as np
import simplejpeg
from numba import njit
from PIL import Image

SIDE = 48  # px of the small pictures
ROUGH = -2.0


def small(thumbnail: bytes) -> np.ndarray:
    """JPEG -> (48, 48, 3) float32 0..255, the aspect ratio not kept (as in the hash)."""
    image = Image.fromarray(simplejpeg.decode_jpeg(thumbnail))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32)


def turned(picture: np.ndarray, flip: int) -> np.ndarray:
    """(48, 48, 3) after `core.pixels.FLIPS[flip]`: bit 2 transposes, then bit 0 mirrors, bit 1 turns upside down."""
    picture = picture.transpose(1, 0, 2) if flip & 4 else picture
    picture = picture[:, ::-1] if flip & 1 else picture
    return picture[::-1] if flip & 2 else picture


def same(one: np.ndarray, other: np.ndarray) -> float:
    """Two (48, 48, 3) float32 pictures -> how sure it is that they are one photo, 0.9..1; 0 where they are not.

    The limits were set on 133,000 suspected pairs of real photos: planted copies stay inside with room to spare, and
    what passes of the rest is one photo, or one scene taken twice within a moment. A clear match in the detail may have
    a mark on it; a fair one must differ little everywhere.
    """
    detail, patch, colour = compare(one, other)
    clear = detail >= 0.975 and patch <= 65 and colour <= 0.6
    fair = detail >= 0.93 and (1 - detail) / 0.05 + patch / 40 + colour / 0.8 <= 1.6
    return min(detail, 1.0) if clear or fair else 0.0


def compare(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Two (48, 48, 3) float32 pictures -> (detail, patch, colour) after the best alignment.

    `detail`: correlation of what is finer than 5 px, -1..1. `patch`: largest mean difference of brightness in a
    5 x 5 px patch, 0..255. `colour`: difference of the colours as a share of the colour there is, 0 to about 2.
    """
    return _compare(np.ascontiguousarray(one), np.ascontiguousarray(other))


@njit(cache=True)
def _compare(one, other):  # noqa: ANN001, ANN202
    grey, grey_other = _grey(one), _grey(other)
    half, half_other = _half(grey), _half(grey_other)
    warp = np.zeros(4)
    _align(half, half_other, 5, warp)
    rough = _rough(half, half_other, warp)
    if rough < ROUGH:  # most suspicions end here, at a fifth of the cost
        return rough, 255.0, 2.0
    warp[:2] *= 2  # shifts, from 24 px to 48 px
    _align(_smooth(grey), _smooth(grey_other), 3, warp)
    return _difference(one, other, warp)


@njit(cache=True)
def _grey(picture):  # noqa: ANN001, ANN202
    return np.float32(0.299) * picture[:, :, 0] + np.float32(0.587) * picture[:, :, 1] + np.float32(0.114) * picture[:, :, 2]


@njit(cache=True)
def _rough(fixed, moving, warp):  # noqa: ANN001, ANN202
    """Correlation of the second differences, the nearest pixel taken."""
    side = fixed.shape[0]
    centre = (side - 1) / 2.0
    ab, aa, bb = 0.0, 0.0, 0.0
    for i in range(1, side - 1):
        y = int(np.round(i + warp[1] + warp[3] * (i - centre)))
        for j in range(1, side - 1):
            x = int(np.round(j + warp[0] + warp[2] * (j - centre)))
            if y < 1 or x < 1 or y > side - 2 or x > side - 2:
                continue
            a = 4 * fixed[i, j] - fixed[i - 1, j] - fixed[i + 1, j] - fixed[i, j - 1] - fixed[i, j + 1]
            b = 4 * moving[y, x] - moving[y - 1, x] - moving[y + 1, x] - moving[y, x - 1] - moving[y, x + 1]
            ab += a * b
            aa += a * a
            bb += b * b
    return ab / np.sqrt(aa * bb + 1e-6)


@njit(cache=True)
def _half(grey):  # noqa: ANN001, ANN202
    side = grey.shape[0] // 2
    out = np.empty((side, side), dtype=np.float32)
    for i in range(side):
        for j in range(side):
            out[i, j] = (grey[2*i, 2*j] + grey[2*i+1, 2*j] + grey[2*i, 2*j+1] + grey[2*i+1, 2*j+1]) / 4  # fmt: skip
    return _smooth(out)


@njit(cache=True)
def _smooth(grey):  # noqa: ANN001, ANN202
    """3 x 3 binomial filter, edges repeated."""
    side = grey.shape[0]
    rows = np.empty_like(grey)
    out = np.empty_like(grey)
    for i in range(side):
        for j in range(side):
            rows[i, j] = (grey[i, max(j - 1, 0)] + 2 * grey[i, j] + grey[i, min(j + 1, side - 1)]) / 4
    for i in range(side):
        for j in range(side):
            out[i, j] = (rows[max(i - 1, 0), j] + 2 * rows[i, j] + rows[min(i + 1, side - 1), j]) / 4
    return out


@njit(cache=True, fastmath=True)
def _align(fixed, moving, rounds, warp):  # noqa: ANN001, ANN202
    """Gauss-Newton for gain * fixed + bias = moving at (x + dx + sx (x - c), y + dy + sy (y - c)); `warp` in place."""
    side = fixed.shape[0]
    centre = (side - 1) / 2.0
    gain, bias = 1.0, 0.0
    matrix = np.zeros((6, 6))
    right = np.zeros(6)
    row = np.zeros(6)
    for _ in range(rounds):
        matrix[:] = 0
        right[:] = 0
        for i in range(1, side - 1):
            y = i + warp[1] + warp[3] * (i - centre)
            if y < 0 or y >= side - 1:
                continue
            top = int(y)
            down = y - top
            for j in range(1, side - 1):
                x = j + warp[0] + warp[2] * (j - centre)
                if x < 0 or x >= side - 1:
                    continue
                left = int(x)
                across = x - left
                a, b = moving[top, left], moving[top, left + 1]
                c, d = moving[top + 1, left], moving[top + 1, left + 1]
                value = (a * (1 - across) + b * across) * (1 - down) + (c * (1 - across) + d * across) * down
                row[0] = (b - a) * (1 - down) + (d - c) * down
                row[1] = (c - a) * (1 - across) + (d - b) * across
                row[2] = row[0] * (j - centre)
                row[3] = row[1] * (i - centre)
                row[4] = -fixed[i, j]
                row[5] = -1.0
                error = gain * fixed[i, j] + bias - value
                for p in range(6):
                    right[p] += row[p] * error
                    for q in range(p, 6):
                        matrix[p, q] += row[p] * row[q]
        for p in range(6):
            for q in range(p):
                matrix[p, q] = matrix[q, p]
        for p in range(4):  # damping, so that a flat picture does not slide away
            matrix[p, p] = matrix[p, p] * 1.001 + 1e-3 * side * side
        matrix[4, 4] += 1e-3
        matrix[5, 5] += 1e-3
        step = np.linalg.solve(matrix, right)
        for p in range(4):
            limit = 0.12 * side if p < 2 else 0.2
            warp[p] = min(max(warp[p] + step[p], -limit), limit)
        gain = min(max(gain + step[4], 0.5), 2.0)
        bias += step[5]


@njit(cache=True)
def _difference(one, other, warp):  # noqa: ANN001, ANN202
    side = one.shape[0]
    centre = (side - 1) / 2.0
    laid = one.copy()  # where the other picture does not reach, they count as equal
    inside = np.zeros((side, side), dtype=np.bool_)
    for i in range(side):
        y = i + warp[1] + warp[3] * (i - centre)
        for j in range(side):
            x = j + warp[0] + warp[2] * (j - centre)
            if y < -0.5 or x < -0.5 or y > side - 0.5 or x > side - 0.5:
                continue
            inside[i, j] = True
            y0 = min(max(y, 0.0), side - 1.0)
            x0 = min(max(x, 0.0), side - 1.0)
            top, left = min(int(y0), side - 2), min(int(x0), side - 2)
            down, across = y0 - top, x0 - left
            for c in range(3):
                upper = other[top, left, c] * (1 - across) + other[top, left + 1, c] * across
                lower = other[top + 1, left, c] * (1 - across) + other[top + 1, left + 1, c] * across
                laid[i, j, c] = upper * (1 - down) + lower * down
    grey = np.empty((side, side))
    grey_laid = np.empty((side, side))
    n, sx, sy, sxy, syy = 0, 0.0, 0.0, 0.0, 0.0
    for i in range(side):
        for j in range(side):
            a = 0.299 * one[i, j, 0] + 0.587 * one[i, j, 1] + 0.114 * one[i, j, 2]
            b = 0.299 * laid[i, j, 0] + 0.587 * laid[i, j, 1] + 0.114 * laid[i, j, 2]
            grey[i, j], grey_laid[i, j] = a, b
            if inside[i, j]:
                n += 1
                sx += a
                sy += b
                sxy += a * b
                syy += b * b
    if n < side * side // 2:
        return -1.0, 255.0, 2.0
    gain = min(max((sxy - sx * sy / n + 1.0) / (syy - sy * sy / n + 1.0), 0.6), 1.7)
    bias = (sx - gain * sy) / n
    return _measures(one, laid, grey, grey_laid, inside, gain, bias)


@njit(cache=True)
def _measures(one, laid, grey, grey_laid, inside, gain, bias):  # noqa: ANN001, ANN202
    side = grey.shape[0]
    ab, aa, bb, patch, apart, present = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(side):
        for j in range(side):
            if not inside[i, j]:
                continue
            count, mean_a, mean_b, differ = 0, 0.0, 0.0, 0.0
            for y in range(max(i - 2, 0), min(i + 3, side)):
                for x in range(max(j - 2, 0), min(j + 3, side)):
                    if inside[y, x]:
                        count += 1
                        mean_a += grey[y, x]
                        mean_b += grey_laid[y, x]
            mean_a /= count
            mean_b /= count
            differ = abs(mean_a - gain * mean_b - bias)
            patch = max(patch, differ)
            a, b = grey[i, j] - mean_a, grey_laid[i, j] - mean_b
            ab += a * b
            aa += a * a
            bb += b * b
            for c in (0, 2):  # red and blue against the brightness, over 3 x 3 px
                count, colour_a, colour_b = 0, 0.0, 0.0
                for y in range(max(i - 1, 0), min(i + 2, side)):
                    for x in range(max(j - 1, 0), min(j + 2, side)):
                        if inside[y, x]:
                            count += 1
                            colour_a += one[y, x, c] - grey[y, x]
                            colour_b += gain * (laid[y, x, c] - grey_laid[y, x])
                apart += abs(colour_a - colour_b) / count
                present += (abs(colour_a) + abs(colour_b)) / (2 * count) + 0.5
    return ab / np.sqrt(aa * bb + 1e-6), patch, apart / present
