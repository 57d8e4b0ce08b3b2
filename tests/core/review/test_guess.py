"""Which class a picture looks like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.model import Judged
from core.review.described import Described, labels
from core.review.guess import chances, guess, instead


@pytest.fixture
def described() -> Described:
    """Thirty pictures of each of two classes, apart; number 5 stands in the wrong one."""
    chance, classes = np.random.default_rng(0), np.repeat([0, 1], 30).astype(np.int32)
    rows = chance.normal(size=(60, 8)).astype(np.float32) * 0.2
    rows[np.arange(60), classes] += 2
    rows[5, :2] = (0, 2)
    ids = np.arange(100, 160)
    return Described(
        ids,
        np.hstack([rows, labels(classes)]),
        classes,
        np.zeros(60, np.float32),
        np.ones(60, bool),
        ("coupe", "sedan"),
        "drawn",
    )


def test_the_class_that_it_looks_like_comes_first_whatever_it_is_called(described) -> None:
    (first, chance), (second, _) = guess(described, 105)
    assert (first, second) == ("sedan", "coupe") and chance > 0.9
    assert guess(described, 110)[0][0] == "coupe"


def test_the_chances_of_all_classes_make_one(described) -> None:
    assert sum(chance for _, chance in guess(described, 120)) == pytest.approx(1, abs=0.002)


def test_pictures_found_bad_have_no_vote(described) -> None:
    bad = [Judged(i, True) for i in (*range(130, 160), 999)]
    assert guess(described, 105, bad)[0][0] == "coupe", "all sedans were found bad"
    assert guess(described, 105, [Judged(i, False) for i in range(131, 160)])[0][0] == "sedan"


def test_nothing_is_guessed_where_nothing_is_known(described) -> None:
    assert guess(described, 7) == guess(described, 999) == []
    unknown = described.known.copy()
    unknown[5] = False
    assert guess(replace(described, known=unknown), 105) == []
    assert guess(replace(described, names=("car",)), 105) == []


def test_a_page_of_pictures_is_guessed_as_each_alone(described) -> None:
    places = np.array([5, 10, 40])
    votes = chances(described, places)
    assert votes.shape == (3, 2) and votes.sum(1) == pytest.approx(np.ones(3))
    for place, row in zip(places, votes, strict=True):
        assert dict(guess(described, 100 + int(place))) == pytest.approx(
            dict(zip(described.names, row, strict=True)), abs=0.001
        )


def test_only_some_of_very_many_are_asked(described, monkeypatch) -> None:
    monkeypatch.setattr("core.review.guess.BANK", 12)
    votes = chances(described, np.array([5, 10, 40]))
    assert votes.argmax(1).tolist() == [1, 0, 1]


def test_what_is_not_of_its_class_is_of_the_likeliest_other_one_where_that_is_sure(described) -> None:
    assert instead(described, [105, 110], ["coupe", "coupe"]) == ["sedan", ""], "the second looks like no other class"
    assert instead(described, [110, 999], ["sedan", "sedan"]) == ["coupe", ""], "nobody knows picture 999"
    assert instead(replace(described, names=("car",)), [105], ["car"]) == [""]
    assert instead(described, [], []) == []
