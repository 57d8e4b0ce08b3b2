"""The compiled heart of the search in `core.clean.hashes`: bucket against bucket, for one band of the hashes.

A file of its own because numba takes a second to load and some more to compile (once; the result is kept on disk).
A bucket's hashes lie side by side. Those of all the buckets that one bucket is compared with are laid side by side too,
so that the innermost loop runs over plain memory, eight hashes at a step where the processor can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

TILE = 64  # left hashes compared with what was laid side by side
CHUNK = 2048  # right hashes laid side by side: 16 KB, so that they stay in the nearest cache
BLOCK = 64  # hashes between two questions whether any was near; divides CHUNK
STEP = 8  # hashes copied at a time
PIECE = TILE * CHUNK  # rows that one call can give


class Turned(NamedTuple):
    """Hashes to be looked up, in the order of their band's value."""

    hashes: np.ndarray  # (L,) uint64
    ranks: np.ndarray  # (L,) int32: which picture, by its place in the order of coming


class Index(NamedTuple):
    """Hashes to be found, in the order of their band's value and then of coming."""

    hashes: np.ndarray  # (N + STEP,) uint64; the last ones are never found
    ranks: np.ndarray  # (N,) int32
    bounds: np.ndarray  # (2 ** bits, 2) int32: where the bucket of each value starts, and where it ends for now


class Rule(NamedTuple):
    """What makes two pictures a pair, and in which of the four bands it is told."""

    radius: int
    band: int
    bits: int  # of each band's 16, that name a bucket
    masks: np.ndarray  # (M,) int64: which bits of this band may differ
    limits: np.ndarray  # (4,) int64: how many bits of each band may differ for a pair to be found by it
    turn: np.ndarray  # (108,) int64: where each value of the turned fields comes from
    colours: np.ndarray  # (4,) int64: the limits of core.clean.fields, scaled


def _in_one_instruction(_: Any, value: Any) -> tuple[Any, Callable]:
    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


_popcount: Any = intrinsic(_in_one_instruction)  # uint64 -> how many of its bits are set


@njit(cache=True, nogil=True)
def meet(turned, index, fields, rule, cursor, found):  # noqa: ANN001, ANN201
    """Lay the pairs (rank, earlier rank) in `found` (PIECE, 2) int32, and say how many and where to go on: (4,) int64.

    `cursor` is (first hash, mask, place in that bucket), as the last call gave it, and the hash to stop before.
    `fields`: (N, 108) uint8 by rank, or (0, 108) to leave the colours out.
    """
    first, mask, place, stop = cursor
    shift, ones = np.uint64(16 * rule.band), np.uint64((1 << rule.bits) - 1)
    laid = np.zeros(CHUNK + STEP, np.uint64)
    runs = np.empty((len(rule.masks), 2), np.int64)
    room = np.empty((2, 108), np.int32)
    count = 0
    while first < stop:
        value = np.int64((turned.hashes[first] >> shift) & ones)
        last = first + 1
        while last < min(stop, first + TILE) and (turned.hashes[last] >> shift) & ones == np.uint64(value):
            last += 1
        while mask < len(rule.masks):
            if count + (last - first) * CHUNK > PIECE:
                return count, first, mask, place
            length, mask, place = _lay(index, value, rule.masks, mask, place, laid, runs)
            tile = Turned(turned.hashes[first:last], turned.ranks[first:last])
            count = _compare(tile, laid, length, runs, index.ranks, fields, rule, room, found, count)
        first, mask, place = last, 0, 0
    return count, first, mask, place


@njit(cache=True, nogil=True)
def _compare(tile, laid, length, runs, ranks, fields, rule, room, found, count):  # noqa: ANN001, ANN202
    """Add what is near to one of `tile`, came earlier and has like colours to `found`; how many there are now."""
    for at in range(len(tile.hashes)):
        one, rank = tile.hashes[at], tile.ranks[at]
        run, is_turned = 0, False
        for start in range(0, length, BLOCK):
            if not _any_near(one, laid[start : start + BLOCK], rule.radius):
                continue
            for k in range(start, min(start + BLOCK, length)):
                differ = one ^ laid[k]
                if _popcount(differ) > np.uint64(rule.radius) or not _first_seen(differ, rule):
                    continue
                while runs[run, 0] <= k:
                    run += 1
                other = ranks[k + runs[run, 1]]
                if other >= rank:
                    continue
                if len(fields) and not is_turned:
                    is_turned = True
                    for value in range(108):
                        room[0, value] = fields[rank, rule.turn[value]]
                if not len(fields) or _alike(room[0], fields, other, rule.colours, room[1]):
                    found[count, 0], found[count, 1] = rank, other
                    count += 1
    return count


@njit(cache=True, nogil=True)
def _lay(index, value, masks, mask, place, laid, runs):  # noqa: ANN001, ANN202
    """Copy the buckets of `value` from (mask, place) on, side by side: how many, and where to go on.

    `runs` says of each bucket where it ends in `laid`, and what to add to find its hashes in the index.
    """
    length, run = 0, 0
    while mask < len(masks) and length < CHUNK:
        bucket = value ^ masks[mask]
        start = index.bounds[bucket, 0] + place
        take = min(index.bounds[bucket, 1] - start, CHUNK - length)
        for at in range(0, take, STEP):
            source, target = index.hashes[start + at : start + at + STEP], laid[length + at : length + at + STEP]
            for k in range(STEP):  # always all of them; what is too much is written over
                target[k] = source[k]
        length += take
        runs[run, 0], runs[run, 1] = length, start + take - length
        run += 1
        place += take
        if start + take == index.bounds[bucket, 1]:
            mask, place = mask + 1, 0
    return length, mask, place


@njit(cache=True, nogil=True)
def _any_near(one, laid, radius):  # noqa: ANN001, ANN202
    near = 0
    for k in range(BLOCK):  # always all of them: a loop of known length runs eight at a step
        near += _popcount(one ^ laid[k]) <= np.uint64(radius)
    return near > 0


@njit(cache=True, nogil=True)
def _first_seen(differ, rule):  # noqa: ANN001, ANN202
    """Whether no earlier band finds the pair as well: it is told once."""
    ones = np.uint64((1 << rule.bits) - 1)
    for band in range(rule.band):
        if np.int64(_popcount((differ >> np.uint64(16 * band)) & ones)) <= rule.limits[band]:
            return False
    return True


@njit(cache=True, nogil=True)
def _alike(mine, fields, other, limits, apart):  # noqa: ANN001, ANN202
    """`core.clean.fields.likely` of `mine` (108,) int32 and those of number `other`; `apart`: room for 108 numbers."""
    total = np.int32(0)
    for k in range(108):
        apart[k] = mine[k] - np.int32(fields[other, k])
        total += apart[k]
    mean, most = np.int32(0), np.int32(0)
    for k in range(108):
        apart[k] = np.int32(108) * apart[k] - total
        mean += abs(apart[k])
        most = max(most, abs(apart[k]))
    if mean > limits[0] or most > limits[1]:
        return False
    mean, most = 0, 0
    for row in range(3):
        for column in range(3):
            for colour in range(3):
                k = 36 * row + 6 * column + colour  # 18 values a row of fields, 3 a field
                ninth = abs(apart[k] + apart[k + 3] + apart[k + 18] + apart[k + 21])
                mean += ninth
                most = max(most, ninth)
    return mean <= limits[2] and most <= limits[3]
