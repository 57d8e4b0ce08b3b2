"""Which pictures may be one photo: all pairs of 64-bit hashes within a Hamming radius, without comparing all pairs.

Multi-index hashing (Norouzi, Punjani and Fleet 2012): a hash is cut into four bands of 16 bits, and for each band the
bucket of a value is compared only with the buckets some bits away. How many bits is shared out among the bands (the
general pigeonhole principle; Qin and others 2018): two hashes at distance r differ in band b by at most (r - b) // 4
bits, for at least one b of 0..3. Results equal brute force (tested).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from core.clean.fields import VALUES, likely, scaled_limits

if TYPE_CHECKING:
    from core.clean.buckets import Index, Rule

RADIUS_MAX = 15  # 697 buckets for each bucket and band; beyond that brute force is as good
FEW = 5_000  # up to so many by so many, comparing all is done before the compiled search is loaded
ROWS = 1 << 20  # pictures looked up at a time: few enough that those which came later are hardly compared
INVERSE = (0, 1, 2, 3, 4, 6, 5, 7)  # of core.phash.FLIPS: only the two quarter turns are not their own


def suspects(hashes: np.ndarray, fields: np.ndarray, fresh: np.ndarray, radius: int = 11) -> Iterator[np.ndarray]:
    """Pieces of (P, 3) int32 rows (i, j, flip), i < j: picture i turned by `core.phash.FLIPS[flip]` may be picture j.

    `hashes`: (N, 8) uint64, the dihedral hashes. `fields`: (N, 6, 6, 3) uint8, mean colours. `fresh`: (N,) bool; one of
    a pair is fresh. The hashes are within `radius` bits of 64 (0..15): those of the picture that came later, turned,
    against the other one upright; the fresh ones came last. And the colours do not refute it (`core.clean.fields`).

    Each (i, j, flip) comes once. A piece has at most some 130,000 rows, however many hashes collide, and may have none:
    it is a chance to stop, every second or so.
    """
    fresh = np.asarray(fresh, dtype=bool)
    order, known = np.argsort(fresh, kind="stable"), int((~fresh).sum())
    if fresh[:known].any():  # as a rule they stand in that order
        hashes, fields = hashes[order], fields[order]
    search = _Search(hashes, fields.reshape(-1, VALUES), known, radius, tuple(range(8)))
    for flip, found in search.pieces():
        later, earlier = order[found[:, 0]], order[found[:, 1]]
        flips = np.where(later < earlier, flip, INVERSE[flip])
        yield np.column_stack([np.minimum(later, earlier), np.maximum(later, earlier), flips]).astype(np.int32)


def pairs(hashes: np.ndarray, radius: int) -> np.ndarray:
    """(N,) uint64 -> (P, 2) int32, the pairs i < j at Hamming distance <= `radius` (0..15), in lexical order."""
    upright = np.asarray(hashes, dtype=np.uint64).reshape(-1, 1)
    search = _Search(upright, np.empty((0, VALUES), np.uint8), 0, radius, (0,))
    found = np.concatenate([np.empty((0, 2), np.int32), *(some[:, ::-1] for _, some in search.pieces())])
    return found[np.lexsort((found[:, 1], found[:, 0]))]


@dataclass(frozen=True, slots=True)
class _Search:
    """Pictures in the order of coming: those from number `known` on are looked up among all that came before them."""

    hashes: np.ndarray  # (N, flips) uint64
    fields: np.ndarray  # (N, 108) uint8, or (0, 108) to leave the colours out
    known: int
    radius: int
    flips: tuple[int, ...]

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        """(flip, (P, 2) int32): the number of a picture that, so turned, may be an earlier one, and of that one."""
        if not 0 <= self.radius <= RADIUS_MAX:
            raise ValueError(f"radius={self.radius}: wanted 0 to {RADIUS_MAX}")
        total = len(self.hashes)
        return self._all() if (total - self.known) * total <= FEW * FEW else self._banded()

    def _all(self) -> Iterator[tuple[int, np.ndarray]]:
        rows = max(1, 2**20 // max(len(self.hashes), 1))
        for start in range(self.known, len(self.hashes), rows):
            stop = min(start + rows, len(self.hashes))
            for flip in self.flips:
                apart = np.bitwise_count(self.hashes[start:stop, flip, None] ^ self.hashes[:stop, 0])
                near = np.argwhere(apart <= self.radius).astype(np.int32)
                near[:, 0] += start
                near = near[near[:, 1] < near[:, 0]]
                for at in range(0, len(near), 4096):
                    yield flip, self._likely(near[at : at + 4096], flip)

    def _likely(self, near: np.ndarray, flip: int) -> np.ndarray:
        if not len(self.fields):
            return near
        one, other = self.fields[near[:, 0]][:, turn(flip)], self.fields[near[:, 1]]
        return near[likely(one.reshape(-1, 6, 6, 3), other.reshape(-1, 6, 6, 3))]

    def _banded(self) -> Iterator[tuple[int, np.ndarray]]:
        """The compiled search: one thread for each core, one band, block of pictures and flip at a time for each."""
        threads = os.cpu_count() or 1
        waiting: deque[tuple[_Task, Future]] = deque()
        tasks = self._tasks()
        with ThreadPoolExecutor(threads) as pool:
            try:
                while True:
                    while len(waiting) <= threads and (task := next(tasks, None)):
                        waiting.append((task, pool.submit(task.run, (0, 0, 0))))
                    if not waiting:
                        return
                    task, future = waiting.popleft()
                    found, cursor = future.result()
                    if cursor[0] < task.count:
                        waiting.appendleft((task, pool.submit(task.run, cursor)))
                    yield task.flip, found
            finally:
                pool.shutdown(cancel_futures=True)

    def _tasks(self) -> Iterator[_Task]:
        from core.clean.buckets import STEP, Index, Rule

        colours = np.array(scaled_limits())
        limits = np.array([(self.radius - band) // 4 for band in range(4)])
        bits = min(16, (len(self.hashes) // 8).bit_length())  # so that a bucket holds a few: empty ones cost time too
        for band in np.flatnonzero(limits >= 0).tolist():
            values = _values(self.hashes[:, 0], band, bits)
            ranks = np.argsort(values, kind="stable").astype(np.int32)
            starts = np.concatenate([[0], np.cumsum(np.bincount(values, minlength=1 << bits))[:-1]])
            ends = starts + np.bincount(values[: self.known], minlength=1 << bits)
            inside = np.concatenate([self.hashes[:, 0][ranks], np.zeros(STEP, np.uint64)])
            for start in range(self.known, len(self.hashes), ROWS):
                ends = ends + np.bincount(values[start : start + ROWS], minlength=1 << bits)
                index = Index(inside, ranks, np.column_stack([starts, ends]).astype(np.int32))
                for flip in self.flips:
                    rule = Rule(self.radius, band, bits, _masks(int(limits[band]), bits), limits, turn(flip), colours)
                    yield _Task(self, index, rule, start, flip)


@dataclass(frozen=True, slots=True)
class _Task:
    """One block of pictures, turned one way, looked up in one band."""

    search: _Search
    index: Index
    rule: Rule
    start: int
    flip: int

    @property
    def count(self) -> int:
        return min(ROWS, len(self.search.hashes) - self.start)

    def run(self, cursor: tuple[int, int, int]) -> tuple[np.ndarray, tuple[int, int, int]]:
        """(P, 2) int32 rows, and the cursor to go on with; its first number is `count` at the end."""
        from core.clean.buckets import PIECE, Turned, meet

        some = self.search.hashes[self.start : self.start + ROWS, self.flip]
        order = np.argsort(_values(some, self.rule.band, self.rule.bits), kind="stable")
        turned = Turned(some[order], (order + self.start).astype(np.int32))
        found = np.empty((PIECE, 2), np.int32)
        count, first, mask, place = meet(turned, self.index, self.search.fields, self.rule, (*cursor, len(some)), found)
        return found[:count].copy(), (first, mask, place)


def turn(flip: int) -> np.ndarray:
    """(108,) int64: where in a picture's 6 x 6 x 3 fields each value of the turned picture's fields comes from."""
    from core.clean.look import turned

    return np.ascontiguousarray(turned(np.arange(VALUES).reshape(6, 6, 3), flip)).ravel()


def _values(hashes: np.ndarray, band: int, bits: int) -> np.ndarray:
    """(N,) uint16: the lowest `bits` of the band's 16."""
    return (hashes >> np.uint64(16 * band)).astype(np.uint16) & np.uint16((1 << bits) - 1)


def _masks(most: int, bits: int) -> np.ndarray:
    """Every number of `bits` bits of which at most so many are set."""
    chosen = (some for count in range(most + 1) for some in combinations(range(bits), count))
    return np.array([sum(1 << bit for bit in some) for some in chosen])
