"""The compiled heart of the search in `core.clean.hashes`: bucket against bucket, for one band of the hashes.

A file of its own because numba takes a second to load and some more to compile (once; the result is kept on disk).
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _count(x):  # noqa: ANN001, ANN202
    """uint64 -> number of set bits."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True)
def band_pairs(left, right, order, starts, order_right, starts_right, masks, band, flips, radius, same):  # noqa: ANN001, ANN201
    """The pairs whose first band within `flips` is this one, so no pair is found twice: (P, 2) int64.

    `order` and `starts` give the indices in each of the 65,536 buckets of this band; with `same` only i < j.
    """
    found = np.empty((1024, 2), dtype=np.int64)
    count = 0
    for value in range(65_536):
        if starts[value] == starts[value + 1]:
            continue
        for mask in masks:
            other = value ^ mask
            if same and other < value:  # that bucket has met this one
                continue
            for a in range(starts[value], starts[value + 1]):
                i = order[a]
                for b in range(starts_right[other], starts_right[other + 1]):
                    j = order_right[b]
                    if same and other == value and j <= i:
                        continue
                    differ = left[i] ^ right[j]
                    if _count(differ) > radius:
                        continue
                    seen = False
                    for before in range(band):
                        if _count((differ >> np.uint64(16 * before)) & np.uint64(0xFFFF)) <= flips:
                            seen = True
                    if seen:
                        continue
                    if count == len(found):
                        more = np.empty((2 * count, 2), dtype=np.int64)
                        more[:count] = found
                        found = more
                    found[count, 0] = min(i, j) if same else i
                    found[count, 1] = max(i, j) if same else j
                    count += 1
    return found[:count]
