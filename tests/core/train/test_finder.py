"""The learning rate that a short rise recommends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from core.model import Recipe
from core.train import Pictures
from core.train.finder import find, steepest
from tests.drawn import CLASSES, drawn, tiny_backbones


@pytest.fixture(autouse=True)
def _tiny() -> Iterator[None]:
    with tiny_backbones():
        yield


def found(recipe: Recipe, train: Pictures) -> dict:
    tries = find(recipe, CLASSES, train, drawn(9, 24, 2), "cpu", 1)
    while True:
        try:
            done, total = next(tries)
            assert 0 < done <= total
        except StopIteration as end:
            return end.value


def test_it_finds_a_rate_that_learns_and_shows_the_way_there() -> None:
    told = found(Recipe("tiny24", batch=12), drawn(36, 24, 1))
    assert len(told["rates"]) == len(told["losses"]) > 30
    assert told["rates"] == sorted(told["rates"])
    assert 1e-5 < told["rate"] < 0.3
    assert min(told["losses"]) < told["losses"][0]


def test_twice_asked_it_says_the_same() -> None:
    recipe = Recipe("tiny24", batch=12, deterministic=True)  # else its precision is chosen by what is faster just now
    assert found(recipe, drawn(24, 24, 1)) == found(recipe, drawn(24, 24, 1))


def test_the_steepest_fall_counts_not_the_lowest_loss() -> None:
    rates = np.geomspace(1e-6, 1, 60)
    losses = 2 / (1 + (rates / 1e-3) ** 1.5) + rates * 5
    assert steepest(rates, losses) == pytest.approx(1e-3, rel=0.5)


def test_where_the_loss_does_not_fall_nothing_is_recommended() -> None:
    assert steepest(np.geomspace(1e-6, 1, 60), np.linspace(1, 5, 60)) is None
    assert steepest([1e-6, 1e-5], [1.0, 0.5]) is None
    noise = 2.08 + 0.015 * np.sin(np.arange(60))
    assert steepest(np.geomspace(1e-6, 1, 60), [*noise[:40], *np.linspace(2.1, 3, 20)]) is None
