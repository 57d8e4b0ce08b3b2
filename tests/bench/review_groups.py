"""A simulated reviewer who also decides on groups, for review_curve.py and review_junk.py with --groups.

What a person has in the browser, and what it costs in presses; moving the cursor costs nothing, as with a mouse:

- on a page: a mark or a row of marks 1 (a drag over them), all marked 1, a row of these taken out again 1, Enter 1
- stacks of likely rejects (`core.review.alike.stacks`): open 1, take one 1, take a good one out of it 1, close 1
- look-alikes of a marked picture (`nearest`): open 1, each row that the border is moved 1, take a good one out 1, Enter 1
- a group of copies under one class is one tile: what is said of it holds for all of them
- what nobody decided on is kept, with `rest` by one press for each class

Rules that a person can follow who knows nothing but what is on the screen. On a page the bad ones are marked, or all of it is and
the good ones are taken out. Stacks are opened where the page says that there are at least LEAST, one is taken if at least MOSTLY of it is bad,
and the first that is not is closed. Look-alikes are opened of the first marked picture of a page with at least SEVERAL.
Whoever is hasty overlooks a good picture in a stack or among look-alikes with a probability of .05: it is lost.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core import review
from core.model import Project
from core.review import alike
from core.review.learner import learner
from db.store import Store
from db.store.queue import Filter

LEAST = 2  # stacks
MOSTLY = 0.7
SEVERAL = 3  # marks
COLUMNS = 8  # of the look-alikes in a window of 1280 px
HASTY = 0.05


@dataclass(frozen=True, slots=True)
class Policy:
    size: int = 100  # pictures on a page
    growing: bool = False  # small pages at first, as in the browser
    stacks: bool = False
    alike: bool = False
    folded: bool = False
    rest: bool = False
    hasty: bool = False


POLICIES = {
    "pages of 50": Policy(50),
    "pages of 100": Policy(),
    "pages of 200": Policy(200),
    "pages of 100, small ones first": Policy(growing=True),
    "pages of 100, stacks": Policy(stacks=True),
    "pages of 100, stacks, hasty": Policy(stacks=True, hasty=True),
    "pages of 100, look-alikes": Policy(alike=True),
    "pages of 100, look-alikes, hasty": Policy(alike=True, hasty=True),
    "pages of 100, copies folded": Policy(folded=True),
    "pages of 100, copies folded, the rest accepted": Policy(folded=True, rest=True),
    "pages of 200, copies folded, the rest accepted": Policy(200, folded=True, rest=True),
    "pages of 100, all of it": Policy(stacks=True, alike=True, folded=True, rest=True),
}


@dataclass
class Reviewer:
    """One review: what is decided so far, and what it took."""

    store: Store
    project: Project
    bad: Mapping[int, bool]  # image -> whether the table rejects it
    policy: Policy
    chance: np.random.Generator
    folder: Path
    said: dict[int, bool] = field(default_factory=dict)  # image -> whether it was rejected
    seen: set[int] = field(default_factory=set)
    presses: int = 0
    pages: int = 0
    opened: int = 0
    taken: int = 0
    by_stack: int = 0  # bad ones

    def __post_init__(self) -> None:
        self.learns = learner(self.store, self.project, self.folder)
        self.copies = copies(self.store, self.project) if self.policy.folded else {}

    @property
    def found(self) -> int:
        return sum(self.bad[image] for image, out in self.said.items() if out)

    def decide(self, images: Iterable[int], out: Callable[[int], bool]) -> None:
        """Store it; copies follow the first of them."""
        verdicts: dict[int, bool] = {}
        for image in images:
            if image not in verdicts:
                for one in self.copies.get(image, (image,)):
                    if one not in self.said:
                        verdicts[one] = out(image)
        self.seen.update(verdicts)
        self.said |= verdicts
        rows = [{"image": image, "verdict": "reject" if bad else "keep"} for image, bad in verdicts.items()]
        self.store.apply(self.project.id, review.decide(rows, "simulated", self.project.classes)[0])

    def folded(self, images: Iterable[int]) -> list[int]:
        """The tiles of these pictures: of copies the first only."""
        tiles: dict[int, int] = {}
        for image in images:
            tiles.setdefault(self.copies.get(image, (image,))[0], image)
        return list(tiles.values())

    def page(self) -> bool:
        """The next page; False where there is none."""
        wanted = Filter(verdict="undecided", order="mixed")
        tiles = review.next_page(
            self.store, self.learns, self.project, wanted, "simulated", self.policy.size,
            chance=lambda n: int(self.chance.integers(n)), growing=self.policy.growing,
        )  # fmt: skip
        if not tiles:
            return False
        images = self.folded(tile.image for tile in tiles)
        self.seen.update(tile.image for tile in tiles)
        marked = [image for image in images if self.bad[image]]
        if self.policy.alike and len(marked) >= SEVERAL:
            self.like(marked[0])
            images = [image for image in images if image not in self.said]
        if images:
            self.presses += 1 + marks([self.bad[image] for image in images])
            self.decide(images, lambda image: self.bad[image])
        self.pages += 1
        return True

    def piles(self) -> None:
        """Stacks, while they are worth it."""
        found = self.stacks()
        if len(found) < LEAST:
            return
        self.presses += 1
        self.opened += 1
        while found:
            images = self.folded(found[0])
            self.seen.update(images)
            if sum(self.bad[image] for image in images) < MOSTLY * len(images):
                break
            self.by_stack += sum(self.bad[image] for image in images)
            self.taken += 1
            self.all_but(images)
            found = self.stacks()
        self.presses += 1

    def stacks(self) -> list[list[int]]:
        ranking = self.learns.rank(self.store.judged(self.project.id))
        return [self.learns.of.ids[stack].tolist() for stack in alike.stacks(self.learns.of, ranking)]

    def like(self, image: int) -> None:
        """The look-alikes of a picture: rejected up to the row after which fewer than half are bad."""
        ranking = self.learns.rank(self.store.judged(self.project.id))
        on_desk = [one.image for one in self.store.waiting(self.project.id, "simulated")]
        found = alike.nearest(self.learns.of, ranking, image, also=on_desk)
        ids = self.learns.of.ids[found.places].tolist()
        border, self.opened = found.border, self.opened + 1
        self.seen.update(ids[: max(border, COLUMNS)])
        moved = 0
        while border and sum(self.bad[one] for one in ids[max(0, border - COLUMNS) : border]) < COLUMNS / 2:
            border, moved = max(0, border - COLUMNS), moved + 1
        while sum(self.bad[one] for one in ids[border : border + COLUMNS]) > COLUMNS / 2:
            border, moved = min(len(ids), border + COLUMNS), moved + 1
        self.seen.update(ids[:border])
        self.presses += 1 + moved
        images = self.folded(one for one in [image, *ids[:border]] if one not in self.said)
        self.by_stack += sum(self.bad[one] for one in images) - 1
        self.taken += 1
        self.all_but(images)

    def all_but(self, images: Sequence[int]) -> None:
        """Reject these at once, but for the good ones that are noticed."""
        overlooked = {one for one in images if self.policy.hasty and self.chance.random() < HASTY}
        self.presses += 1 + sum(not self.bad[one] and one not in overlooked for one in images)
        self.decide(images, lambda one: self.bad[one] or one in overlooked)


def copies(store: Store, project: Project) -> dict[int, list[int]]:
    """image -> all of its group that are under the same class, where they are two or more."""
    label = {one.id: one.label for one in store.images(project.id)}
    groups: dict[tuple[str, str], set[int]] = defaultdict(set)
    for kind in ("exact_duplicate", "near_duplicate"):
        for image, group in store.groups(project.id, kind).items():
            if image in label:
                groups[group, label[image]].add(image)
    return {image: sorted(group) for group in groups.values() if len(group) > 1 for image in group}


def marks(bad: Sequence[bool]) -> int:
    """The fewest presses that mark these: their rows, or all of the page and the rows of good ones taken out."""
    rows = [kind for kind, _ in itertools.groupby(bad)]
    return min(sum(rows), 1 + len(rows) - sum(rows))


def counted(
    store: Store, project: Project, folder: Path, seed: int, bad: Mapping[int, bool], policy: Policy, enough: float
) -> dict[str, float]:
    """A review until `enough` of the bad ones are found, 0..1; per 1,000 pictures, and in shares."""
    one = Reviewer(store, project, bad, policy, np.random.default_rng(seed), folder)
    wanted, pictures, good = enough * sum(bad.values()), len(bad), sum(not each for each in bad.values())
    while one.found < wanted:
        if policy.stacks:
            one.piles()
        if one.found < wanted and not one.page():
            break
    presses = one.presses + (len(project.classes) if policy.rest else 0)
    return {
        "presses per 1,000": 1000 * presses / pictures,
        "good ones lost": sum(out and not bad[image] for image, out in one.said.items()) / good,
        "found": one.found / max(1, sum(bad.values())),
        "seen": len(one.seen) / pictures,
        "pages": one.pages,
        "groups opened": one.opened,
        "groups taken": one.taken,
        "of the bad ones by groups": one.by_stack / max(1, sum(bad.values())),
    }


def means(runs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Of several reviews, with the spread of the presses."""
    figures = {name: round(float(np.mean([run[name] for run in runs])), 4) for name in runs[0]}
    return figures | {"spread of presses": round(float(np.std([run["presses per 1,000"] for run in runs])), 2)}
