"""Many pictures by one decision: those that look like one, and stacks of likely rejects that look like each other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.review.described import Described
    from core.review.learner import Ranking

MOST = 300  # look-alikes that are shown
PROPOSED = 60  # of these that are proposed at most: what a person can look over before one press rejects it
LIKELY = 0.5  # chance of being bad, from which on a picture is a likely reject
WORTH = 0.6  # the border goes as far as chances above it outweigh those below: .92 of what it takes is bad, with .5 .85
LEAST, LARGEST = 3, 60  # pictures in a stack
STACKS = 12
ALIKE = 0.3, 0.6  # cosine with the first of a stack: such that half of them have enough others, but within these
CANDIDATES = 3000  # likely ones that stacks are made of, the likeliest; each is compared with each


@dataclass(frozen=True, slots=True)
class Alike:
    """The pictures that look most like one, the likest first, without itself."""

    places: np.ndarray  # (n,) positions in Described
    likeness: np.ndarray  # (n,) float32 in -1..1: cosine
    border: int  # how many of the first are proposed


def nearest(of: Described, ranking: Ranking, image: int, most: int = MOST, also: Collection[int] = ()) -> Alike:
    """The pictures nobody has decided on that look like an image; none where nothing is known of it.

    `also`: images that were shown, and still wait for a decision of whoever asks.
    """
    at = of.place(image)
    if at is None or not of.known[at]:
        return Alike(np.zeros(0, np.intp), np.zeros(0, np.float32), 0)
    waits = waiting(of, ranking, also)
    waits[at] = False
    places = np.flatnonzero(waits)
    likeness = ((of.rows @ of.rows[at]) / _lengths(of.rows) / max(float(np.linalg.norm(of.rows[at])), 1e-9))[places]
    if len(places) > most:  # the same ones whichever of two equal ones the partition holds: those of lower number
        some = np.flatnonzero(likeness >= np.partition(likeness, -most)[-most])
        places, likeness = places[some], likeness[some]
    first = np.argsort(-likeness, kind="stable")[:most]
    places, likeness = places[first], likeness[first]
    return Alike(places, likeness, _border(likeness, ranking.bad[places], float(ranking.bad[at]), ranking.learned > 0))


def _border(likeness: np.ndarray, bad: np.ndarray, own: float, learned: bool) -> int:
    """How many of the first to propose: those before the largest gap in likeness where nothing was learned, or the learner
    does not hold the picture itself for bad."""
    if learned and own >= LIKELY:
        won = np.concatenate([[0.0], np.cumsum(bad[:PROPOSED].astype(np.float64) - WORTH)])
        return int(won.argmax())
    if len(likeness) < 2:
        return len(likeness)
    some = likeness[: PROPOSED + 1]
    return int((some[:-1] - some[1:]).argmax()) + 1


def stacks(
    of: Described,
    ranking: Ranking,
    also: Collection[int] = (),
    only: np.ndarray | None = None,
    most: int = STACKS,
) -> list[np.ndarray]:
    """Positions of likely rejects that look alike, each stack the likeliest first, the stack with most bad ones first.

    Nobody has decided on these, each is in one stack; there are none where nothing was learned. `also`: as of `nearest`.
    `only`: images that may be among them (None: all). Of what is left, the likeliest takes those that look like it.
    """
    if not ranking.learned:
        return []
    likely = waiting(of, ranking, also) & (ranking.bad >= LIKELY)
    if only is not None:
        likely &= np.isin(of.ids, only)
    places = np.flatnonzero(likely)
    places = places[np.argsort(-ranking.bad[places], kind="stable")[:CANDIDATES]]
    rows = of.rows[places]
    rows = rows / np.maximum(_lengths(rows), 1e-9)[:, None]
    close, free = rows @ rows.T, np.ones(len(places), bool)
    alike = _alike(close)
    found = []
    for first in range(len(places)):
        if not free[first]:
            continue
        members = np.flatnonzero(free & (close[first] >= alike))
        if len(members) < LEAST:
            continue
        members = np.sort(members[np.argsort(-close[first, members], kind="stable")[:LARGEST]])
        free[members] = False
        found.append(places[members])
    found.sort(key=lambda stack: -float(ranking.bad[stack].sum()))
    return found[:most]


def _alike(close: np.ndarray) -> float:
    """The cosine from which on two of the candidates look alike: networks differ in how near they put pictures."""
    if len(close) < LEAST:
        return ALIKE[1]
    # Of each with the last one that a stack needs; itself is first.
    others = np.partition(close, -LEAST, axis=1)[:, -LEAST]
    return float(np.clip(np.median(others), *ALIKE))


def waiting(of: Described, ranking: Ranking, also: Collection[int]) -> np.ndarray:
    """(N,) bool: what may be decided on, and is known. `also`: as of `nearest`."""
    waits = ranking.open & of.known
    if also:
        waits |= np.isin(of.ids, np.fromiter(also, np.int64, len(also))) & of.known
    return waits


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(np.einsum("ij,ij->i", rows, rows), 1e-18))
