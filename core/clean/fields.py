"""A first look at two pictures, by the mean colours of 6 x 6 fields: may they be one photo at all?

It costs a ten-thousandth of the second look (`core.clean.look`), so the search asks it of every pair of hashes that are
alike. All in whole numbers, so that the compiled search and this page say the same.
"""

from __future__ import annotations

import numpy as np

VALUES = 108  # 6 x 6 fields of 3 colours
# Of the difference of two pictures, its mean taken away (a brighter copy is a copy), 0..255: the mean and the largest of
# the fields, then of the ninths of the picture. 998 of 1,000 planted copies, cut ones too, stay under these limits; of
# false suspicions, one in three or so.
LIMITS = (16, 100, 12, 28)


def likely(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Two (P, 6, 6, 3) uint8 batches -> (P,) bool: worth a second look."""
    apart = one.astype(np.int32) - other
    apart = apart * VALUES - apart.sum((1, 2, 3), keepdims=True)  # 108 times the difference, its mean taken away
    ninths = np.abs(apart.reshape(-1, 3, 2, 3, 2, 3).sum((2, 4))).reshape(-1, 27)
    fields = np.abs(apart).reshape(-1, VALUES)
    mean, most, mean_ninth, most_ninth = scaled_limits()
    return (
        (fields.sum(1) <= mean)
        & (fields.max(1) <= most)
        & (ninths.sum(1) <= mean_ninth)
        & (ninths.max(1) <= most_ninth)
    )


def scaled_limits() -> tuple[int, int, int, int]:
    """LIMITS for sums over 108 fields and 27 ninths of four fields each, of differences times 108."""
    mean, most, mean_ninth, most_ninth = LIMITS
    return mean * VALUES * VALUES, most * VALUES, mean_ninth * VALUES * 4 * 27, most_ninth * VALUES * 4
