"""How far two people agree, what one finds of what is known, how fast they work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.model import Pair, Word
from core.review.agreement import ENOUGH, between, checked, dispute, kappa, of_one, pace, said

AT = datetime(2026, 1, 1, tzinfo=UTC)


def words(table: list[list[int]], kinds: str = "abc") -> list[tuple[str, str]]:
    """Two people's words from the table of how often each pair of them came."""
    return [(kinds[i], kinds[j]) for i, row in enumerate(table) for j, many in enumerate(row) for _ in range(many)]


def pair(first: str, second: str, who: tuple[str, str] = ("Ann", "Ben"), known: bool = False) -> Pair:
    """`keep`, `reject`, or another class, of either."""

    def word(name: str, kind: str) -> Word:
        return Word(name, kind) if kind in ("keep", "reject") else Word(name, "keep", label=kind)  # type: ignore[arg-type]

    return Pair(1, word(who[0], first), word(who[1], second), known)


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676),  # Fleiss, Levin and Paik 2003, table 18.1
        ([[106, 10, 4], [22, 28, 10], [2, 12, 6]], 0.429),  # Fleiss, Cohen and Everitt 1969
    ],
)
def test_kappa_is_that_of_published_examples(table, value) -> None:
    found = kappa(words(table))
    assert found.kappa == pytest.approx(value, abs=5e-4)
    assert found.low < found.kappa < found.high
    assert found.agreed == sum(table[k][k] for k in range(3)) and found.pictures == np.sum(table)


def test_kappa_is_the_one_of_scikit_learn_whatever_was_said() -> None:
    chance = np.random.default_rng(0)
    for _ in range(50):
        some = [("abc"[i], "abc"[j]) for i, j in chance.integers(0, 3, (chance.integers(ENOUGH, 60), 2))]
        assert kappa(some).kappa == pytest.approx(cohen_kappa_score(*zip(*some, strict=True)))


def test_the_interval_holds_the_true_kappa_about_as_often_as_it_says() -> None:
    chance, error, bad = np.random.default_rng(0), 0.05, 0.25
    agree, said_bad = (1 - error) ** 2 + error**2, bad * (1 - error) + (1 - bad) * error
    by_chance = said_bad**2 + (1 - said_bad) ** 2
    true, held = (agree - by_chance) / (1 - by_chance), 0
    for _ in range(400):
        truth = chance.random(60) < bad
        one, other = (truth ^ (chance.random(60) < error) for _ in range(2))
        found = kappa([("ab"[i], "ab"[j]) for i, j in zip(one.astype(int), other.astype(int), strict=True)])
        held += found.low <= true <= found.high
    assert 0.92 < held / 400 < 0.99


def test_where_it_is_not_defined_it_says_why() -> None:
    few = kappa([("keep", "keep")] * (ENOUGH - 1))
    assert few.kappa is None and few.words == "too early to say: 9 of 10 pictures so far"
    one_sided = kappa([("keep", "keep")] * 30)
    assert one_sided.kappa is None and "both said keep of all 30" in one_sided.words
    assert kappa([("keep", "keep"), ("keep", "reject")] * 10).kappa == 0, "one of them alone is defined"


def test_who_agreed_on_a_few_pictures_is_not_said_to_agree_for_certain() -> None:
    found = kappa([("keep", "keep")] * 8 + [("reject", "reject")] * 4)
    assert (found.kappa, found.high) == (1, 1) and 0.3 < found.low < 0.6
    assert found.words.startswith("almost perfect, 1.00 (0.")
    assert kappa([("a", "b"), ("b", "a")] * 10).words.startswith("none beyond chance, -1.00")


def test_each_two_are_compared_whoever_was_first_and_check_pictures_are_left_out() -> None:
    pairs = [pair("keep", "keep")] * 6 + [pair("reject", "keep", ("Ben", "Ann"))] * 6
    pairs += [pair("keep", "reject", known=True)] * 50 + [pair("keep", "keep", ("Cleo", "Ann"))]
    found = between(pairs)
    assert list(found) == [("Ann", "Ben"), ("Ann", "Cleo")]
    assert (found["Ann", "Ben"].pictures, found["Ann", "Ben"].agreed, found["Ann", "Ben"].kappa) == (12, 6, 0)
    assert of_one(pairs, "Ann").pictures == 13 and of_one(pairs, "Cleo").pictures == 1


def test_another_class_is_a_word_of_its_own() -> None:
    assert said(Word("Ann", "keep", label="coupe")) == "keep as coupe"
    assert kappa([(said(p.first), said(p.second)) for p in [pair("coupe", "suv")] * 20]).agreed == 0
    assert (
        dispute(Pair(1, Word("anna", "keep"), Word("ben", "reject", "interior")))
        == "anna: keep · ben: reject, interior"
    )


def test_a_check_picture_is_right_where_it_was_held_to_be_bad_like_by_the_trusted_one() -> None:
    known = [pair(*words, known=True) for words in (("reject", "reject"), ("coupe", "reject"), ("reject", "keep"))]
    known += [pair("keep", "keep", known=True)] * 5 + [
        pair("keep", "reject"),
        pair("keep", "reject", ("Ann", "Cleo"), True),
    ]
    of = checked(known, 10, "Ben")
    assert (of["shown"], of["answered"], of["right"], of["bad"], of["found"]) == (10, 8, 7, 3, 2)
    assert of["low"] < 7 / 8 < of["high"] and of["found_low"] < 2 / 3 < of["found_high"]
    assert checked([], 0, "Ben")["answered"] == 0


def test_the_pace_counts_no_pauses_and_not_the_first_page_of_a_sitting() -> None:
    def at(seconds: float) -> datetime:
        return AT + timedelta(seconds=seconds)

    work = [("Ann", at(0), 50), ("Ann", at(60), 50), ("Ann", at(90), 0), ("Ann", at(1000), 50), ("Ann", at(1030), 10)]
    assert pace([*work, ("Ben", at(5), 9)]) == {"Ann": pytest.approx(60 / 2), "Ben": None}
