"""Wilson's interval by published figures, and a bootstrap that holds what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate import wilson
from core.evaluate.intervals import DRAWS, around, draws


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilsons(right: int, total: int, low: float, high: float) -> None:
    # 81 of 263: Newcombe 1998, table I, method 3
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-5)


def test_a_resample_has_as_many_photos_and_takes_all_pictures_of_each() -> None:
    photos = np.array([0, 0, 1, 2, 2, 2])
    drawn = np.concatenate(list(draws(photos)))
    assert drawn.shape == (DRAWS, 6) and drawn[:, [0, 2, 3]].sum(axis=1) == pytest.approx(3)
    assert (drawn[:, 0] == drawn[:, 1]).all() and (drawn[:, 3:5] == drawn[:, 5:]).all()


def test_a_seed_gives_the_same_resamples() -> None:
    one, two, other = (next(iter(draws(np.arange(9), seed))) for seed in (0, 0, 1))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_nineteen_of_twenty_intervals_hold_the_true_mean() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        values = rng.random(60)
        drawn = np.concatenate([weights @ values / 60 for weights in draws(np.arange(60), int(rng.integers(2**31)))])
        low, high = around(float(values.mean()), drawn)
        held += low <= 0.5 <= high
    assert 0.9 <= held / 200 <= 0.99


def test_an_interval_lies_around_its_figure_though_every_resample_is_higher() -> None:
    assert around(0.1, np.linspace(0.2, 0.4, 1001)) == pytest.approx((0.005, 0.195))
    assert around(0.02, np.linspace(0.2, 0.4, 1001))[0] == 0
