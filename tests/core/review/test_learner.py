"""From what people said to a ranking of the rest."""

from __future__ import annotations

import numpy as np
import pytest

from core.model import Judged
from core.review.described import Described, frame_of
from core.review.learner import BALANCE, PENALTY, USUAL, Learner, ridge, sigmoid

N, BAD = 400, 60  # pictures, the first of which are bad


@pytest.fixture
def described() -> Described:
    """Bad pictures lie around one place, good ones around another; what cleaning noticed knows nothing of it."""
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(N, 12)).astype(np.float32)
    rows[:BAD, :3] += 2.5
    rows /= np.sqrt((rows**2).sum(1).mean())
    cold = chance.random(N).astype(np.float32)
    return Described(np.arange(10, 10 + N), rows, np.zeros(N, np.int32), cold, np.ones(N, bool), ("car",), "drawn")


def judged(*images: int, **more) -> list[Judged]:
    """What a person who knows says of these."""
    return [Judged(i, i < 10 + BAD, queue="likely", **more) for i in images]


def test_what_is_like_the_bad_ones_comes_first(described) -> None:
    said = judged(*range(10, 20), *range(300, 320))
    ranking = Learner(described).rank(said)
    first = ranking.ids[ranking.order[: BAD - 10]]
    assert (first < 10 + BAD).mean() > 0.8, "of those at random it would be .14"
    assert ranking.learned == 30
    assert not set(ranking.ids[ranking.order].tolist()) & {one.image for one in said}


def test_the_chances_are_honest(described) -> None:
    some = np.random.default_rng(1).permutation(N)[:120] + 10
    ranking = Learner(described).rank(judged(*some.tolist()))
    rest = ranking.order
    assert ranking.bad[rest].sum() == pytest.approx(BAD - (some < 10 + BAD).sum(), rel=0.25)
    assert np.all((ranking.bad >= 0) & (ranking.bad <= 1))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([], "nothing was decided yet"),
        (judged(*range(300, 340)), "no picture was rejected"),
        ([Judged(10, None, queue="likely")], "nothing was decided yet"),
    ],
)
def test_where_there_is_nothing_to_learn_from_cleaning_ranks_and_the_note_says_why(described, said, why) -> None:
    learner = Learner(described)
    ranking = learner.rank(said)
    assert ranking.learned == 0 and why in learner.note
    assert list(ranking.order) == sorted(ranking.order, key=lambda n: -described.cold[n])
    assert ranking.shown(ranking.order[:1], "likely")[0].queue == "first"


def test_where_every_picture_was_rejected_the_rest_is_ranked_and_the_note_says_what_that_is_worth(described) -> None:
    learner = Learner(described)
    ranking = learner.rank(judged(*range(10, 40)))
    assert "what is good is a guess" in learner.note
    assert (ranking.ids[ranking.order[:20]] < 10 + BAD).mean() > 0.6, "of those at random it would be .08"


def test_without_vectors_the_note_says_to_clean(described) -> None:
    from dataclasses import replace

    bare = Learner(replace(described, known=np.zeros(N, bool), by=""))
    bare.rank(judged(*range(10, 20), *range(300, 320)))
    assert "clean the project" in bare.note


def test_contradictory_decisions_on_copies_leave_a_ranking(described) -> None:
    described.rows[300:310] = described.rows[:10]  # the same ten pictures, once called bad and once good
    ranking = Learner(described).rank(judged(*range(10, 40), *range(310, 330)))
    assert np.isfinite(ranking.bad).all() and len(ranking.order) == N - 50


def test_a_picture_that_is_not_described_is_passed_over(described) -> None:
    ranking = Learner(described).rank([*judged(*range(10, 20), *range(300, 320)), Judged(9999, True), Judged(1, False)])
    assert ranking.learned == 30


def test_it_learns_again_only_from_a_new_decision(described) -> None:
    learner, said = Learner(described), judged(*range(10, 20), *range(300, 320))
    first, again = learner.rank(said), learner.rank([*said, Judged(100, None, queue="likely")])
    assert again.bad is first.bad
    assert 100 in first.ids[first.order] and 100 not in again.ids[again.order], "it is on a screen"
    assert learner.rank([*said, *judged(100)]).bad is not first.bad


def test_the_score_without_itself_is_that_of_a_fit_without_it(described) -> None:
    rows, bad, usual = np.r_[0:15, 300:330], np.r_[np.ones(15, bool), np.zeros(30, bool)], np.arange(340, 390)
    _, without = ridge(described.rows, rows, bad, usual)
    for_bad, for_good = ((50 / (2 * side)) ** BALANCE for side in (15, 30 + USUAL))  # the weights stay those of all
    weights = np.r_[np.where(bad, for_bad, for_good), np.full(50, for_good * USUAL / 50)]
    z = np.c_[described.rows[np.r_[rows, usual]], np.ones(95)].astype(float)
    aim = np.r_[np.where(bad, 1, -1), -np.ones(50)]
    for k in (0, 20):
        w = np.where(np.arange(95) == k, 0, weights)
        beta = np.linalg.solve((z.T * w) @ z + PENALTY * np.eye(z.shape[1]), z.T @ (w * aim))
        assert without[k] == pytest.approx(z[k] @ beta, abs=1e-6)


def test_a_sigmoid_is_found_again() -> None:
    chance = np.random.default_rng(0)
    scores = chance.normal(size=5000)
    bad = chance.random(5000) < 1 / (1 + np.exp(-(2 * scores - 1)))
    slope, offset = sigmoid(scores, bad)
    assert (slope, offset) == (pytest.approx(2, abs=0.2), pytest.approx(-1, abs=0.1))


def test_components_of_few_and_of_equal_vectors_are_numbers() -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 700)).astype(np.float16)
    rows = frame_of([vectors]).of([vectors])
    assert rows.shape == (30, 30) and (rows**2).sum(1).mean() == pytest.approx(1, abs=0.01)
    equal = [np.repeat(vectors[:1], 5, 0)]
    assert np.isfinite(frame_of(equal).of(equal)).all()
