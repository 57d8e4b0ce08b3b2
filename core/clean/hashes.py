"""All pairs of 64-bit hashes within a Hamming radius, exactly, without comparing all pairs.

Multi-index hashing (Norouzi, Punjani and Fleet 2012): a hash is cut into four bands of 16 bits. Two hashes at distance
r have at least one band at distance r // 4 or less, so each band's bucket is compared only with the buckets within that
many bit flips. Results equal brute force (tested); memory is the hashes, 65,537 bucket starts, and the pairs found.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numba import njit

RADIUS_MAX = 15  # 697 buckets for each bucket and band; beyond that brute force is as good


def pairs(hashes: np.ndarray, radius: int) -> np.ndarray:
    """(N,) uint64 -> (P, 2) int64, the index pairs i < j at Hamming distance <= `radius` (0..15), in lexical order."""
    return _search(hashes, hashes, radius, True)


def cross_pairs(left: np.ndarray, right: np.ndarray, radius: int) -> np.ndarray:
    """(N,) and (M,) uint64 -> (P, 2) int64, all (i, j) with left[i] and right[j] at distance <= `radius` (0..15)."""
    return _search(left, right, radius, False)


def _search(left: np.ndarray, right: np.ndarray, radius: int, same: bool) -> np.ndarray:
    if not 0 <= radius <= RADIUS_MAX:
        raise ValueError(f"radius={radius}: wanted 0 to {RADIUS_MAX}")
    flips = radius // 4
    bits = [combinations(range(16), count) for count in range(flips + 1)]
    masks = np.array([sum(1 << bit for bit in chosen) for some in bits for chosen in some], dtype=np.int64)
    left, right = (np.ascontiguousarray(one, dtype=np.uint64) for one in (left, right))
    parts = [_band(left, right, *_buckets(left, band), *_buckets(right, band), masks, band, flips, radius, same)
             for band in range(4)]  # fmt: skip
    found = np.concatenate(parts)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def _buckets(hashes: np.ndarray, band: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices ordered by the band's 16 bits, and where each of the 65,536 values starts in that order."""
    values = ((hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)).astype(np.int64)
    starts = np.zeros(65_537, dtype=np.int64)
    np.cumsum(np.bincount(values, minlength=65_536), out=starts[1:])
    return np.argsort(values, kind="stable"), starts


@njit(cache=True)
def _count(x):  # noqa: ANN001, ANN202 - compiled; uint64 -> number of set bits
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True)
def _band(left, right, order, starts, order_right, starts_right, masks, band, flips, radius, same):  # noqa: ANN001, ANN202
    """The pairs whose first band within `flips` is this one, so no pair is found twice."""
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
