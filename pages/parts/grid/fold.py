"""Copies of one photo under one class: one tile stands for all of them, and one press decides them."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.clean.look import SURE
from core.model import Project, Showing, Tile

if TYPE_CHECKING:
    from db.store import Store
    from db.store.queue import Filter

MOST = 20  # in one tile: the decisions of a page of 200 tiles then fit into one operation


@dataclass
class Copies:
    """Which pictures of a desk are in the tile of another one."""

    of: dict[int, tuple[int, ...]] = field(default_factory=dict)  # tile -> the others that are decided with it

    def told(self, tiles: Mapping[int, Tile], others: Collection[int]) -> dict[int, list[tuple[int, int, str]]]:
        """Tile -> (image, version, verdict) of each copy that goes with it still; only tiles that have some.

        A copy is on its own from then on that somebody decided on otherwise, and one that nobody decided on where the
        tile is one of those that `others` decided on.
        """
        found: dict[int, list[tuple[int, int, str]]] = {}
        for image, some in list(self.of.items()):
            if image not in tiles:
                continue
            held = [tiles[copy] for copy in some if copy in tiles]
            still = [copy for copy in held if _goes(copy, tiles[image], image not in others)]
            self.of[image] = tuple(copy.image for copy in still)
            if still:
                found[image] = [(copy.image, copy.version, copy.verdict) for copy in still]
            else:
                del self.of[image]
        return found

    def closely(
        self, store: Store, project: Project, image: int, address: Callable[[Sequence[int]], str]
    ) -> dict[str, Any] | None:
        """What the large view shows of a tile with copies, itself first, as columns; None where it has none."""
        if image not in self.of:
            return None
        found = store.images_by_id(project.id, self.whole([image]))
        ids = [one.id for one in found]
        return {"ids": ids, "sizes": [(one.facts.width, one.facts.height) for one in found],
                "origins": [one.origin for one in found], "pack": address(ids)}  # fmt: skip

    def whole(self, images: Iterable[int]) -> list[int]:
        """These tiles, each with its copies."""
        return [one for image in images for one in (image, *self.of.get(image, ()))]

    def within(self) -> set[int]:
        """All that is in the tile of another one."""
        return {copy for some in self.of.values() for copy in some}


def fold(
    store: Store, project: Project, wanted: Filter, images: Sequence[int], here: Collection[int] = (),
    without: str = "", alike: Callable[[int, int], bool] = lambda one, other: True,
) -> tuple[tuple[int, ...], dict[int, tuple[int, ...]]]:  # fmt: skip
    """The tiles of a page, and the copies in them: of undecided pictures of one group and one class the first stands for
    the others.

    These may be on the page or not be shown to anybody yet. Left alone is what the filter leaves out, what is `here`
    on other pages, what others than `without` have on their screens ("": all the same), and what is not `alike`.
    """
    if wanted.verdict != "undecided":
        return tuple(images), {}
    found = store.waiting_copies(project.id, images, SURE)
    free = {copy for some in found.values() for copy in some}.difference(here)
    if wanted.ids:
        free.intersection_update(wanted.ids)
    if free:
        free.intersection_update(store.selected(project.id, replace(wanted, ids=tuple(free))))
    if free and without:
        free.difference_update(store.leased(project.id, without, list(free)))
    folded: dict[int, tuple[int, ...]] = {}
    inside: set[int] = set()
    for image in images:
        if image in inside:
            continue
        free.discard(image)
        with_it = [copy for copy in found.get(image, ()) if copy in free and alike(image, copy)][:MOST]
        if with_it:
            folded[image] = tuple(with_it)
            free.difference_update(with_it)
            inside.update(with_it)
    return tuple(image for image in images if image not in inside), folded


def note(store: Store, project: Project, reviewer: str, copies: Iterable[int]) -> None:
    """That these copies were shown with their tiles, as the pictures of a learned page are.

    So they wait for a decision with their tile, and no draw can fall on them. The estimate stays valid: its draws are
    uniform among what nobody was shown, and it allows any rule for what is shown besides, as long as that looks at no
    draw to come. The copies of a drawn picture are such a rule: they were among those it was drawn from, and the bad
    ones are counted as found since then. A draw can still fall on a copy that is not noted: the second one of the
    same page, or one on a page of a plain order, which the decision notes. It stays a draw, and what is said of its
    tile is said of it. It was as likely as any other picture to come up, so it was bad with the chance that the
    estimate reckons with.
    """
    shown = [Showing(copy, why="copy") for copy in copies]
    if shown:
        store.show(project.id, reviewer, shown, 0, random.randrange)


def _goes(copy: Tile, tile: Tile, own: bool) -> bool:
    """Whether a copy stands where its tile stands, or waits to be decided with it."""
    same = (copy.verdict, copy.reason) == (tile.verdict, tile.reason)
    return copy.label == tile.label and (same or (own and copy.verdict == "undecided"))
