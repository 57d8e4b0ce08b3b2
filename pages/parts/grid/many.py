"""Many pictures by one press: what the browser is told when it asks for the look-alikes of a picture, for stacks of
likely rejects, or for two classes side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.model import WRONG_CLASS, Project, Tile
from core.review import alike
from core.review.guess import chances
from core.review.order import selected
from core.review.pairs import Pair, pairs

if TYPE_CHECKING:
    from core.review.learner import Learner, Ranking
    from db.store import Store
    from db.store.queue import Filter

INT_MAX = 2**63 - 1
NOT_DESCRIBED = "The pictures were not described yet. Clean the project first, then those that look alike can be found."
UNKNOWN = (
    "Nothing is known of this picture yet. Clean the project once more, then those that look like it can be found."
)
ALONE = "No other picture is left that nobody decided on."


@dataclass
class Many:
    """What the browser asked for, and the answer: the same one until it asks anew, so that nothing jumps on its screen."""

    asked: tuple[int, int | None, bool, bool] = (0, None, False, False)  # number of the question, whose look-alikes, or
    # the stacks, or the pairs of classes
    told: dict[str, Any] = field(default_factory=dict)
    count: int = 0  # stacks there are, as far as is known

    def hear(self, message: Mapping[str, Any]) -> None:
        image, stacks, sides = (message.get(name) for name in ("alike", "stacks", "pairs"))
        now = _number(message.get("ask")) or 0, _number(image), stacks is True, sides is True
        if now != self.asked:
            self.asked, self.told = now, {}

    def counted(self, store: Store, project: Project, reviewer: str, wanted: Filter, learner: Learner) -> None:
        """How many stacks there are, by the ranking that the last page was chosen by."""
        ranking = learner.rank(store.judged(project.id))
        allowed, also = selected(store, project, wanted), _on_desk(store, project, reviewer)
        self.count = len(alike.stacks(learner.of, ranking, also, allowed))

    def payload(
        self, store: Store, project: Project, reviewer: str, wanted: Filter, learner: Callable[[], Learner],
        address: Callable[[Sequence[int]], str],
    ) -> dict[str, Any]:  # fmt: skip
        """{asked, stacked, alike, stacks, pairs}: the number of the question that is answered, and how many stacks there are."""
        ask, image, stacks, sides = self.asked
        if not self.told and (image is not None or stacks or sides):
            table = _Table(store, project, reviewer, learner(), address)
            if image is not None:
                self.told = {"alike": table.alike(image)}
            elif sides:
                self.told = {"pairs": table.pairs(wanted)}
            else:
                found = table.stacks(selected(store, project, wanted))
                self.told, self.count = {"stacks": found}, len(found)
        return {"asked": ask, "stacked": self.count, "alike": None, "stacks": None, "pairs": None} | self.told


class _Table:
    """All that one answer is made from."""

    def __init__(
        self, store: Store, project: Project, reviewer: str, learner: Learner, address: Callable[[Sequence[int]], str]
    ) -> None:
        self.store, self.project, self.reviewer, self.address = store, project, reviewer, address
        self.of = learner.of
        self.judged = store.judged(project.id)
        self.ranking: Ranking = learner.rank(self.judged)
        self.also = _on_desk(store, project, reviewer)

    def alike(self, image: int) -> dict[str, Any] | None:
        """The picture itself and those like it, as columns; None where the project has no such picture."""
        itself = self.store.tiles(self.project.id, [image])
        if not itself:
            return None
        found = alike.nearest(self.of, self.ranking, image, also=self.also)
        tiles = self._tiles(self.of.ids[found.places])
        likeness = dict(zip(self.of.ids[found.places].tolist(), found.likeness.tolist(), strict=True))
        first = set(self.of.ids[found.places[: found.border]].tolist())
        border = 1 + sum(tile.image in first for tile in tiles)
        return self._columns([*itself, *tiles]) | {
            "guess": self._guess([*itself, *tiles][:border]),
            "reason": self._reason([*itself, *tiles][:border]),
            "image": image,
            "rejected": itself[0].verdict == "reject",
            "likeness": [1.0] + [round(likeness[tile.image], 3) for tile in tiles],
            "border": border,
            "note": "" if tiles else self._why_none(image),
        }

    def _why_none(self, image: int) -> str:
        if not self.of.known.any():
            return NOT_DESCRIBED
        return ALONE if self.of.known[self._place(image)] else UNKNOWN

    def stacks(self, allowed: np.ndarray | None) -> list[dict[str, Any]]:
        found = [self._tiles(self.of.ids[stack]) for stack in alike.stacks(self.of, self.ranking, self.also, allowed)]
        return [
            self._columns(tiles) | {"guess": self._guess(tiles), "reason": self._reason(tiles)}
            for tiles in found
            if len(tiles) >= alike.LEAST
        ]

    def pairs(self, wanted: Filter) -> list[dict[str, Any]]:
        """Pairs of classes, of all or with the one that the filter names: one page of both sides, the left one first."""
        issues = {one.image: one.looks_like for one in self.store.findings(self.project.id, "label_issue")}
        found = pairs(
            self.of, self.ranking, self.judged, {image: like for image, like in issues.items() if like},
            self.store.moved(self.project.id), self.also, selected(self.store, self.project, replace(wanted, label="")),
        )  # fmt: skip
        named = [one for one in found if wanted.label in ("", *(side.label for side in one.sides))]
        return [told for told in map(self._pair, named) if told["ids"]]

    def _pair(self, pair: Pair) -> dict[str, Any]:
        """`why`: what each looks like; `counts`: how many there are on each side, shown or not."""
        sides = [self._tiles(self.of.ids[side.places]) for side in pair.sides]
        why = {
            int(self.of.ids[n]): f"{chance:.0%} {other.label}" if noticed else f"perhaps {other.label}"
            for side, other in (pair.sides, pair.sides[::-1])
            for n, chance, noticed in zip(side.places, side.chances, side.noticed, strict=True)
        }
        tiles = [*sides[0], *sides[1]]
        return self._columns(tiles) | {
            "names": [side.label for side in pair.sides],
            "left": len(sides[0]),
            "counts": [side.count for side in pair.sides],
            "why": [why[tile.image] for tile in tiles],
        }

    def _guess(self, tiles: Sequence[Tile]) -> list[tuple[str, float]]:
        """(class, 0..1) of all the project's classes: how much pictures that are of another one look like it."""
        names = self.of.names
        if len(names) < 2:
            return [(name, 0.0) for name in self.project.classes]
        votes = chances(self.of, np.array([self._place(tile.image) for tile in tiles]), self.judged)
        strange = np.array([[tile.label != name for name in names] for tile in tiles])
        likely = dict(zip(names, ((votes * strange).sum(0) / len(tiles)).round(3).tolist(), strict=True))
        order = sorted(self.project.classes, key=lambda name: -likely.get(name, 0.0))
        return [(name, likely.get(name, 0.0)) for name in order]

    def _reason(self, tiles: Sequence[Tile]) -> str:
        """That which most of them are likely to be rejected for; "" = none, or they rather get another class."""
        found = Counter(reason for reason, _ in self.ranking.reasons([tile.image for tile in tiles]).values())
        reason, number = found.most_common(1)[0] if found else ("", 0)
        return reason if 2 * number > len(tiles) and reason != WRONG_CLASS else ""

    def _tiles(self, ids: np.ndarray) -> list[Tile]:
        """Without those that somebody else has on the screen now."""
        images: list[int] = ids.tolist()
        held: Collection[int] = self.store.leased(self.project.id, self.reviewer, images)
        return self.store.tiles(self.project.id, [image for image in images if image not in held])

    def _place(self, image: int) -> int:
        return min(int(np.searchsorted(self.of.ids, image)), len(self.of.ids) - 1)

    def _columns(self, tiles: Sequence[Tile]) -> dict[str, Any]:
        """`chances`: how likely each is bad, empty where nothing was learned."""
        ids = [tile.image for tile in tiles]
        chances = [round(float(self.ranking.bad[self._place(i)]), 3) for i in ids] if self.ranking.learned else []
        return {"ids": ids, "labels": [tile.label for tile in tiles], "versions": [tile.version for tile in tiles],
                "chances": chances, "pack": self.address(ids)}  # fmt: skip


def _on_desk(store: Store, project: Project, reviewer: str) -> list[int]:
    """What was shown and waits for a decision, but for what others have on the screen."""
    return [one.image for one in store.waiting(project.id, reviewer)]


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= INT_MAX else None
