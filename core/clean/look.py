"""A second look at two pictures whose hashes are alike: are they the same photo?

Perceptual hashes collide where the background is white: different cars from one side, sunglasses of one shape. So a
small picture is laid over the other (shift, scale, brightness and contrast by least squares; Lucas and Kanade 1981),
and then the detail, the largest patch that differs, and the colours are compared. Copies that were resized,
recompressed, mirrored, turned, cropped by some per cent, brightened or marked pass; colour variants of one shape do not.

All arrays are batches of P pairs. Laying a picture over another is a product of matrices, rows @ picture @ columns,
because the warp has no rotation.
"""

from __future__ import annotations

import numpy as np
import simplejpeg
from PIL import Image

SIDE = 48  # px of the small pictures
ROUGH = 0.82  # three of four false suspicions have less; of 1,965 planted copies one had less than 0.84
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def small(thumbnail: bytes) -> np.ndarray:
    """JPEG -> (48, 48, 3) float32 0..255, the aspect ratio not kept (as in the hash). Raises ValueError."""
    image = Image.fromarray(simplejpeg.decode_jpeg(thumbnail))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32)


def turned(pictures: np.ndarray, flip: int) -> np.ndarray:
    """(..., S, S, 3) after `core.pixels.FLIPS[flip]`: bit 2 transposes, then bit 0 mirrors, bit 1 turns upside down."""
    pictures = pictures.swapaxes(-3, -2) if flip & 4 else pictures
    pictures = pictures[..., ::-1, :] if flip & 1 else pictures
    return pictures[..., ::-1, :, :] if flip & 2 else pictures


def coarse(picture: np.ndarray) -> np.ndarray:
    """(48, 48, 3) -> (6, 6, 3): the mean colour of each field."""
    return picture.reshape(6, 8, 6, 8, 3).mean((1, 3))


def likely(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Two (P, 6, 6, 3) batches of `coarse` -> (P,) bool: worth a second look.

    998 of 1,000 planted copies, cut ones too, stay under these limits; of false suspicions, one in three or so.
    """
    fields = one - other
    fields = fields - fields.mean((1, 2, 3), keepdims=True)  # a brighter copy is a copy
    ninths = np.abs(fields.reshape(-1, 3, 2, 3, 2, 3).mean((2, 4)))
    fields = np.abs(fields)
    axes = (1, 2, 3)
    return (fields.mean(axes) <= 16) & (fields.max(axes) <= 100) & (ninths.mean(axes) <= 12) & (ninths.max(axes) <= 28)


def same(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Two (P, 48, 48, 3) float32 batches -> (P,) how sure it is that they are one photo: 0.9..1, or 0 for "no".

    The limits were set on 133,000 suspected pairs of real photos: planted copies stay inside with room to spare, and
    what passes of the rest is one photo, or one scene taken twice within a moment. A clear match in the detail may have
    a mark on it; a fair one must differ little everywhere.
    """
    detail, patch, colour = compare(one, other)
    clear = (detail >= 0.975) & (patch <= 65) & (colour <= 0.6)
    fair = (detail >= 0.93) & (colour <= 0.65) & ((1 - detail) / 0.05 + patch / 40 + colour / 0.8 <= 1.6)
    return np.where(clear | fair, np.minimum(detail, 1.0), 0.0)


def compare(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two (P, 48, 48, 3) float32 batches -> (detail, patch, colour), each (P,), after the best alignment.

    `detail`: correlation of what is finer than 5 px, -1..1. `patch`: largest mean difference of brightness in a
    5 x 5 px patch, 0..255. `colour`: difference of the colours as a share of the colour there is, 0 to about 2.
    Pairs that do not match roughly at half the size are left at (-1, 255, 2).
    """
    grey, grey_other = one @ _LUMA, other @ _LUMA
    half, half_other = _smooth(_half(grey)), _smooth(_half(grey_other))
    warp = _align(half, half_other, np.zeros((len(one), 4), np.float32), rounds=5)
    hopeful = np.flatnonzero(_rough(half, half_other, warp) >= ROUGH)
    found = np.tile(np.array([[-1.0], [255.0], [2.0]], np.float32), len(one))
    if len(hopeful):
        warp = warp[hopeful] * np.array([2, 2, 1, 1], np.float32)  # shifts, from 24 px to 48 px
        warp = _align(_smooth(grey[hopeful]), _smooth(grey_other[hopeful]), warp, rounds=3)
        found[:, hopeful] = _difference(one[hopeful], other[hopeful], warp)
    return found[0], found[1], found[2]


def _half(grey: np.ndarray) -> np.ndarray:
    pairs, side, _ = grey.shape
    return grey.reshape(pairs, side // 2, 2, side // 2, 2).mean((2, 4))


def _smooth(grey: np.ndarray) -> np.ndarray:
    """3 x 3 binomial filter, edges repeated."""
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16


def _positions(warp: np.ndarray, axis: int, side: int) -> np.ndarray:
    """(P, side): where each row (axis 1) or column (axis 0) of the one falls in the other, px."""
    offset = np.arange(side, dtype=np.float32) - (side - 1) / 2
    return (side - 1) / 2 + offset * (1 + warp[:, axis + 2, None]) + warp[:, axis, None]


def _weights(positions: np.ndarray) -> np.ndarray:
    """(P, n) positions -> (P, n, n) matrices that interpolate linearly at them; positions outside take the edge."""
    side = positions.shape[1]
    inside = np.clip(positions, 0, side - 1)[:, :, None]
    return np.maximum(0, 1 - np.abs(inside - np.arange(side, dtype=np.float32)))


def _align(fixed: np.ndarray, moving: np.ndarray, warp: np.ndarray, rounds: int) -> np.ndarray:
    """Gauss-Newton for gain * fixed + bias = moving at (x + dx + sx (x - c), y + dy + sy (y - c)).

    (P, S, S) greys and (P, 4) start values (dx, dy, sx, sy; px and shares) -> (P, 4).
    """
    pairs, side, _ = fixed.shape
    offset = np.arange(side, dtype=np.float32) - (side - 1) / 2
    gain, bias = np.ones((pairs, 1, 1), np.float32), np.zeros((pairs, 1, 1), np.float32)
    limit = np.array([0.12 * side, 0.12 * side, 0.2, 0.2], np.float32)
    damping = np.array([1e-3 * side * side] * 4 + [1e-3] * 2)  # so that a flat picture does not slide away
    slopes = np.empty((pairs, 6, side, side), np.float32)
    for _ in range(rounds):
        across, down = _positions(warp, 0, side), _positions(warp, 1, side)
        columns, rows = _weights(across).transpose(0, 2, 1), _weights(down)
        inside = ((down > 0) & (down < side - 1))[:, :, None] & ((across > 0) & (across < side - 1))[:, None, :]
        taken = rows @ moving
        value = taken @ columns
        step = np.diff(moving, axis=2, append=moving[:, :, -1:])
        slopes[:, 0] = rows @ step @ columns
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
        warp = np.clip(warp + change[:, :4], -limit, limit)
        gain = np.clip(gain + change[:, 4, None, None], 0.5, 2.0)
        bias = bias + change[:, 5, None, None]
    return warp


def _laid(moving: np.ndarray, warp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, S, S) -> it as laid over the other, and (P, S, S) bool where it reaches."""
    side = moving.shape[1]
    across, down = _positions(warp, 0, side), _positions(warp, 1, side)
    reach = [(one > -0.5) & (one < side - 0.5) for one in (across, down)]
    return _weights(down) @ moving @ _weights(across).transpose(0, 2, 1), reach[1][:, :, None] & reach[0][:, None, :]


def _rough(fixed: np.ndarray, moving: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(P,) correlation of the second differences where both reach."""
    laid, inside = _laid(moving, warp)
    one, other = (
        (4 * g[:, 1:-1, 1:-1] - g[:, :-2, 1:-1] - g[:, 2:, 1:-1] - g[:, 1:-1, :-2] - g[:, 1:-1, 2:])
        * inside[:, 1:-1, 1:-1] for g in (fixed, laid)
    )  # fmt: skip
    return (one * other).sum((1, 2)) / np.sqrt((one**2).sum((1, 2)) * (other**2).sum((1, 2)) + 1e-6)


def _mean(values: np.ndarray, inside: np.ndarray, radius: int) -> np.ndarray:
    """Mean over the (2 radius + 1)^2 neighbourhood, counting only what is inside."""
    side = values.shape[1]
    band = (np.abs(np.subtract.outer(np.arange(side), np.arange(side))) <= radius).astype(np.float32)
    return (band @ (values * inside) @ band) / np.maximum(band @ inside.astype(np.float32) @ band, 1)


def _difference(one: np.ndarray, other: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(3, P): detail, patch and colour as `compare` gives them."""
    channels = [_laid(np.ascontiguousarray(other[..., c]), warp) for c in range(3)]
    inside = channels[0][1]
    laid = np.stack([channel for channel, _ in channels], axis=-1)
    grey, grey_laid = one @ _LUMA, laid @ _LUMA
    count = np.maximum(inside.sum((1, 2)), 1)
    mean, mean_laid = ((g * inside).sum((1, 2)) / count for g in (grey, grey_laid))
    a, b = (grey - mean[:, None, None]) * inside, (grey_laid - mean_laid[:, None, None]) * inside
    gain = np.clip(((a * b).sum((1, 2)) + 1) / ((b * b).sum((1, 2)) + 1), 0.6, 1.7)[:, None, None]

    near, near_laid = _mean(grey, inside, 2), _mean(grey_laid, inside, 2)
    apart = near - mean[:, None, None] - gain * (near_laid - mean_laid[:, None, None])
    patch = np.abs(apart * inside).max((1, 2))
    a, b = (grey - near) * inside, (grey_laid - near_laid) * inside
    detail = (a * b).sum((1, 2)) / np.sqrt((a * a).sum((1, 2)) * (b * b).sum((1, 2)) + 1e-6)

    differ = present = np.zeros(len(one), np.float32)
    for c in (0, 2):  # red and blue against the brightness, over 3 x 3 px
        a = _mean(one[..., c] - grey, inside, 1) * inside
        b = gain * _mean(laid[..., c] - grey_laid, inside, 1) * inside
        differ = differ + np.abs(a - b).sum((1, 2))
        present = present + (np.abs(a) + np.abs(b)).sum((1, 2)) / 2 + 0.5 * count
    enough = count >= inside[0].size / 2
    return np.stack([np.where(enough, detail, -1), np.where(enough, patch, 255), differ / present])
