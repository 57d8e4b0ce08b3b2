"""What is looked at next, and why."""

from __future__ import annotations

import uuid
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest

from core import review
from core.model import TOGETHER, Decision, Judged, Operation, Reviewing, Showing
from core.review import second_looks
from core.review.described import Described
from core.review.learner import Learner, Ranking
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


# a page that nobody has seen yet -------------------------------------------------------------------------------------


def ahead(store, learner, project, here, size: int = 20, **more) -> review.Page:
    """The page behind the one that is `here`."""
    on_desk = {tile.image for tile in here}
    return review.choose_page(store, learner, project, MIXED, "Ann", size, on_desk, Random(1).randrange, False, **more)


def marks_of(learner, tiles) -> dict[int, str | None]:
    return {tile.image: "interior" if bad(learner, tile.image) else None for tile in tiles}


@pytest.fixture
def many(store, home: Path):
    """180 pictures; every third is bad and far from the good ones, and nothing tells it before one was rejected."""
    project = filled.scraped(store, home, "many", each=60)
    ids = np.array([one.id for one in store.images(project.id)])
    rows = np.random.default_rng(0).normal(size=(len(ids), 6)).astype(np.float32) / 3
    rows[::3, 0] += 2
    known, cold = np.ones(len(ids), bool), np.full(len(ids), 0.5, np.float32)
    return store, project, Learner(Described(ids, rows, np.zeros(len(ids), np.int32), cold, known, ("car",), "drawn"))


def test_of_a_page_that_nobody_saw_the_random_ones_are_noted_and_the_others_are_not(many) -> None:
    store, project, learner = many
    here = page(store, learner, project, 20, growing=False)
    before = len(store.judged(project.id))
    found = ahead(store, learner, project, here, 50)
    drawn = {tile.image for tile in found.tiles} - {one.image for one in found.chosen}
    assert (len(found.tiles), len(drawn)) == (50, 2) and len(store.judged(project.id)) == before + 2
    assert {one.image for one in store.judged(project.id)[before:]} == drawn


def test_a_page_chosen_anew_has_learned_from_the_marks_as_if_they_were_stored_and_keeps_its_random_ones(many) -> None:
    store, project, learner = many
    here = page(store, learner, project, 20, growing=False)
    before = ahead(store, learner, project, here, 50)
    drawn = {t.image for t in before.tiles if "random" in t.why}
    assert sum(bad(learner, tile.image) for tile in before.tiles) < 30, "nothing was learned yet"
    marks = marks_of(learner, here)
    after = ahead(store, learner, project, here, 50, marks=marks, anew=True)
    assert sum(bad(learner, tile.image) for tile in after.tiles) > 44
    assert {t.image for t in after.tiles if "random" in t.why} == drawn and "bad: interior" in after.tiles[0].why
    told = store.judged(project.id)
    again = ahead(store, learner, project, here, 50, marks=marks, anew=True)
    assert [t.image for t in again.tiles] == [t.image for t in after.tiles] and store.judged(project.id) == told
    made = tuple(Decision(t.image, "reject" if bad(learner, t.image) else "keep") for t in here)
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", made))
    stored = ahead(store, learner, project, (), 50)
    assert [t.image for t in stored.tiles] == [t.image for t in after.tiles]


def test_the_mix_of_a_page_waits_for_what_is_stored(many) -> None:
    """A page that is half looked at has few marks: it must not look as if the likely ones brought nothing any more."""
    store, project, learner = many
    here = page(store, learner, project, 120, growing=False)
    found = ahead(store, learner, project, here, 50, marks=dict.fromkeys([t.image for t in here]))
    assert sum("random" in tile.why for tile in found.tiles) == 2
    made = tuple(Decision(t.image, "keep") for t in here)
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", made))
    assert all("random" in tile.why for tile in page(store, learner, project, 50, growing=False)[2:])


def test_what_is_on_another_screen_is_not_chosen(many) -> None:
    store, project, learner = many
    here = page(store, learner, project, 20, growing=False)
    found = ahead(store, learner, project, here, 50)
    theirs = [one.image for one in found.chosen]
    store.lease(project.id, "Ben", theirs)
    anew = ahead(store, learner, project, here, 50, anew=True)
    assert len(anew.tiles) == 50 and not {tile.image for tile in anew.tiles} & set(theirs)
    store.lease(project.id, "Ben", theirs, 0)
    assert {one.image for one in ahead(store, learner, project, here, 50, anew=True).chosen} == set(theirs)


def test_what_somebody_else_was_shown_meanwhile_is_not_noted_twice(many) -> None:
    store, project, learner = many
    found = ahead(store, learner, project, (), 50)
    store.show(project.id, "Ben", found.chosen[:3], 0, Random(0).randrange)
    noted = store.show(project.id, "Ann", found.chosen, 0, Random(0).randrange)
    assert noted == found.chosen[3:]


# what a second person looks at ---------------------------------------------------------------------------------------


def twice(store, project, **more):
    return store.set_reviewing(project.id, Reviewing(**more))


def hidden(store, project, who: str, tiles) -> list:
    looks = store.second_looks(project.id, who, [t.image for t in tiles])
    return [t for t in tiles if t.image in looks]


def test_while_one_person_reviews_nothing_is_looked_at_twice(cars, learner) -> None:
    store, project = cars
    project = twice(store, project, overlap=0.5)
    decide(store, project, learner, page(store, learner, project))
    assert hidden(store, project, "Ann", page(store, learner, project)) == []


def test_a_share_of_a_page_was_decided_by_somebody_else_and_looks_like_the_rest(cars, learner) -> None:
    store, project = cars
    project = twice(store, project, overlap=0.5)
    decide(store, project, learner, page(store, learner, project, 10))
    before = store.audit(project.id)
    tiles = page(store, learner, project, 8, who="Ben", growing=False)
    twice_seen = hidden(store, project, "Ben", tiles)
    assert (len(tiles), len(twice_seen)) == (8, 4)
    assert {(t.verdict, t.reason) for t in tiles} == {("undecided", "")}
    reasons = {t.why.split(",")[0] for t in twice_seen}
    assert reasons <= {"random sample"} or all(reason.endswith("likely bad") for reason in reasons - {"random sample"})
    again = page(store, learner, project, 8, who="Ben", growing=False)
    assert {t.image: t.why for t in again} == {t.image: t.why for t in tiles}, "until they are answered"
    decide_as(store, project, learner, tiles, "Ben")
    after = store.audit(project.id)
    assert (after.looked, after.left) == (before.looked + 4, before.left - 4), "second looks are none of the estimate's"
    assert len(store.pairs(project.id)) == 4 and store.disputes(project.id) == []
    assert not {t.image for t in twice_seen} & {
        t.image for t in page(store, learner, project, 8, who="Ben", growing=False)
    }


def decide_as(store, project, learner: Learner, tiles, who: str) -> None:
    made = tuple(Decision(t.image, "reject" if bad(learner, t.image) else "keep", version=t.version) for t in tiles)
    store.apply(project.id, Operation(str(uuid.uuid4()), who, made))


def test_the_share_is_right_in_the_long_run_on_small_pages_too(cars, learner) -> None:
    store, project = cars
    project = twice(store, project, overlap=0.25)
    decide(store, project, learner, page(store, learner, project, 12, growing=False))
    chance, found = Random(3).randrange, 0
    for _ in range(100):
        chosen = second_looks.choose(store, project, MIXED, "Ben", 6, lambda one: one, chance, ())
        found += len(chosen[False])
    assert 120 < found < 180, "100 pages of 6 hold 150"


def test_a_page_chosen_anew_keeps_its_second_looks_and_gets_no_more(cars, learner) -> None:
    store, project = cars
    project = twice(store, project, overlap=0.25)
    decide(store, project, learner, page(store, learner, project, 12, growing=False))

    def bens(anew: bool) -> set[int]:
        found = review.choose_page(store, learner, project, MIXED, "Ben", 8, chance=Random(0).randrange, anew=anew)
        return {tile.image for tile in hidden(store, project, "Ben", found.tiles)}

    first = bens(False)
    assert len(first) == 2 and bens(True) == bens(True) == first


def test_at_the_end_nobody_is_kept_by_what_is_decided(cars, learner) -> None:
    store, project = cars
    project = twice(store, project, overlap=0.1)
    while tiles := page(store, learner, project, 12, growing=False):
        decide(store, project, learner, tiles)
    assert page(store, learner, project, 12, who="Ben") == []


def test_half_of_the_check_pictures_are_bad_and_the_trusted_one_gets_none(cars, learner) -> None:
    store, project = cars
    project = twice(store, project, overlap=0, checks=0.5, trusted="Ann")
    decide(store, project, learner, page(store, learner, project, 6))
    decide(
        store,
        project,
        learner,
        page(store, learner, project, 12, Filter(verdict="undecided", order="random"), growing=False),
    )
    tiles = page(store, learner, project, 8, who="Ben", growing=False)
    known = hidden(store, project, "Ben", tiles)
    assert len(known) == 4 and sum(bad(learner, t.image) for t in known) == 2
    assert store.check_counts(project.id) == {"Ben": 4}
    decide_as(store, project, learner, tiles, "Ben")
    assert hidden(store, project, "Ann", page(store, learner, project, 8, growing=False)) == []


@pytest.mark.parametrize(
    ("kinds", "one", "as_what"),
    [
        ({"likely", "random"}, Showing(1, "likely", 0.5, "50% likely bad"), "50% likely bad"),
        ({"likely", "random"}, Showing(1, "likely", 0.99, "99% likely bad"), "random sample"),
        ({"random"}, Showing(1, "likely", 0.5, "50% likely bad"), "random sample"),
        ({"likely", "unsure"}, Showing(1, "unsure", 0.4, "unsure, 40% likely bad"), "unsure, 40% likely bad"),
        ({"likely"}, Showing(1, "first", 0.9, "first look"), None),
        ({"some"}, Showing(1, "first", 0.9, "first look"), "random among these"),
    ],
)
def test_a_reason_that_would_stand_out_is_not_given(kinds, one, as_what) -> None:
    chances = np.array([0.4, 0.6], np.float32)
    ranking = Ranking(np.array([1, 2]), chances, chances, np.ones(2, bool), np.array([1, 0]), 9)
    passed = second_looks.passing(ranking, ranking.order, kinds)(one)
    assert (passed.why if passed else None) == as_what
