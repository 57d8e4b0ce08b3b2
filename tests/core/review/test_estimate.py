"""How many bad ones are left: what is promised is computed exactly, over all that can happen to small sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.review import estimate as module
from core.review.estimate import FEWER, MORE, Draws, Estimate, estimate, log_wealth, needed

MANY = 1_000_000


@dataclass(frozen=True)
class State:
    """A set in the middle of its review, with the truth."""

    good: int  # left
    bad: int  # left
    shown: tuple[
        tuple[bool, bool], ...
    ] = ()  # of each picture, in order: whether it was drawn, whether it was called bad

    def draws(self, confidence: float = 0.95, rate: float = 0.01) -> Draws:
        return Draws(*self.counted(), confidence, rate)

    def counted(self) -> tuple[list[int], list[bool], list[int], int]:
        left, at = self.good + self.bad, [i for i, (drawn, _) in enumerate(self.shown) if drawn]
        since = [sum(called for _, called in self.shown[i:]) for i in at]
        return [len(self.shown) + left - i for i in at], [self.shown[i][1] for i in at], since, left


Rule = Callable[[State], str]  # what is shown next: "draw", "bad" or "good"; it knows the truth, and may be hostile


def only_draws(state: State) -> str:
    return "draw"


def contrary(state: State) -> str:
    """After a bad draw a good picture, after a good draw a bad one."""
    return "draw" if len(state.shown) % 2 == 0 else "good" if state.shown[-1][1] else "bad"


def hiding(state: State) -> str:
    """Good ones only, so that the share of bad ones among the rest grows."""
    return "draw" if len(state.shown) % 3 else "good"


def helping(state: State) -> str:
    return "draw" if len(state.shown) % 3 else "bad"


RULES = (only_draws, contrary, hiding, helping)


def nexts(state: State, rule: Rule, missed: float, false: float) -> Iterator[tuple[float, State]]:
    """What can be after one more picture, each with its probability."""
    left = state.good + state.bad
    if left == 0:
        return
    kind = rule(state)
    chance = state.bad / left if kind == "draw" or not state.good or not state.bad else float(kind == "bad")
    for bad, called, p in (
        (1, True, chance * (1 - missed)), (1, False, chance * missed),
        (0, True, (1 - chance) * false), (0, False, (1 - chance) * (1 - false)),
    ):  # fmt: skip
        if p:
            yield p, State(state.good - (1 - bad), state.bad - bad, (*state.shown, (kind == "draw", called)))


def ever(what: Callable[[State], bool], state: State, rule: Rule, missed: float = 0, false: float = 0) -> float:
    """The probability that it is so after any picture of the review, the first to the last."""
    return sum(
        p * (1.0 if what(after) else ever(what, after, rule, missed, false))
        for p, after in nexts(state, rule, missed, false)
    )


def mean(
    what: Callable[[State], float], state: State, rule: Rule, end: int, missed: float = 0, false: float = 0
) -> float:
    """The expectation after `end` pictures."""
    if len(state.shown) == end:
        return what(state)
    return sum(p * mean(what, after, rule, end, missed, false) for p, after in nexts(state, rule, missed, false))


def wrong(state: State, confidence: float, rate: float) -> bool:
    told = estimate(*state.counted(), confidence, rate=rate)
    return not told.low <= state.bad <= told.high


def clean(count: int, left: int = MANY, rate: float = 0.01, bad: tuple[int, ...] = ()) -> Estimate:
    """After so many draws and nothing else, all good but for those at the places `bad`."""
    called = np.isin(np.arange(count), bad)
    return estimate(left + count - np.arange(count), called, np.cumsum(called[::-1])[::-1], left, rate=rate)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("good", "bad"), [(9, 1), (7, 3), (3, 7)])
@pytest.mark.parametrize(("confidence", "rate"), [(0.95, 0.01), (0.95, 0.5), (0.6, 0.5)])
def test_the_truth_is_never_outside_more_often_than_said(
    rule: Rule, good: int, bad: int, confidence: float, rate: float
) -> None:
    assert ever(lambda state: wrong(state, confidence, rate), State(good, bad), rule) <= 1 - confidence


def test_and_it_is_outside_now_and_then() -> None:
    # else the test above would show nothing
    assert ever(lambda state: wrong(state, 0.6, 0.5), State(7, 3), only_draws) > 0.05


@pytest.mark.parametrize("rule", RULES)
def test_nor_when_the_reviewer_makes_the_mistakes_allowed_for(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MISSED", 0.3)
    monkeypatch.setattr(module, "FALSE_ALARMS", 0.3)
    for missed, false in ((0.3, 0.3), (0.3, 0.0), (0.0, 0.3)):
        assert ever(lambda state: wrong(state, 0.6, 0.5), State(3, 3), rule, missed, false) <= 0.4


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_against_the_truth_nobody_wins_in_the_mean(rule: Rule, rate: float) -> None:
    def high(state: State) -> float:
        draws = state.draws()
        return np.exp(log_wealth((state.bad + draws.since) / draws.among, draws.bad, FEWER * (1, rate, 1)))

    def low(state: State) -> float:
        draws = state.draws()
        return np.exp(log_wealth(1 - (state.bad + draws.since) / draws.among, ~draws.bad, MORE))

    for end in range(1, 10):
        means = [mean(what, State(5, 4), rule, end) for what in (high, low)]
        if end <= 4:  # then both kinds are left, and the game is fair
            assert means == pytest.approx([1, 1])
        assert max(means) <= 1 + 1e-12  # on what is certain to happen one can only lose


@pytest.mark.parametrize("rule", RULES)
def test_mistakes_never_help_the_one_who_bets(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MISSED", 0.3)

    def high(state: State) -> float:
        draws = state.draws()
        return np.exp(log_wealth(0.7 * (state.bad + draws.since) / draws.among, draws.bad, FEWER * (1, 0.3, 1)))

    for missed, false in ((0.3, 0.3), (0.3, 0.0), (0.1, 0.0), (0.0, 0.3)):
        assert max(mean(high, State(3, 3), rule, end, missed, false) for end in range(1, 7)) <= 1 + 1e-12


def test_both_stakes_are_one() -> None:
    assert FEWER[:, 0].sum() == pytest.approx(1) and MORE[:, 0].sum() == pytest.approx(1)


@st.composite
def reviews(draw: st.DrawFn) -> State:
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count, share = draw(st.integers(1, 300)), draw(st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 1.0]))
    called = rng.random(count) < share
    drawn = rng.random(count) < draw(st.sampled_from([0.05, 0.5, 1.0]))
    left = draw(st.integers(0, 300))
    return State(left, 0, tuple(zip(drawn.tolist(), called.tolist(), strict=True)))


@given(reviews(), st.sampled_from([0.5, 0.95]), st.sampled_from([0.01, 0.2]))
def test_the_interval_is_what_trying_every_count_gives(state: State, confidence: float, rate: float) -> None:
    told = estimate(*state.counted(), confidence, rate=rate)
    assert 0 <= told.low <= told.high <= told.left == state.good
    assert told.bad is None or told.low <= told.bad <= told.high
    if not told.draws or not told.left:
        return
    draws = state.draws(confidence, rate)
    many = [draws.too_many(count) for count in range(told.left + 1)]
    few = [draws.too_few(count) for count in range(told.left + 1)]
    assert many == sorted(many) and few == sorted(few, reverse=True)
    assert told.high == max((count for count, refuted in enumerate(many) if not refuted), default=0)
    assert told.low == min([count for count, refuted in enumerate(few) if not refuted] + [told.high])


def test_before_the_first_draw_nothing_is_known() -> None:
    assert estimate([], [], [], 2950) == Estimate(2950, None, 0, 2950, 0, 0, 0.95)


def test_when_all_were_shown_none_is_left() -> None:
    assert estimate([5, 4], [True, False], [2, 1], 0) == Estimate(0, 0.0, 0, 0, 2, 1, 0.95)
    assert estimate([], [], [], 0).rate == 0


def test_more_clean_draws_never_raise_the_bound() -> None:
    highs = [clean(count).high for count in range(0, 2000, 50)]
    assert highs == sorted(highs, reverse=True) and highs[-1] < 0.002 * MANY


def test_a_clean_end_takes_less_than_a_third_more_than_a_sample_of_a_size_fixed_before() -> None:
    fixed = 300  # 0.99 ** n <= 0.05
    assert fixed < needed(MANY) < 1.3 * fixed
    assert needed(MANY, 0.05) < 1.3 * 60 and needed(MANY, 0.001) < 1.3 * 3000


@pytest.mark.parametrize(("bad", "fixed"), [((150,), 474), ((150, 300), 630), ((100, 200, 300), 775)])
def test_bad_draws_at_the_end_cost_less_than_half_more(bad: tuple[int, ...], fixed: int) -> None:
    # fixed: n for which a Poisson variable of mean 0.01 n is at most len(bad) with a probability of 0.05
    assert clean(round(1.45 * fixed), bad=bad).rate <= 0.01


def test_early_draws_made_among_many_bad_ones_do_not_spoil_the_end() -> None:
    # 20,000 pictures, 18 % bad: 40 draws while the learner finds all of them on 6,000, then clean draws
    costs = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        among = 20_000 - 150 * np.arange(40)
        since = np.round(3600 * (1 - np.arange(40) / 40)).astype(int)
        called = rng.random(40) < since / among
        costs.append(needed(14_000, 0.01, among, called, since))
    assert np.mean(costs) < 1.1 * needed(14_000) and max(costs) < 1.5 * needed(14_000)


@pytest.mark.parametrize(("left", "rate"), [(3000, 0.01), (700, 0.02), (60, 0.1), (20, 0.01)])
def test_what_is_needed_is_enough_and_one_less_is_not(left: int, rate: float) -> None:
    more = needed(left, rate)
    assert clean(more, left - more, rate).high <= rate * (left - more)
    assert clean(more - 1, left - more + 1, rate).high > rate * (left - more + 1)


def test_nothing_more_is_needed_when_it_is_done() -> None:
    done = MANY + 500 - np.arange(500), np.zeros(500, bool), np.zeros(500, int)
    assert needed(MANY, 0.01, *done) == 0 < needed(MANY, 0.001, *done)
    assert needed(0) == 0


def test_what_is_needed_falls_with_every_clean_draw() -> None:
    more = [needed(5000 - k, 0.01, 5000 - np.arange(k), [False] * k, [0] * k) for k in range(0, 300, 60)]
    assert more == [more[0] - k for k in range(0, 300, 60)]


def test_missed_pictures_make_the_bound_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    told = clean(400).high
    monkeypatch.setattr(module, "MISSED", 0.0)
    assert 1.015 < told / clean(400).high < 1.025


def test_a_reviewer_who_calls_2_percent_of_the_good_ones_bad_is_not_believed_to_have_found_the_bound_below() -> None:
    told = clean(1000, bad=tuple(range(0, 1000, 50)))
    assert told.low == 0 and told.rate > 0.02


def test_the_lower_bound_finds_what_mistakes_do_not_explain() -> None:
    told = clean(200, left=3000, bad=tuple(range(0, 200, 5)))
    assert 0.05 * 3000 < told.low < 0.2 * 3000 < told.high


def test_early_the_count_is_near_the_share_drawn_and_two_good_draws_are_not_none() -> None:
    told = clean(50, left=2950, bad=tuple(range(0, 50, 5)))
    assert told.bad == pytest.approx(0.2 * 2950, rel=0.1)
    rash = estimate([3000, 2999], [False, False], [30, 30], 2950).bad
    assert rash is not None and rash > 100


def test_at_the_end_of_a_clean_review_the_count_is_none() -> None:
    k = np.arange(400)
    told = estimate(np.append([3000, 2000], 1400 - k), [True, *[False] * 401], [500, 100, *[0] * 400], 1000)
    assert told.bad == 0 and told.high < 20


def test_three_thousand_draws_among_a_million_take_under_a_tenth_of_a_second() -> None:
    called = np.random.default_rng(0).random(3000) < 0.01
    among, since = MANY + 60 * np.arange(3000, 0, -1), np.cumsum(called[::-1])[::-1]

    def once() -> float:
        started = time.process_time()
        estimate(among, called, since, MANY)
        return time.process_time() - started

    assert min(once() for _ in range(3)) < 0.1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([0], [False], [0], 0), "Draw 1 cannot have been made among 0 pictures with 0 left"),
        (([9, 4], [False, False], [0, 0], 5), "Draw 2 cannot have been made among 4 pictures with 5 left"),
        (([9], [False, True], [0], 5), "1 sizes, 2 verdicts and 1 counts do not fit"),
        (([], [], [], -1), "There cannot be -1 pictures left"),
        (([], [], [], 5, 1.0), "The confidence 1.0 does not fit"),
        (([], [], [], 5, 0.0), "The confidence 0.0 does not fit"),
        (([5], [False], [0], 5), "Draw 1 cannot have been made among 5 pictures with 5 left now"),
        (([9], [True], [0], 5), "From draw 1 on 0 bad pictures do not fit: wanted 1 to 4"),  # it was bad itself
        (([9], [False], [4], 5), "From draw 1 on 4 bad pictures do not fit: wanted 0 to 3"),  # of 4, and it was good
        (([9, 8], [False, True], [0, 1], 5), "From draw 1 on 0 bad pictures do not fit: wanted 1 to 3"),
    ],
)
def test_impossible_input_is_a_sentence(arguments: tuple, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        estimate(*arguments)


def test_a_rate_out_of_range_is_a_sentence() -> None:
    with pytest.raises(BadInput, match="The rate 1.5 does not fit"):
        needed(100, 1.5)
