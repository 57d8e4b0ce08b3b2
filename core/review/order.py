"""What to look at next: a page of pictures, each with the reason why it is shown.

A learned page is mixed of three parts. Likely ones, the likeliest first, are what the work is for. Unsure ones, about as
likely bad as good, teach the learner. Random ones tell how many bad pictures are left (`core.review.estimate`), so their
share grows as the likely ones run out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.model import Project, Showing, Tile

if TYPE_CHECKING:
    from pathlib import Path

    from core.review.learner import Learner
    from core.settings import Settings
    from db.store import Store
    from db.store.queue import Filter

SIZE = 100  # pictures on a page
LEARNED: dict[str, str] = {
    "mixed": "Likely ones first, some unsure ones to learn from, and a random share that tells how many are left.",
    "likely": "The likeliest bad pictures first.",
    "unsure": "The pictures the learner is least sure of: it learns most from these.",
    "random": "A random sample of all that nobody looked at: it tells how many bad pictures are left.",
}
RANDOM = 0.04  # of a page at least; and all of it where the likely ones bring nothing
UNSURE = 0.06  # of the rest of it
WORTH = 0.10  # share of bad ones among the likely, from which on a page has no more than RANDOM random ones

_random = random.SystemRandom()


def cache(settings: Settings) -> Path:
    """Where what is computed of every picture is kept; it may be deleted at any time."""
    return settings.home.absolute() / "cache" / "review"


def queue(
    store: Store,
    project: int,
    wanted: Filter,
    reviewer: str = "",
    after: tuple | None = None,
    size: int = SIZE,
) -> tuple[list[Tile], tuple | None]:
    """The next page of at most `size` tiles behind the key `after`, and the key behind it (None: that was the end).

    With a reviewer, pictures that another one has on the screen now are left out, so that two people get different
    pages; such a page is shorter. Deciding on pictures moves none of the pages behind them.
    """
    while True:
        tiles, after = store.queue(project, wanted, after, size)
        held = store.leased(project, reviewer, [tile.image for tile in tiles]) if reviewer and tiles else {}
        free = [tile for tile in tiles if tile.image not in held]
        if free or after is None:
            return free, after


@dataclass(frozen=True, slots=True)
class Shares:
    """How many pictures of each kind a page has."""

    likely: int
    unsure: int
    random: int


def shares(order: str, size: int, worth: float) -> Shares:
    """The parts of a page of `size`. `worth`: 0..1, the expected share of bad ones among the `size` likeliest."""
    if order == "random":
        return Shares(0, 0, size)
    if order == "unsure":
        return Shares(0, size, 0)
    if order == "likely":
        return Shares(size, 0, 0)
    drawn = round(size * max(RANDOM, 1 - worth / WORTH))
    unsure = round((size - drawn) * UNSURE)
    return Shares(size - drawn - unsure, unsure, drawn)


def next_page(
    store: Store,
    learner: Learner,
    project: Project,
    wanted: Filter,
    reviewer: str,
    size: int = SIZE,
    without: Collection[int] = (),
    chance: Callable[[int], int] = _random.randrange,
) -> list[Tile]:
    """The next learned page for a reviewer, noted as shown; an empty one where there is nothing left.

    What was shown and not decided comes again first. `without`: pictures that lie on the reviewer's desk already.
    `chance(n)`: a number below n.
    """
    desk = set(without)
    again = [one for one in store.waiting(project.id, reviewer) if one.image not in desk]
    allowed = None
    if wanted.label or wanted.kind:
        allowed = np.array(sorted(store.selected(project.id, replace(wanted, verdict="undecided"))), np.int64)
        inside = set(allowed.tolist())
        again = [one for one in again if one.image in inside]
    page = again[:size]
    if len(page) < size:
        page += _new(store, learner, project, wanted, reviewer, size - len(page), allowed, chance)
    tiles = {tile.image: tile for tile in store.tiles(project.id, [one.image for one in page])}
    return [
        replace(tiles[one.image], score=one.score, why=_why(one, tiles[one.image]))
        for one in page
        if one.image in tiles
    ]


def _why(one: Showing, tile: Tile) -> str:
    return ", ".join(filter(None, (one.why, tile.why)))


def _new(
    store: Store, learner: Learner, project: Project, wanted: Filter, reviewer: str, size: int,
    allowed: np.ndarray | None, chance: Callable[[int], int],
) -> list[Showing]:  # fmt: skip
    ranking = learner.rank(store.judged(project.id))
    among = ranking.among(allowed)
    worth = float(ranking.bad[among[:size]].mean()) if len(among) else 0.0
    of = shares(wanted.order, size, worth)
    if allowed is not None:  # a random share of some pictures would say nothing of all
        of = Shares(of.likely + of.random, of.unsure, 0)
    likely = among[: of.likely]
    rest = among[of.likely :]
    unsure = rest[np.argsort(np.abs(ranking.bad[rest] - 0.5), kind="stable")[: of.unsure]]
    # What a random draw takes away from these is made up for from the next ones.
    spare = rest[~np.isin(rest, unsure)][: of.random + of.unsure] if of.likely else rest[:0]
    chosen = [*ranking.shown(likely, "likely"), *ranking.shown(unsure, "unsure")]
    noted = store.show(project.id, reviewer, chosen, of.random, chance)
    if len(noted) < size and len(spare):
        noted += store.show(project.id, reviewer, ranking.shown(spare[: size - len(noted)], "likely"), 0, chance)
    place = {"likely": 0, "first": 0, "unsure": 1, "random": 2}
    return sorted(noted, key=lambda one: place[one.queue])
