"""Perceptual hashes: eight of 64 bits for each picture, one for each way it may be turned or mirrored.

The upright one equals `imagehash.phash` bit for bit (Zauner 2010). All eight cost one transform, since mirrors are sign
changes of the coefficients and a quarter turn is their transpose. What takes longest is making the picture small; that
is Pillow's own Lanczos filter in its own fixed point, written as two products of matrices: equal, and in half the time
for photos as wide or as high as others before them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

# `hashes[k]` of an image is the hash of that image after FLIPS[k]: bit 0 mirrors left-right, bit 1 turns upside down,
# both after bit 2 has swapped rows and columns.
FLIPS = (
    None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE,
)  # fmt: skip
SIDE = 32  # px: the square that is transformed
MOST, LONGEST = 1_000_000, 4096  # pixels in all, and of a side: beyond, the products take longer than Pillow, or memory
_PART = 8  # of the 32 made at a time: of the length, under half adds anything to them
_BITS = 22  # Pillow's weights are whole numbers of 2^-22
# Mirroring an axis changes the sign of its odd DCT coefficients: (4, 8, 8), of FLIPS[0] to [3], and with rows and columns
# swapped of [4] to [7].
_ODD = np.array([1.0, -1.0] * 4)
_SIGNS = np.stack([np.outer(_ODD ** (k >> 1), _ODD ** (k & 1)) for k in range(4)])


def dihedral_hashes(image: Image.Image) -> tuple[int, ...]:
    """Eight 64-bit hashes of a picture in any mode; see FLIPS for their order."""
    from scipy.fft import dct

    low = np.asarray(dct(dct(small(image.convert("L")), axis=0), axis=1))[:8, :8]
    eight = np.concatenate([low * _SIGNS, low.T * _SIGNS]).reshape(8, 64)
    middle = np.sort(eight, axis=1)[:, 31:33].mean(axis=1, keepdims=True)  # the median of 64
    return tuple(np.packbits(eight > middle, axis=1).view(">u8")[:, 0].tolist())


def small(grey: Image.Image) -> np.ndarray:
    """A picture of mode L -> (32, 32) uint8, as `grey.resize((32, 32), LANCZOS)` gives it.

    Pillow makes it narrow first, in bytes again, then low; tall ones in an order of its own choice, and by Pillow.
    """
    width, height = grey.size
    if not SIDE < height <= width <= LONGEST or width * height > MOST:
        return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    across = _rounded(_narrowed(np.asarray(grey).astype(np.float64)))
    return _rounded(_narrowed(across.T)).T.astype(np.uint8)


def _narrowed(rows: np.ndarray) -> np.ndarray:
    """(N, length) levels -> (N, 32) sums in fixed point. In products so small that BLAS keeps to this thread: its threads
    wait for one another in turns."""
    out = np.empty((len(rows), SIDE))
    for part, (first, weights) in enumerate(_weights(rows.shape[1])):
        columns, last = slice(_PART * part, _PART * (part + 1)), first + len(weights)
        height = max(1, 2**18 // weights.size)
        for top in range(0, len(rows), height):
            some = slice(top, top + height)
            np.matmul(rows[some, first:last], weights, out=out[some, columns])
    return out


def _rounded(sums: np.ndarray) -> np.ndarray:
    """Fixed point -> whole levels 0..255. float64 holds the sums exactly: 8 and 22 bits, and a few for their number."""
    np.floor((sums + 2 ** (_BITS - 1)) * 2.0**-_BITS, out=sums)
    return np.clip(sums, 0, 255, out=sums)


@lru_cache(256)
def _weights(length: int) -> list[tuple[int, np.ndarray]]:
    """What each of `length` pixels, more than 32, adds to each of the 32 made of them, whole numbers: for _PART of the 32
    after the other, the first pixel that adds anything, and (pixels from there on, _PART) float64. As
    `precompute_coeffs` of Pillow's Resample.c.
    """
    scale = length / SIDE
    centre = (np.arange(SIDE) + 0.5) * scale
    first = np.maximum((centre - 3 * scale + 0.5).astype(int), 0)
    last = np.minimum((centre + 3 * scale + 0.5).astype(int), length)
    taps = np.arange((last - first).max())
    at = first[:, None] + taps
    angle = np.pi * ((at - centre[:, None] + 0.5) * (1 / scale))
    with np.errstate(invalid="ignore"):
        share = np.where(angle == 0, 1.0, np.sin(angle) * np.sin(angle / 3) * 3 / (angle * angle))
    share[(at >= last[:, None]) | (np.abs(angle) >= 3 * np.pi)] = 0
    share /= share.sum(1, keepdims=True)
    weights = np.zeros((SIDE, length + len(taps)))
    np.put_along_axis(weights, at, np.trunc(share * 2**_BITS + np.copysign(0.5, share)), 1)
    parts = range(0, SIDE, _PART)
    return [
        (int(first[k]), np.ascontiguousarray(weights[k : k + _PART, first[k] : last[k + _PART - 1]].T)) for k in parts
    ]
