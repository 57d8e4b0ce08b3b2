"""What lies on one reviewer's desk: which pages are out, what was answered, what to tell the browser next.

The browser owns cursor and marks; the desk owns the epoch: the pages of one filter in one order, each with a fixed list
of images. A page is drawn from the queue when the browser comes near it. Where the order is learned, that is the one
behind the page on the screen, and it is chosen anew by what is marked there, until somebody sees it: so it has learned
from this page and still turns at once. What the browser says may come twice, late or not at all, and a desk may be lost
with its server: nothing here is the only copy of anything.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from random import randrange
from typing import TYPE_CHECKING, Any

from core import review
from core.errors import BadInput
from core.model import (
    REASONS,
    TOGETHER,
    UNSEEN,
    Applied,
    Box,
    ImageRecord,
    Operation,
    Project,
    SecondLook,
    Showing,
    Tile,
)
from core.review import second_looks
from core.review.agreement import dispute
from core.review.certificate import standing
from core.review.guess import guess, instead
from pages.parts.grid.fold import Copies, fold, note
from pages.parts.grid.many import Many

if TYPE_CHECKING:
    from core.review.learner import Learner
    from db.store import Store
    from db.store.queue import Filter

AHEAD = 6  # pages the browser is told of; it decodes four of them
LEASED_AHEAD = 2  # pages nobody else is given, besides the one on the screen
LEASE = 5.0  # minutes
RECOUNT = 30.0  # seconds after which the totals are counted again without a decision of one's own
ANSWERS_MAX = 60  # a browser sends 20 operations at once


@dataclass(frozen=True, slots=True)
class Choice:
    """A page that nobody has seen yet."""

    tiles: tuple[int, ...]
    folded: Mapping[int, tuple[int, ...]]
    chosen: Sequence[Showing]  # to be noted once somebody sees it


@dataclass
class Desk:
    project: Project
    reviewer: str
    wanted: Filter
    size: int = review.SIZE
    epoch: str = field(default_factory=lambda: uuid.uuid4().hex)
    pages: list[tuple[int, ...]] = field(default_factory=list)  # image ids, one for each tile
    copies: Copies = field(default_factory=Copies)  # what else is decided with a tile
    ahead: list[Choice] = field(
        default_factory=list
    )  # the last page, as often as it was chosen, until somebody sees it
    choices: list[int] = field(default_factory=list)  # of each page, which of its choices it is
    marks: tuple[int, Mapping[int, str]] | None = None  # the page on the screen; image -> why it is bad
    taught: object = None  # what the last page has learned from the marks; () = something was stored since
    first: frozenset[int] = frozenset()  # put before the queue by an undo
    after: tuple | None = None  # the key behind the last page
    ended: bool = False  # there is nothing behind the last page
    shared: bool = False  # also pictures that somebody else has on the screen: there are no others
    cursor: int = 0
    looked: int | None = None  # the image in the large view
    looks_like: tuple[int, list[tuple[str, float]]] = (0, [])  # it, and the classes as it looks like them
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # operation -> what became of it
    restored: dict[str, Any] | None = None  # what the last undo brought back
    totals: dict[str, int] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)  # image -> why it was chosen
    hidden: dict[int, SecondLook] = field(default_factory=dict)  # as one sees them who is not told what others said
    disputes: dict[int, str] = field(default_factory=dict)  # image -> what two people said of it
    guessed: dict[int, str] = field(default_factory=dict)  # image -> the class that it is of, if not of its own
    standing: dict[str, Any] = field(default_factory=dict)  # how many bad ones are left: core.review.certificate
    learned: str = ""  # what the order stands on
    many: Many = field(default_factory=Many)  # look-alikes and stacks
    counted: float = 0.0
    leased: tuple[float, frozenset[int]] = (0.0, frozenset())  # when, and what
    told: dict[str, Any] = field(default_factory=dict)  # the last payload; said again while the database is busy

    def same(self, project: Project, reviewer: str, wanted: Filter, size: int) -> bool:
        return (self.project, self.reviewer, self.wanted, self.size) == (project, reviewer, wanted, size)

    @property
    def learns(self) -> bool:
        """Whether the pages are chosen by what was learned from those before."""
        return self.wanted.order in review.LEARNED and self.wanted.verdict == "undecided" and not self.wanted.ids

    @property
    def ranks(self) -> bool:
        """Whether what is marked on a page changes which pictures come next."""
        return self.learns and self.wanted.order != "random"

    # what the browser says ---------------------------------------------------------------------------------------

    def hear(self, store: Store, message: object) -> None:
        """Apply the operations of a message and note where the browser is. Raises Busy where the database is.

        What somebody else decided is left for their own desk: after a restart of the server an open tab may speak
        before this session knows who reviews there. It says again what was not acknowledged.
        """
        if not isinstance(message, Mapping) or message.get("by", self.reviewer) != self.reviewer:
            return
        here = message.get("epoch") == self.epoch
        if here:
            self._saw(store, message.get("saw"))
        operations, refused = review.parse(message.get("ops", []), self.reviewer, self.project.classes)
        for key, sentence in refused.items():
            self._answer(Applied(key, 0), sentence)
        stays = _staying(message.get("ops"))
        for operation in operations:
            self._apply(store, operation, operation.id in stays)
        if not here or message.get("epoch") != self.epoch:  # an undo may have begun another one
            return
        cursor, looked = message.get("cursor"), message.get("look")
        if isinstance(cursor, int) and 0 <= cursor <= len(self.pages):
            self.cursor = cursor
        self.looked = looked if isinstance(looked, int) else None
        self.marks = _marks(message.get("marks"))
        self.many.hear(message)
        if message.get("fresh") is True:
            self.release(store)
            self.begin()

    def _saw(self, store: Store, pages: object) -> None:
        """Which choice of the last page is on the screen, or was: [[page, choice], ...]."""
        for one in pages if isinstance(pages, list) else []:
            if isinstance(one, list) and len(one) == 2 and one[0] == len(self.pages) - 1:
                self._settle(store, one[1])

    def _settle(self, store: Store, choice: object = None) -> None:
        """The last page stays as it is now: as of this choice, or the newest. It is noted as shown."""
        if not self.ahead:
            return
        number = choice if isinstance(choice, int) and 0 <= choice < len(self.ahead) else len(self.ahead) - 1
        page = self.ahead[number]
        store.show(self.project.id, self.reviewer, page.chosen, 0, randrange)
        note(store, self.project, self.reviewer, chain(*page.folded.values()))
        self._place(page, number)
        self.ahead = []

    def _place(self, page: Choice, number: int) -> None:
        """The last page is this one now."""
        for image in self.pages[-1]:
            self.copies.of.pop(image, None)
        self.pages[-1], self.choices[-1] = page.tiles, number
        self.copies.of |= page.folded

    def _apply(self, store: Store, operation: Operation, stays: bool) -> None:
        try:
            applied = store.apply(self.project.id, operation)
        except BadInput as error:
            self._answer(Applied(operation.id, 0), str(error))
            return
        made = store.deciders(applied.conflicts) if applied.conflicts else {}
        self._answer(applied, who={str(image): name for image, name in made.items()})
        self.counted, self.taught = 0.0, ()
        if operation.undoes and not stays:
            self._put_back(store, operation)

    def _answer(self, applied: Applied, refused: str = "", who: Mapping[str, str] | None = None) -> None:
        self.answers[applied.id] = {"id": applied.id, "stored": applied.stored, "conflicts": list(applied.conflicts),
                                    "who": dict(who or {}), "refused": refused}  # fmt: skip
        while len(self.answers) > ANSWERS_MAX:
            del self.answers[next(iter(self.answers))]

    def _put_back(self, store: Store, undo: Operation) -> None:
        """Where the undone pictures lie now, with the marks they had: the same page, or a new epoch that begins with them."""
        undone = [one for one in store.decided(undo.undoes) if one.reason != TOGETHER]
        if not undone:  # nobody looked at these, and may not want to see them now
            return
        images = tuple(decision.image for decision in undone)
        page = next((n for n, ids in enumerate(self.pages) if images[0] in self.copies.whole(ids)), None)
        if page is None:
            self.release(store)
            self.begin(images)
            said = {d.image: (d.verdict, d.reason, d.label) for d in undone}  # decided apart, they come back apart
            self._lay(store, images, lambda one, other: said[one] == said.get(other))
            page = 0
        within = self.copies.within()
        marks = {str(d.image): d.reason for d in undone if d.verdict == "reject" and d.image not in within}
        self.restored = {"undo": undo.id, "page": page, "marks": marks}

    def begin(self, first: tuple[int, ...] = ()) -> None:
        """A new epoch, from the top of the queue; `first` will be put before it."""
        self.epoch, self.pages, self.first, self.copies = uuid.uuid4().hex, [], frozenset(first), Copies()
        self.ahead, self.choices, self.marks, self.taught = [], [], None, None
        self.after, self.restored, self.why, self.guessed = None, None, {}, {}
        self.ended, self.shared, self.cursor, self.looked, self.counted = False, False, 0, None, 0.0

    # what the browser is told ------------------------------------------------------------------------------------

    def payload(
        self, store: Store, address: Callable[[Sequence[int]], str], learner: Callable[[], Learner]
    ) -> dict[str, Any]:
        """All the browser needs, whatever it knew before. `address` gives the signed address of pictures, `learner` what
        chooses them where the order is learned."""
        if self.learns:
            self._choose(store, learner)
        else:
            self._draw(store)
        self._lease(store)
        self._count(store)
        first = max(0, self.cursor - 1)
        near = {n: self.pages[n] for n in range(first, min(len(self.pages), self.cursor + AHEAD + 1))}
        everything = self.copies.whole(image for ids in near.values() for image in ids)
        self._differing(store, everything)
        tiles = {tile.image: self._because(tile) for tile in store.tiles(self.project.id, everything)}
        made = store.deciders([i for i, tile in tiles.items() if tile.version and i not in self.hidden])
        others = {image: name for image, name in made.items() if name != self.reviewer}
        self._guess(
            store, learner, [tiles[i] for n in near for i in near[n] if i in tiles and 0 <= n - self.cursor < 2]
        )
        self.told = {
            "project": self.project.id, "reviewer": self.reviewer, "epoch": self.epoch, "cursor": self.cursor,
            "ranks": self.ranks, "reasons": REASONS, "classes": self.project.classes, "shared": self.shared,
            "end": len(self.pages) if self.ended else None, "acked": list(self.answers.values()),
            "undo": store.last_operation(self.project.id, self.reviewer), "restored": self.restored, **self.totals,
            "pages": {str(n): {"choice": self.choices[n], **self._guesses(ids, tiles)}
                      | _rows([tiles[i] for i in ids if i in tiles], others, address) for n, ids in near.items()},
            "copies": self.copies.told(tiles, others),
            "look": self._look(store, learner, address),
            **self._untold(self.many.payload(store, self.project, self.reviewer, self.wanted, learner, address)),
        }  # fmt: skip
        return self.told

    def _choose(self, store: Store, learner: Callable[[], Learner]) -> None:
        """Have pages chosen until there is one ahead of the browser, and that one anew where other marks stand here."""
        while not self.ended and len(self.pages) <= self.cursor + 1:
            self._settle(store)
            self._next(store, learner())
        if self.ahead and self.ranks and self.cursor == len(self.pages) - 2 and self._expected() != self.taught:
            self._next(store, learner())

    def _next(self, store: Store, learns: Learner) -> None:
        """The next page, or the last one anew: by what is stored, and what is marked on the screen."""
        anew = bool(self.ahead)
        before = self._here(len(self.pages) - anew)
        marks = self._expected()
        page = self._taken(store, learns, before, marks, anew)
        self.taught = marks
        self.why |= {tile.image: tile.why for tile in page.tiles}
        if not anew:
            self.learned = learns.note
            self.many.counted(store, self.project, self.reviewer, self.wanted, learns)
            self.ended = not page.tiles
        if not page.tiles:
            return
        images = [tile.image for tile in page.tiles]
        tiles, folded = fold(store, self.project, self.wanted, images, before, self.reviewer)
        if anew and tiles == self.pages[-1]:
            return
        if not anew:
            self.pages.append(())
            self.choices.append(0)
        self.ahead.append(Choice(tiles, folded, page.chosen))
        self._place(self.ahead[-1], len(self.ahead) - 1)

    def _taken(
        self, store: Store, learns: Learner, before: set[int], marks: dict[int, str | None], anew: bool
    ) -> review.Page:
        """As it is chosen, and leased: of two who choose the same at once, one chooses once more."""
        while True:
            page = review.choose_page(
                store, learns, self.project, self.wanted, self.reviewer, self.size, before, marks=marks, anew=anew
            )
            ids = [one.image for one in page.chosen]
            if not ids:
                return page
            store.lease(self.project.id, self.reviewer, ids, LEASE)
            self.leased = (self.leased[0], self.leased[1].union(ids))
            if not store.leased(self.project.id, self.reviewer, ids):
                return page
            anew = True  # what was drawn for it is noted

    def _expected(self) -> dict[int, str | None]:
        """What the page on the screen will say once it is stored: why each picture of it is bad, None for a good one. Behind
        the last mark nothing is known: who has marked nothing yet may be about to mark all."""
        if self.marks is None or self.marks[0] != self.cursor or self.cursor >= len(self.pages):
            return {}
        bad, tiles = self.marks[1], self.pages[self.cursor]
        last = max((n for n, tile in enumerate(tiles) if tile in bad), default=-1)
        return {image: bad.get(image) for image in self.copies.whole(tiles[: last + 1])}

    def _here(self, until: int | None = None) -> set[int]:
        """All that lies on the pages, or on those before one."""
        return set(self.copies.whole(chain(*self.pages[:until])))

    def _lay(
        self, store: Store, images: Sequence[int], alike: Callable[[int, int], bool] = lambda one, other: True
    ) -> None:
        """One more page: of copies, one tile each."""
        without = "" if self.shared else self.reviewer
        tiles, folded = fold(store, self.project, self.wanted, images, self._here(), without, alike)
        if self.learns:
            note(store, self.project, self.reviewer, chain(*folded.values()))
        self.copies.of |= folded
        self.pages.append(tiles)
        self.choices.append(0)

    def _because(self, tile: Tile) -> Tile:
        """The tile with the reason it was chosen for; one kept without a look is there to be looked at, and so is one on
        which two people differ, with both their words."""
        if tile.image in self.disputes:
            return replace(tile, why=self.disputes[tile.image], verdict="undecided", reason="")
        tile = second_looks.as_seen(tile, self.hidden)
        if not self.learns:
            return tile
        unseen = tile.verdict == "keep" and tile.reason in UNSEEN
        return replace(
            tile, why=self.why.get(tile.image, tile.why), verdict="undecided" if unseen else tile.verdict,
            reason="" if unseen else tile.reason,
        )  # fmt: skip

    def _differing(self, store: Store, images: Sequence[int]) -> None:
        """What others said and this reviewer is not told; or on what two people differ, where that is looked at."""
        project, wanted = self.project.id, self.wanted.verdict
        self.hidden = store.second_looks(project, self.reviewer, images) if wanted == "undecided" else {}
        found = store.disputes(project, images) if wanted == "disputed" else []
        self.disputes = {pair.image: dispute(pair) for pair in found}

    def _untold(self, many: dict[str, Any]) -> dict[str, Any]:
        """Look-alikes of a picture without what another reviewer said of it."""
        of = many["alike"]
        one = self.hidden.get(of["image"]) if of else None
        if of is None or one is None:
            return many
        rejected = one.verdict == "reject"
        own = {
            "rejected": rejected,
            "labels": [one.label, *of["labels"][1:]],
            "versions": [one.version, *of["versions"][1:]],
        }
        return many | {"alike": of | own}

    def _guess(self, store: Store, learner: Callable[[], Learner], tiles: Sequence[Tile]) -> None:
        """What each of these looks like, once: as clean noticed, else by its neighbours where they are at hand anyhow."""
        new = [tile for tile in tiles if tile.image not in self.guessed]
        if not new:
            return
        ids = [tile.image for tile in new]
        said = [""] * len(new)
        if self.learns:
            said = instead(learner().of, ids, [tile.label for tile in new], store.judged(self.project.id))
        self.guessed |= dict(zip(ids, said, strict=True))
        for image, found in store.findings_of(self.project.id, ids).items():
            like = next(filter(None, (one.looks_like for one in found)), None)
            if like and like[0] in self.project.classes:
                self.guessed[image] = like[0]

    def _guesses(self, ids: Sequence[int], tiles: Mapping[int, Tile]) -> dict[str, list[str]]:
        """One more column of a page: the class each picture is of, if not of its own; "" where that is not sure."""
        return {"guess": [self.guessed.get(i, "") for i in ids if i in tiles]}

    def _draw(self, store: Store) -> None:
        """Draw pages from the queue until there are enough ahead of the browser."""
        reviewer = self.reviewer if self.wanted.verdict == "undecided" and not self.shared else ""
        while not self.ended and len(self.pages) <= self.cursor + AHEAD:
            tiles, self.after = review.queue(store, self.project.id, self.wanted, reviewer, self.after, self.size)
            before = self.first | self.copies.within()
            images = [tile.image for tile in tiles if tile.image not in before]
            if images:
                self._lay(store, images)
            if self.after is None:
                self.ended = True
        if not self.pages and reviewer:  # what is left is on other screens: better twice than never
            self.ended, self.shared = False, True
            self._draw(store)
            self.shared = bool(self.pages)

    def _lease(self, store: Store) -> None:
        """Say which pictures are on this screen; renewed at half time, or when the pages are others."""
        near = self.copies.whole(chain(*self.pages[self.cursor : self.cursor + LEASED_AHEAD + 1]))
        # The browser shows one of these, whichever.
        may_be = chain(*((*one.tiles, *chain(*one.folded.values())) for one in self.ahead))
        images, now = frozenset([*near, *may_be]), time.monotonic()
        if self.wanted.verdict == "undecided" and (images != self.leased[1] or now - self.leased[0] > LEASE * 30):
            store.lease(self.project.id, self.reviewer, sorted(images), LEASE)
            if gone := sorted(self.leased[1] - images - self._here()):  # from choices that nobody saw
                store.lease(self.project.id, self.reviewer, gone, 0)
            self.leased = (now, images)

    def release(self, store: Store) -> None:
        """The pictures are on this screen no more."""
        if self.leased[1]:
            store.lease(self.project.id, self.reviewer, sorted(self.leased[1]), 0)
            self.leased = (0.0, frozenset())

    def _count(self, store: Store) -> None:
        if self.totals and time.monotonic() - self.counted < RECOUNT:
            return

        def count(verdict: str) -> int:
            return store.queue_size(self.project.id, replace(self.wanted, verdict=verdict))

        self.totals = {"left": count("undecided"), "kept": count("keep"), "rejected": count("reject")}
        self.totals["total"] = sum(self.totals.values())
        self.standing = standing(store, self.project)
        self.counted = time.monotonic()

    def _look(
        self, store: Store, learner: Callable[[], Learner], address: Callable[[Sequence[int]], str]
    ) -> dict[str, Any] | None:
        found = store.images_by_id(self.project.id, [self.looked]) if self.looked is not None else []
        if not found:
            return None
        record, hidden = found[0], self.hidden.get(found[0].id)
        origins = [
            {"url": o.candidate.url, "page": o.candidate.page, "title": o.candidate.title, "creator": o.candidate.creator,
             "licence": o.candidate.licence, "licence_url": o.candidate.licence_url, "source": o.candidate.source,
             "fetched": f"{o.fetched:%Y-%m-%d}" if o.fetched else ""}
            for o in store.origins(record.id)[:20]
        ]  # fmt: skip
        told = store.history(record.id)
        if hidden:  # what others said, their crop too, would tell
            record, told = replace(record, box=hidden.box), [(w, self.reviewer, *rest) for w, *rest in hidden.said]
        history, by = _history(record, told)
        if self.looks_like[0] != record.id:  # once: the browser asks every few seconds
            self.looks_like = record.id, guess(learner().of, record.id, store.judged(self.project.id))
        return {"image": record.id, "width": record.facts.width, "height": record.facts.height, "origins": origins,
                "history": history, "box": record.box, "by": by, "seen": self._seen(store, record.id), "guess": self.looks_like[1],
                "copies": self.copies.closely(store, self.project, record.id, address)}  # fmt: skip

    def _seen(self, store: Store, image: int) -> list[tuple[str, float, Box]]:
        """(label, score, box) of what the project's detector saw, or any other where that one has seen nothing."""
        found, detector = store.detections_of(image), self.project.cleaning.crop.detector
        own = [one for by, some in found.items() if by.partition("@")[0] == detector for one in some]
        return [(one.label, one.score, one.box) for one in own or [one for some in found.values() for one in some]]


def _staying(sent: object) -> set[str]:
    """Ids of the undos after which the browser stays on its page."""
    operations = sent if isinstance(sent, list) else []
    return {str(one.get("id")) for one in operations if isinstance(one, Mapping) and one.get("stay") is True}


def _marks(sent: object) -> tuple[int, dict[int, str]] | None:
    """{page, bad: [[image, why], ...]} as the browser says it."""
    page = sent.get("page") if isinstance(sent, Mapping) else None
    if not isinstance(page, int) or not isinstance(sent, Mapping) or not isinstance(sent.get("bad"), list):
        return None
    bad = [one for one in sent["bad"] if isinstance(one, list) and [type(part) for part in one] == [int, str]]
    return page, {int(image): str(why) for image, why in bad}


def _history(record: ImageRecord, decisions: Sequence[tuple[Any, ...]]) -> tuple[list[tuple[str, str, str]], str]:
    """(when, who, what) of each decision, and whether the crop that holds is a "person"'s or a "detector"'s."""
    whole = (0, 0, record.facts.width, record.facts.height)
    told, held = [], None
    for when, who, verdict, reason, label, box in decisions:
        changed = (
            "the whole picture" if box and tuple(box) == whole else "cropped by hand" if box else "crop taken back"
        )
        what = f"{verdict}{f' ({reason})' if reason else ''} as {label}{f', {changed}' if box != held else ''}"
        told.append((f"{when:%Y-%m-%d %H:%M} UTC", who, what))
        held = box
    return told, "person" if held else "detector" if record.box else ""


def _rows(tiles: Sequence[Tile], others: Mapping[int, str], address: Callable[[Sequence[int]], str]) -> dict[str, Any]:
    """A page as columns. `by`: who else made the decision that holds."""
    ids = [tile.image for tile in tiles]
    return {
        "ids": ids, "labels": [t.label for t in tiles], "verdicts": [t.verdict for t in tiles],
        "versions": [t.version for t in tiles], "reasons": [t.reason for t in tiles], "why": [t.why for t in tiles],
        "by": [others.get(i, "") for i in ids], "pack": address(ids),
    }  # fmt: skip
