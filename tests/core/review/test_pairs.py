"""Two classes side by side: which are confused, and the pictures of each that look like the other."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from core.model import Judged
from core.review import pairs as of_pairs
from core.review.described import Described, labels
from core.review.learner import Learner
from core.review.pairs import pairs

EACH, FIRST = 40, 100
NAMES = ("coupe", "sedan", "suv")


@pytest.fixture
def described() -> Described:
    """Forty pictures of each of three classes; the first three coupes look like sedans, the first two sedans like coupes."""
    chance, classes = np.random.default_rng(3), np.repeat([0, 1, 2], EACH).astype(np.int32)
    looks = classes.copy()
    looks[:3], looks[EACH : EACH + 2] = 1, 0
    rows = chance.normal(size=(3 * EACH, 12)).astype(np.float32) * 0.3
    rows[np.arange(3 * EACH), looks] += 2
    ids, known = np.arange(FIRST, FIRST + 3 * EACH), np.ones(3 * EACH, bool)
    return Described(
        ids, np.hstack([rows, labels(classes)]), classes, np.zeros(3 * EACH, np.float32), known, NAMES, "drawn"
    )


def found(described, issues=None, moved=None, judged=(), **more):
    return pairs(described, Learner(described).rank(judged), judged, issues or {}, moved or {}, **more)


def images(side) -> list[int]:
    return (side.places + FIRST).tolist()


def test_each_side_holds_what_looks_like_the_other(described) -> None:
    (pair,) = found(described)
    left, right = pair.sides
    assert (left.label, right.label) == ("coupe", "sedan") and (left.count, right.count) == (3, 2)
    assert set(images(left)) == {100, 101, 102} and set(images(right)) == {140, 141}
    assert list(left.chances) == sorted(left.chances, reverse=True) and left.chances.min() > of_pairs.MAYBE
    assert not left.noticed.any()


def test_what_clean_noticed_comes_first_and_is_believed(described) -> None:
    (first, second) = found(described, {110: ("sedan", 0.66), 101: ("sedan", 0.7), 150: ("suv", 0.9)})
    left = first.sides[0]
    assert images(left)[:2] == [101, 110] and left.noticed.tolist() == [True, True, False, False]
    assert left.chances[:2] == pytest.approx([0.7, 0.66]) and first.confused == 2
    assert [side.label for side in second.sides] == ["sedan", "suv"] and images(second.sides[0]) == [150]
    assert images(second.sides[1]) == []


def test_the_pair_that_people_moved_most_between_comes_first(described) -> None:
    issues = {110: ("sedan", 0.8), 190: ("sedan", 0.8)}
    assert [p.sides[1].label for p in found(described, issues)] == ["sedan", "suv"]
    first, second = found(described, issues, {("suv", "sedan"): 5, ("suv", "coupe"): 9, ("van", "suv"): 99})
    assert [side.label for side in first.sides] == ["sedan", "suv"] and (first.confused, second.confused) == (6, 1)


def test_only_what_waits_for_a_decision_is_shown(described) -> None:
    judged = [Judged(100, True), Judged(101, False), Judged(102, None, "likely")]
    (pair,) = found(described, {100: ("sedan", 0.9)}, judged=judged)
    assert images(pair.sides[0]) == [] and len(images(pair.sides[1])) == 2
    (pair,) = found(described, judged=judged, also=[102])
    assert images(pair.sides[0]) == [102], "it waits on the reviewer's own screen"
    (pair,) = found(described, only=np.array([141, 180]))
    assert images(pair.sides[1]) == [141] and images(pair.sides[0]) == []


def test_no_more_are_shown_than_a_person_can_look_over(described) -> None:
    some = {100 + n: ("sedan", 0.5 + n / 100) for n in range(30)}
    (pair,) = found(described, some, most=1)
    left = pair.sides[0]
    assert left.count == 30 and len(left.places) == of_pairs.SHOWN and images(left)[0] == 129


def test_there_are_none_where_nothing_is_known_or_there_is_one_class(described) -> None:
    assert found(replace(described, known=np.zeros(3 * EACH, bool)), {100: ("sedan", 0.9)}) == []
    assert found(replace(described, names=("car",), classes=described.classes * 0)) == []
    assert found(described, {999: ("sedan", 0.9)}, only=np.array([], np.int64)) == []


@pytest.mark.slow
def test_a_hundred_thousand_pictures_take_a_few_seconds() -> None:
    chance, count = np.random.default_rng(0), 100_000
    classes = chance.integers(0, 20, count).astype(np.int32)
    rows = chance.normal(size=(count, 384)).astype(np.float32)
    rows[np.arange(count), classes] += 3
    of = Described(
        np.arange(count), np.hstack([rows, labels(classes)]), classes, np.zeros(count, np.float32),
        np.ones(count, bool), tuple(f"class {n:02}" for n in range(20)), "drawn",
    )  # fmt: skip
    ranking, began = Learner(of).rank([]), time.process_time()
    pairs(of, ranking, [], {}, {})
    assert time.process_time() - began < 20
