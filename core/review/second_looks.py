"""Pictures that a second person looks at without being told: how far do two people agree, and what does one find of what
is known? They lie among the others of a page, look undecided, and give no reason that would tell them from the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.model import Project, SecondLook, Showing, Tile

if TYPE_CHECKING:
    from core.review.learner import Ranking
    from db.store import Store
    from db.store.queue import Filter

FINE = 1_000_000  # steps in which a share is drawn

Passing = Callable[[Showing], Showing | None]


def as_seen(tile: Tile, hidden: Mapping[int, SecondLook]) -> Tile:
    """The tile without what another reviewer said, where it is among those that one looks at a second time."""
    one = hidden.get(tile.image)
    if one is None:
        return tile
    return replace(tile, label=one.label, verdict=one.verdict, reason=one.reason, version=one.version)


def choose(
    store: Store, project: Project, wanted: Filter, reviewer: str, size: int, passing: Passing,
    chance: Callable[[int], int], desk: Collection[int],
) -> dict[bool, list[Showing]]:  # fmt: skip
    """What lies hidden on a page of `size`: {False: second looks, True: check pictures}. Nothing is noted yet.

    The share of second looks is drawn at random among all that others have decided on; of check pictures half are bad,
    where the trusted reviewer has found so many. `chance(n)`: a number below n.
    """
    of = project.reviewing
    chosen: dict[bool, list[Showing]] = {False: [], True: []}
    if not (of.overlap or of.checks) or not store.others(project.id, reviewer):
        return chosen
    taken = set(desk)

    def take(known: bool, number: int, **more: Any) -> int:
        """How many are missing."""
        if not number:
            return 0
        found = store.seen_by_others(
            project.id, reviewer, number, chance, label=wanted.label, kind=wanted.kind, without=taken, **more
        )
        taken.update(one.image for one in found)
        chosen[known] += [new for one in found if (new := passing(one))]
        return number - len(found)

    if of.checks and of.trusted and of.trusted != reviewer:
        number = _about(size * of.checks, chance)
        bad = _about(number / 2, chance)
        short = take(True, bad, which="bad", trusted=of.trusted)
        if missing := take(True, number - bad + short, which="good", trusted=of.trusted):
            take(True, 0 if short else missing, which="bad", trusted=of.trusted)
    take(False, _about(size * of.overlap, chance))
    return chosen


def _about(share: float, chance: Callable[[int], int]) -> int:
    """A whole number, on average the share: small pages get their part as well."""
    return int(share) + (chance(FINE) < (share - int(share)) * FINE)


def passing(ranking: Ranking, page: np.ndarray, kinds: Collection[str]) -> Passing:
    """How a picture from an earlier page is shown on this one, so that it passes for one of it; None where it cannot.

    It keeps the reason of then where that fits among those of the page: its chance of today has learned from what was said
    of it, and would tell. Else it passes for a random one. `page`: positions in the ranking; `kinds`: "likely", "unsure",
    "random", "some" (random among what a filter selects), as far as they are on the page.
    """
    chances = ranking.bad[page]
    low, high = (float(chances.min()), float(chances.max())) if len(chances) else (1.0, 0.0)

    def new(one: Showing) -> Showing | None:
        if "likely" in kinds and not ranking.learned:
            return replace(one, queue="first", why="first look")
        fits = one.queue == "unsure" or (one.queue == "likely" and low <= one.score <= high)
        if one.queue in kinds and fits:
            return one
        if "random" in kinds:
            return replace(one, queue="random", score=0.0, why="random sample")
        return replace(one, queue="", score=0.0, why="random among these") if "some" in kinds else None

    return new
