"""All pairs of 64-bit hashes within a Hamming radius, exactly, without comparing all pairs.

Multi-index hashing (Norouzi, Punjani and Fleet 2012): a hash is cut into four bands of 16 bits. Two hashes at distance
r have at least one band at distance r // 4 or less, so each band's bucket is compared only with the buckets within that
many bit flips. Results equal brute force (tested); memory is the hashes, 65,537 bucket starts, and the pairs found.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

RADIUS_MAX = 15  # 697 buckets for each bucket and band; beyond that brute force is as good
FEW = 5_000  # up to so many, comparing all is done before the compiled search is loaded


def pairs(hashes: np.ndarray, radius: int) -> np.ndarray:
    """(N,) uint64 -> (P, 2) int64, the index pairs i < j at Hamming distance <= `radius` (0..15), in lexical order."""
    return _search(hashes, hashes, radius, True)


def cross_pairs(left: np.ndarray, right: np.ndarray, radius: int) -> np.ndarray:
    """(N,) and (M,) uint64 -> (P, 2) int64, all (i, j) with left[i] and right[j] at distance <= `radius` (0..15)."""
    return _search(left, right, radius, False)


def _search(left: np.ndarray, right: np.ndarray, radius: int, same: bool) -> np.ndarray:
    if not 0 <= radius <= RADIUS_MAX:
        raise ValueError(f"radius={radius}: wanted 0 to {RADIUS_MAX}")
    left, right = (np.ascontiguousarray(one, dtype=np.uint64) for one in (left, right))
    if max(len(left), len(right)) <= FEW:
        return _all_pairs(left, right, radius, same)
    from core.clean.buckets import band_pairs

    flips = radius // 4
    bits = [combinations(range(16), count) for count in range(flips + 1)]
    masks = np.array([sum(1 << bit for bit in chosen) for some in bits for chosen in some], dtype=np.int64)
    parts = [
        band_pairs(left, right, *_buckets(left, band), *_buckets(right, band), masks, band, flips, radius, same)
        for band in range(4)
    ]
    found = np.concatenate(parts)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def _all_pairs(left: np.ndarray, right: np.ndarray, radius: int, same: bool) -> np.ndarray:
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(left), 256):
        near = np.argwhere(np.bitwise_count(left[start : start + 256, None] ^ right) <= radius)
        near[:, 0] += start
        found.append(near[near[:, 0] < near[:, 1]] if same else near)
    return np.concatenate(found)


def _buckets(hashes: np.ndarray, band: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices ordered by the band's 16 bits, and where each of the 65,536 values starts in that order."""
    values = ((hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)).astype(np.int64)
    starts = np.zeros(65_537, dtype=np.int64)
    np.cumsum(np.bincount(values, minlength=65_536), out=starts[1:])
    return np.argsort(values, kind="stable"), starts
