"""What to look at next: a page of pictures, each with the reason why it is shown.

A learned page is mixed of three parts. Likely ones, the likeliest first, are what the work is for. Unsure ones, about as
likely bad as good, teach the learner. Random ones tell how many bad pictures are left (`core.review.estimate`): a few while
the likely ones bring bad ones, and then all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.model import Judged, Project, Showing, Tile
from core.review import second_looks

if TYPE_CHECKING:
    from pathlib import Path

    from core.review.learner import Learner, Ranking
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
RANDOM = 0.04  # of a page, while the likely ones bring bad ones
UNSURE = 0.04  # of it
WORTH = 0.03  # share of bad ones among the last RECENT likely ones, under which a mixed page is all random
RECENT = 100
PARTS = ("first", "likely", "unsure", "random", "")  # of a page, in this order
FIRST = ((10, 10), (50, 20))  # (pictures looked at, size): until so many, a page is no larger, so that it learns early

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
    """The parts of a page of `size`. `worth`: 0..1, the share of bad ones among the likely ones of late."""
    if order == "random" or (order == "mixed" and worth < WORTH):
        return Shares(0, 0, size)
    if order == "unsure":
        return Shares(0, size, 0)
    if order == "likely":
        return Shares(size, 0, 0)
    drawn, unsure = round(size * RANDOM), round(size * UNSURE)
    return Shares(size - drawn - unsure, unsure, drawn)


def worth(judged: Sequence[Judged]) -> float:
    """The share of bad ones among the last RECENT likely ones that were decided, 0..1; 1 before there are so many."""
    said = [one.bad for one in judged if one.queue in ("likely", "first") and one.bad is not None][-RECENT:]
    return sum(said) / RECENT if len(said) == RECENT else 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was chosen, before anybody saw it."""

    tiles: list[Tile]
    chosen: list[Showing]  # those that are not noted as shown yet; the random ones are, for a draw is made once


def next_page(
    store: Store,
    learner: Learner,
    project: Project,
    wanted: Filter,
    reviewer: str,
    size: int = SIZE,
    without: Collection[int] = (),
    chance: Callable[[int], int] = _random.randrange,
    growing: bool = True,
) -> list[Tile]:
    """The next learned page for a reviewer, noted as shown; an empty one where there is nothing left. As of `choose_page`."""
    page = choose_page(store, learner, project, wanted, reviewer, size, without, chance, growing)
    noted = {one.image for one in store.show(project.id, reviewer, page.chosen, 0, chance)}
    lost = {one.image for one in page.chosen} - noted  # somebody else was shown these meanwhile
    return [tile for tile in page.tiles if tile.image not in lost]


def choose_page(
    store: Store,
    learner: Learner,
    project: Project,
    wanted: Filter,
    reviewer: str,
    size: int = SIZE,
    without: Collection[int] = (),
    chance: Callable[[int], int] = _random.randrange,
    growing: bool = True,
    marks: Mapping[int, str | None] = {},
    anew: bool = False,
) -> Page:
    """The next learned page for a reviewer; an empty one where there is nothing left.

    Among them, unmarked, are some that another reviewer has decided on (`project.reviewing`): see second_looks.py.
    What was shown and not decided comes again first. `without`: pictures that lie on the reviewer's desk already.
    `chance(n)`: a number below n. `growing`: the first pages are smaller than `size`; what lies on the desk counts as looked
    at. `marks`: what will be said of pictures that were shown and are not decided, why each is bad or None for a good one.
    The ranking has learned it already; the mix of the page waits until it is stored, for a page that is half looked at has
    few bad ones. `anew`: the page takes the place of one that nobody saw, whose random ones and second looks it keeps.
    """
    judged, desk = store.judged(project.id), set(without)
    of_late = worth(judged)
    judged = [_marked(one, marks) for one in judged] if marks else judged
    if growing:
        looked = sum(one.queue is not None and (one.bad is not None or one.image in desk) for one in judged)
        size = min([size, *(most for until, most in FIRST if looked < until)])
    again = [one for one in store.waiting(project.id, reviewer) if one.image not in desk]
    allowed = selected(store, project, wanted)
    if allowed is not None:
        inside = set(allowed.tolist())
        again = [one for one in again if one.image in inside]
    waits = store.waiting_again(project.id, reviewer, wanted.label, wanted.kind)
    there = [*(one for one in waits if one.image not in desk), *learner.leading(again, judged, size, allowed)][:size]
    drawn, chosen = [], []
    if len(there) < size:
        ranking = learner.rank(judged)
        drawn, chosen = _new(
            store, ranking, project, wanted, reviewer, size, there, of_late, allowed, chance, None if anew else desk
        )
    page = sorted([*there, *drawn, *chosen], key=_place)
    ids = [one.image for one in page]
    hidden = store.second_looks(project.id, reviewer, ids)
    tiles = {tile.image: second_looks.as_seen(tile, hidden) for tile in store.tiles(project.id, ids)}
    shown = [
        replace(tiles[one.image], score=one.score, why=_why(one, tiles[one.image]))
        for one in page
        if one.image in tiles
    ]
    return Page(shown, chosen)


def selected(store: Store, project: Project, wanted: Filter) -> np.ndarray | None:
    """(n,) int64, the undecided images of the class and with the finding that a filter names; None where it names neither."""
    if not (wanted.label or wanted.kind):
        return None
    return np.array(store.selected(project.id, replace(wanted, verdict="undecided", ids=())), np.int64)


def _place(one: Showing) -> tuple[int, float]:
    """Where it stands on a page: by its part, then as that part is chosen; the random ones without an order, for one that
    was mixed in must not stand at their end."""
    order = {"first": -one.score, "likely": -one.score, "unsure": abs(one.score - 0.5)}
    return PARTS.index(one.queue), order.get(one.queue, one.image * 2654435761 % 2**32)


def _why(one: Showing, tile: Tile) -> str:
    return ", ".join(filter(None, (one.why, tile.why)))


def _marked(one: Judged, marks: Mapping[int, str | None]) -> Judged:
    """As it will be once the page with these marks is stored."""
    if one.bad is not None or one.image not in marks:
        return one
    why = marks[one.image]
    return replace(one, bad=why is not None, reason=why or "")


def _new(
    store: Store, ranking: Ranking, project: Project, wanted: Filter, reviewer: str, size: int,
    there: Sequence[Showing], of_late: float, allowed: np.ndarray | None, chance: Callable[[int], int],
    desk: Collection[int] | None,
) -> tuple[list[Showing], list[Showing]]:  # fmt: skip
    """What nobody was shown yet, to fill a page of `size` that has these already: what is noted as shown, and what is not.
    Hidden among the former is what another reviewer has decided on; with no `desk` the page has got that already."""
    among, left = ranking.among(allowed), size - len(there)
    of = shares(wanted.order, size, of_late if len(among) else 0.0)
    hidden: dict[bool, list[Showing]] = {}
    if desk is not None:
        kinds = {kind for kind, number in (("likely", of.likely), ("unsure", of.unsure)) if number}
        if of.random or wanted.order == "mixed":
            kinds |= {"random"} if allowed is None else {"some"} if wanted.order == "random" else set()
        passes = second_looks.passing(ranking, among[:left], kinds)
        hidden = second_looks.choose(store, project, wanted, reviewer, left, passes, chance, desk)
        left -= sum(map(len, hidden.values()))
    drawn, chosen = _fresh(store, ranking, among, project, wanted, reviewer, left, of, there, allowed, chance)
    if left and not drawn and not chosen:  # the end: nobody is kept here by what is decided
        return [], []
    for known, some in hidden.items():
        drawn += store.show_again(project.id, reviewer, some, known) if some else []
    return drawn, chosen


def _fresh(
    store: Store, ranking: Ranking, among: np.ndarray, project: Project, wanted: Filter, reviewer: str, left: int,
    of: Shares, there: Sequence[Showing], allowed: np.ndarray | None, chance: Callable[[int], int],
) -> tuple[list[Showing], list[Showing]]:  # fmt: skip
    """`left` pictures that nobody decided on: those drawn at random, which are noted, and those chosen by the ranking, which
    no other reviewer has on the screen now."""
    drawn: list[Showing] = []
    lots = allowed is not None and wanted.order == "random"
    if lots:
        among = among[sorted(range(len(among)), key=lambda _: chance(2**31))]
    elif allowed is not None:  # a random share of some pictures would say nothing of all
        of = Shares(of.likely + of.random, of.unsure, 0)
    else:
        draws = min(left, max(0, of.random - sum(one.queue == "random" for one in there)))
        drawn = store.show(project.id, reviewer, [], draws, chance) if draws else []
        left, among = left - len(drawn), _but(ranking, among, [one.image for one in drawn])
    doubtful = min(left, max(0, of.unsure - sum(one.queue == "unsure" for one in there)))
    if not ranking.learned and wanted.order == "mixed":  # nothing is unsure where nothing was learned
        doubtful = 0
    while True:
        if lots:
            chosen = [Showing(image, why="random among these") for image in ranking.ids[among[:left]].tolist()]
        else:
            likely = among[: left - doubtful if of.likely else 0]
            rest = among[len(likely) :]
            unsure = rest[np.argsort(np.abs(ranking.bad[rest] - 0.5), kind="stable")[:doubtful]]
            chosen = [*ranking.shown(likely, "likely"), *ranking.shown(unsure, "unsure")]
        held = store.leased(project.id, reviewer, [one.image for one in chosen])
        if not held:
            return drawn, chosen
        among = _but(ranking, among, list(held))


def _but(ranking: Ranking, among: np.ndarray, images: Sequence[int]) -> np.ndarray:
    """These places without those of the images."""
    return among[~np.isin(ranking.ids[among], images)]
