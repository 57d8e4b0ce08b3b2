"""What is looked at next, and why."""

from __future__ import annotations

import uuid
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest

from core import review
from core.model import TOGETHER, Decision, Judged, Operation
from core.review.described import Described
from core.review.learner import Learner
from core.review.order import RECENT, WORTH, Shares, shares, worth
from db.store.queue import Filter
from tests.pages import filled

MIXED = Filter(verdict="undecided", order="mixed")


@pytest.fixture
def cars(store, home: Path):
    return store, filled.scraped(store, home)


@pytest.fixture
def learner(cars) -> Learner:
    """It has seen what is bad: every third picture, and these are the strangest too."""
    store, project = cars
    ids = np.array([one.id for one in store.images(project.id)])
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(len(ids), 6)).astype(np.float32) / 3
    rows[::3, 0] += 2
    cold = np.where(np.arange(len(ids)) % 3 == 0, 0.9, 0.1).astype(np.float32)
    return Learner(Described(ids, rows, np.zeros(len(ids), np.int32), cold, np.ones(len(ids), bool), ("car",), "drawn"))


def bad(learner: Learner, image: int) -> bool:
    return int(np.searchsorted(learner.of.ids, image)) % 3 == 0


def decide(store, project, learner: Learner, tiles) -> None:
    made = tuple(Decision(t.image, "reject" if bad(learner, t.image) else "keep", version=t.version) for t in tiles)
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", made))


def page(store, learner, project, size: int = 6, wanted: Filter = MIXED, who: str = "Ann", **more):
    return review.next_page(store, learner, project, wanted, who, size, chance=Random(0).randrange, **more)


@pytest.mark.parametrize(
    ("order", "size", "of_late", "parts"),
    [
        ("mixed", 50, 0.5, Shares(46, 2, 2)),
        ("mixed", 50, WORTH / 2, Shares(0, 0, 50)),
        ("mixed", 20, 1.0, Shares(18, 1, 1)),
        ("likely", 50, 0.0, Shares(50, 0, 0)),
        ("unsure", 50, 0.5, Shares(0, 50, 0)),
        ("random", 50, 0.5, Shares(0, 0, 50)),
    ],
)
def test_a_page_has_its_parts(order, size, of_late, parts) -> None:
    assert shares(order, size, of_late) == parts


def test_what_likely_ones_are_worth_is_what_the_last_of_them_were() -> None:
    good, found = Judged(1, False, queue="likely"), Judged(1, True, queue="likely")
    assert worth([good] * (RECENT - 1)) == 1, "too few to say"
    assert worth([found] * 500 + [good] * RECENT + [Judged(1, True, queue="random")] * 9) == 0
    assert worth([good] * 500 + [found] * 5 + [good] * (RECENT - 5)) == 5 / RECENT
    assert worth([Judged(1, None, queue="likely")] * 500) == 1, "nobody has decided"


def test_the_strangest_come_first_and_then_what_is_like_the_rejected(cars, learner) -> None:
    store, project = cars
    first = page(store, learner, project, 9)
    assert [t.why.split(",")[0] for t in first] == ["first look"] * 9
    assert all(bad(learner, t.image) for t in first)
    decide(store, project, learner, first)
    second = page(store, learner, project, 9)
    assert all(bad(learner, t.image) for t in second[:3])
    assert second[0].why.endswith("likely bad") and second[0].score > second[-1].score
    assert not {t.image for t in first} & {t.image for t in second}


def test_every_picture_is_shown_once_until_none_is_left(cars, learner) -> None:
    store, project = cars
    seen: Counter[int] = Counter()
    while tiles := page(store, learner, project, 7):
        seen.update(t.image for t in tiles)
        decide(store, project, learner, tiles)
    assert len(seen) == 36 and set(seen.values()) == {1}
    assert store.audit(project.id).left == 0


def test_what_was_shown_and_not_decided_comes_again_with_the_same_reason(cars, learner) -> None:
    store, project = cars
    first = page(store, learner, project)
    assert [(t.image, t.why) for t in page(store, learner, project)] == [(t.image, t.why) for t in first]
    behind = page(store, learner, project, without={t.image for t in first})
    assert not {t.image for t in behind} & {t.image for t in first}, "unless it lies on the desk"


def test_two_reviewers_get_different_pages(cars, learner) -> None:
    store, project = cars
    ann = page(store, learner, project)
    store.lease(project.id, "Ann", [t.image for t in ann])
    ben = page(store, learner, project, who="Ben")
    assert len(ben) == 6 and not {t.image for t in ann} & {t.image for t in ben}


def test_a_filter_shows_only_what_it_selects_and_draws_nothing_at_random(cars, learner) -> None:
    store, project = cars
    wanted = Filter("coupe", "undecided", order="mixed")
    tiles = page(store, learner, project, 50, wanted, growing=False)
    assert {t.label for t in tiles} == {"coupe"} and len(tiles) == 12
    assert not [t for t in tiles if "random" in t.why]


def test_first_pages_are_small_unless_somebody_wants_a_number(cars, learner) -> None:
    store, project = cars
    sizes = []
    while tiles := page(store, learner, project, 100):
        sizes.append(len(tiles))
        decide(store, project, learner, tiles)
    assert sizes == [10, 20, 6]
    assert review.next_page(store, learner, project, MIXED, "Ann", 100, growing=False) == []


def test_what_was_kept_with_the_rest_is_drawn_at_random_still(cars, learner) -> None:
    store, project = cars
    everything = [one.id for one in store.images(project.id)]
    rest = tuple(Decision(i, "keep", TOGETHER) for i in everything)
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", rest))
    tiles = page(store, learner, project, 5)
    assert len(tiles) == 5 and {t.why.split(",")[0] for t in tiles} == {"random sample"}


def test_a_random_sample_is_random_and_a_likely_page_is_not(cars, learner) -> None:
    store, project = cars
    likely = page(store, learner, project, 9, Filter(verdict="undecided", order="likely"))
    assert all(bad(learner, t.image) for t in likely)
    drawn = page(
        store, learner, project, 9, Filter(verdict="undecided", order="random"), without={t.image for t in likely}
    )
    assert {t.why.split(",")[0] for t in drawn} == {"random sample"}


def test_a_random_sample_of_what_a_filter_selects_is_one_and_tells_nothing_of_all(cars, learner) -> None:
    store, project = cars
    wanted = Filter("coupe", "undecided", order="random")
    tiles = page(store, learner, project, 6, wanted)
    assert {t.label for t in tiles} == {"coupe"} and {t.why for t in tiles} >= {"random among these"}
    assert not all(bad(learner, t.image) for t in tiles), "they are not the likeliest"
    decide(store, project, learner, tiles)
    assert store.audit(project.id).among == ()


def test_a_likely_one_says_which_reason_it_would_be_rejected_for(cars, learner) -> None:
    store, project = cars
    tiles = page(store, learner, project, size=9, growing=False)
    made = [
        Decision(t.image, "reject" if bad(learner, t.image) else "keep", "interior" if bad(learner, t.image) else "")
        for t in tiles
    ]
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", tuple(made)))
    likely = [
        t for t in page(store, learner, project, size=5, growing=False) if "likely bad" in t.why and t.score > 0.5
    ]
    assert likely and all("bad: interior" in tile.why for tile in likely)
