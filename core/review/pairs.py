"""Two classes side by side: the pairs that are confused most, with the pictures of each that look like the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.review.alike import waiting
from core.review.guess import chances

if TYPE_CHECKING:
    from core.model import Judged
    from core.review.described import Described
    from core.review.learner import Ranking

PAIRS = 12
SHOWN = 24  # pictures of a class: what a person can look over beside as many others
MAYBE = 0.5  # of its neighbours' votes, from which on a picture that clean did not notice looks like another class
CANDIDATES = 2000  # pictures whose neighbours are asked, those nearest to the middle of another class


@dataclass(frozen=True, slots=True)
class Side:
    """The pictures of a class that look like the other one of the pair: those that clean noticed, then those whose
    neighbours say so, each the likest first."""

    label: str
    places: np.ndarray  # (n,) positions in Described, at most SHOWN
    chances: np.ndarray  # (n,) 0..1, how likely each is of the other class
    noticed: np.ndarray  # (n,) bool: by clean
    count: int  # how many there are, shown or not


@dataclass(frozen=True, slots=True)
class Pair:
    sides: tuple[Side, Side]  # in order of the classes' names
    confused: int  # pictures that clean noticed, and those that people moved from one to the other


def pairs(
    of: Described,
    ranking: Ranking,
    judged: Sequence[Judged],
    issues: Mapping[int, tuple[str, float]],
    moved: Mapping[tuple[str, str], int],
    also: Collection[int] = (),
    only: np.ndarray | None = None,
    most: int = PAIRS,
) -> list[Pair]:
    """The pairs of classes with most pictures that were confused, of those where some wait for a decision.

    `issues`: image -> (class, 0..1) that it looks like, as clean noticed. `moved`: (from, to) -> how many pictures people
    gave another class. `also`, `only`: as of `core.review.alike`. A picture is in one pair: that of the class that it
    looks most like.
    """
    if len(of.names) < 2:
        return []
    waits = waiting(of, ranking, also)
    if only is not None:
        waits &= np.isin(of.ids, only)
    number = {name: n for n, name in enumerate(of.names)}
    other, chance, noticed = _guessed(of, waits, judged)
    for image, (name, sure) in issues.items():
        at = of.place(image)
        if at is not None and waits[at] and name in number and number[name] != of.classes[at]:
            other[at], chance[at], noticed[at] = number[name], sure, True
    there = np.flatnonzero(other >= 0)
    confused = Counter(tuple(sorted((int(of.classes[n]), int(other[n])))) for n in there[noticed[there]])
    for (before, after), count in moved.items():
        if before in number and after in number and before != after:
            confused[tuple(sorted((number[before], number[after])))] += count
    perhaps = Counter(tuple(sorted((int(of.classes[n]), int(other[n])))) for n in there)
    first = sorted(perhaps, key=lambda pair: (-confused[pair], -perhaps[pair], pair))[:most]

    def side(own: int, like: int) -> Side:
        some = there[(of.classes[there] == own) & (other[there] == like)]
        some = some[np.lexsort((some, -chance[some], ~noticed[some]))]
        return Side(
            of.names[own], some[:SHOWN], chance[some[:SHOWN]].astype(np.float32), noticed[some[:SHOWN]], len(some)
        )

    return [Pair((side(a, b), side(b, a)), confused[a, b]) for a, b in first]


def _guessed(of: Described, waits: np.ndarray, judged: Sequence[Judged]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) the other class that each looks like by its neighbours, -1 = none, (N,) how much, and (N,) False."""
    other, chance = np.full(len(of.ids), -1), np.zeros(len(of.ids))
    some = _strays(of, waits)
    votes = chances(of, some, judged)
    best, most = votes.argmax(1), votes.max(1, initial=0)
    like = (best != of.classes[some]) & (most >= MAYBE)
    other[some[like]], chance[some[like]] = best[like], most[like]
    return other, chance, np.zeros(len(of.ids), bool)


def _strays(of: Described, waits: np.ndarray) -> np.ndarray:
    """Positions of those that wait and lie nearer to the middle of another class than to that of their own."""
    count = len(of.names)
    rows, known = of.rows[:, :-count], of.known
    sizes = np.bincount(of.classes[known], minlength=count)
    middles = (np.eye(count, dtype=np.float32)[of.classes] * known[:, None]).T @ rows / np.maximum(sizes, 1)[:, None]
    near = rows @ middles.T.astype(rows.dtype) - (middles**2).sum(1).astype(rows.dtype) / 2
    near[:, sizes == 0] = -1e30
    own = near[np.arange(len(near)), of.classes].copy()
    near[np.arange(len(near)), of.classes] = -np.inf
    ahead = near.max(1) - own
    some = np.flatnonzero(waits & (ahead > 0))
    return np.sort(some[np.argsort(-ahead[some], kind="stable")[:CANDIDATES]])
