"""Look-alikes of one picture, and stacks of likely rejects."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from core.model import Judged
from core.review import alike
from core.review.described import Described
from core.review.learner import Learner, Ranking

N, FIRST = 300, 1000  # pictures, and the number of the first one
KINDS, EACH = 5, 20  # the first 100 are of five kinds of bad ones, 20 each


@pytest.fixture
def described() -> Described:
    chance = np.random.default_rng(5)
    rows = chance.normal(size=(N, 24)).astype(np.float32) * 0.25
    for kind in range(KINDS):
        rows[kind * EACH : (kind + 1) * EACH, kind] += 3
        rows[kind * EACH : (kind + 1) * EACH, 23] += 1.5  # what bad ones have in common
    rows /= np.sqrt((rows**2).sum(1).mean())
    cold = chance.random(N).astype(np.float32)
    return Described(
        np.arange(FIRST, FIRST + N), rows, np.zeros(N, np.int32), cold, np.ones(N, bool), ("car",), "drawn"
    )


def said(*places: int) -> list[Judged]:
    """What a person who knows says of these."""
    return [Judged(FIRST + n, n < KINDS * EACH, queue="likely") for n in places]


SOME = said(*range(0, 100, 5), *range(100, 160))


@pytest.fixture
def ranking(described: Described) -> Ranking:
    return Learner(described).rank(SOME)


def test_the_likest_come_first_without_itself_and_what_is_decided(described, ranking) -> None:
    found = alike.nearest(described, ranking, FIRST + 21)
    assert list(found.likeness) == sorted(found.likeness, reverse=True) and found.likeness.max() <= 1.0001
    assert 21 not in found.places and not set((found.places + FIRST).tolist()) & {one.image for one in SOME}
    assert set(found.places[:15].tolist()) == {n for n in range(20, 40) if n % 5 and n != 21}
    assert len(set(found.places.tolist())) == len(found.places) == N - len(SOME) - 1


def test_the_likeness_is_the_cosine(described, ranking) -> None:
    found = alike.nearest(described, ranking, FIRST + 21, most=7)
    own, rows = described.rows[21], described.rows[found.places]
    cosines = rows @ own / np.linalg.norm(rows, axis=1) / np.linalg.norm(own)
    assert len(found.places) == 7 and found.likeness == pytest.approx(cosines, abs=1e-5)


def test_what_waits_on_the_reviewers_own_screen_is_among_them(described) -> None:
    shown = [Judged(FIRST + n, None, queue="likely") for n in range(20, 30)]
    ranking = Learner(described).rank([*SOME, *shown])
    assert not set(alike.nearest(described, ranking, FIRST + 31).places.tolist()) & set(range(20, 30))
    also = [FIRST + 22, FIRST + 23, 1, 10**9]
    assert set(alike.nearest(described, ranking, FIRST + 31, also=also).places.tolist()) & set(range(20, 30)) == {
        22,
        23,
    }


def test_the_border_is_where_what_is_likely_bad_ends(described, ranking) -> None:
    found = alike.nearest(described, ranking, FIRST + 21)
    assert 12 <= found.border <= alike.PROPOSED
    assert ranking.bad[found.places[: found.border]].mean() > alike.WORTH
    assert (found.places[: found.border] < KINDS * EACH).mean() > 0.9


def test_the_border_is_the_largest_gap_where_nothing_was_learned(described) -> None:
    found = alike.nearest(described, Learner(described).rank([]), FIRST + 21)
    gaps = found.likeness[:-1] - found.likeness[1:]
    assert found.border == gaps[: alike.PROPOSED].argmax() + 1 == EACH - 1


def test_hundreds_that_are_all_likely_are_never_proposed_at_once(described, ranking) -> None:
    every = replace(ranking, bad=np.full(N, 0.99, np.float32), open=np.ones(N, bool))
    assert alike.nearest(described, every, FIRST).border == alike.PROPOSED


def test_equal_ones_come_in_the_order_of_their_number_and_twice_the_same(described, ranking) -> None:
    described.rows[160:260] = described.rows[160]
    once, again = (alike.nearest(described, ranking, FIRST + 160, most=50) for _ in range(2))
    assert list(once.places) == list(again.places) == list(range(161, 211))


@pytest.mark.parametrize("image", [0, FIRST - 1, FIRST + N, 10**12, -3])
def test_an_unknown_image_has_no_look_alikes(described, ranking, image) -> None:
    assert len(alike.nearest(described, ranking, image).places) == 0


def test_what_has_no_vector_looks_like_nothing(described, ranking) -> None:
    known = described.known.copy()
    known[21:31] = False
    half = replace(described, known=known)
    assert len(alike.nearest(half, ranking, FIRST + 21).places) == 0
    assert not set(alike.nearest(half, ranking, FIRST + 31).places.tolist()) & set(range(21, 31))
    bare = replace(described, rows=np.zeros((N, 0), np.float32), known=np.zeros(N, bool))
    assert len(alike.nearest(bare, ranking, FIRST + 21).places) == 0 and alike.stacks(bare, ranking) == []


def test_one_left_and_none_left(described, ranking) -> None:
    for left, border in (((), 0), ((250,), 1)):
        only = replace(ranking, open=np.isin(np.arange(N), left), learned=0)
        found = alike.nearest(described, only, FIRST + 21)
        assert (list(found.places), found.border) == (list(left), border)


def test_stacks_are_disjoint_alike_likely_and_the_fullest_first(described, ranking) -> None:
    found = alike.stacks(described, ranking)
    every = np.concatenate(found).tolist()
    assert len(every) == len(set(every)) and len(found) >= KINDS
    assert all(alike.LEAST <= len(stack) <= alike.LARGEST for stack in found)
    assert (ranking.bad[every] >= alike.LIKELY).all() and ranking.open[every].all()
    sums = [ranking.bad[stack].sum() for stack in found]
    assert sums == sorted(sums, reverse=True)
    for stack in found[:KINDS]:
        assert len({n // EACH for n in stack.tolist()}) == 1, "a stack holds one kind"
        assert list(ranking.bad[stack]) == sorted(ranking.bad[stack], reverse=True)


def test_stacks_are_the_same_each_time_and_as_many_as_asked_for(described, ranking) -> None:
    once, again = ([stack.tolist() for stack in alike.stacks(described, ranking)] for _ in range(2))
    assert once == again
    assert [stack.tolist() for stack in alike.stacks(described, ranking, most=2)] == once[:2]


def test_stacks_hold_only_what_is_allowed_and_what_waits_on_the_screen(described, ranking) -> None:
    (stack,) = alike.stacks(described, ranking, only=np.arange(FIRST + 20, FIRST + 40))
    assert set(stack.tolist()) <= set(range(20, 40))
    with_shown = alike.stacks(described, ranking, also=[FIRST + 20], only=np.arange(FIRST + 20, FIRST + 40))
    assert 20 not in stack and 20 in with_shown[0]


def test_there_are_no_stacks_where_nothing_was_learned_or_nothing_is_left(described, ranking) -> None:
    assert alike.stacks(described, Learner(described).rank([])) == []
    assert alike.stacks(described, replace(ranking, open=np.zeros(N, bool))) == []


@pytest.mark.slow
def test_of_a_hundred_thousand_the_nearest_come_at_once() -> None:
    chance = np.random.default_rng(0)
    count = 100_000
    rows = chance.normal(size=(count, 400)).astype(np.float32)
    bad = chance.random(count).astype(np.float32)
    of = Described(np.arange(count), rows, np.zeros(count, np.int32), bad, np.ones(count, bool), ("car",), "drawn")
    ranking = Ranking(of.ids, bad, bad, np.ones(count, bool), np.argsort(-bad), 100)
    seconds = []
    for image in range(5):
        start = time.perf_counter()
        assert len(alike.nearest(of, ranking, image).places) == alike.MOST
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.2
