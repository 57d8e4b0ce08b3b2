"""Which reason a picture would be rejected for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.model import Judged
from core.review import reasons
from core.review.described import Described

INTERIORS, POSTERS = range(100, 120), range(120, 140)


@pytest.fixture
def described() -> Described:
    """Twenty interiors, twenty posters, twenty cars, each kind around a place of its own."""
    chance, kind = np.random.default_rng(0), np.repeat([0, 1, 2], 20)
    rows = chance.normal(size=(60, 8)).astype(np.float32) * 0.3
    rows[np.arange(60), kind] += 1
    none = np.zeros(60, np.float32)
    return Described(np.arange(100, 160), rows, np.zeros(60, np.int32), none, np.ones(60, bool), ("car",), "drawn")


def rejected(images, reason: str) -> list[Judged]:
    return [Judged(image, True, "likely", reason) for image in images]


def test_it_is_that_of_the_rejects_that_look_like_it(described) -> None:
    said = [*rejected(INTERIORS[:10], "interior"), *rejected(POSTERS[:10], "drawing or poster")]
    found = reasons.likely(described, said, [115, 135])
    assert [reason for reason, _ in found.values()] == ["interior", "drawing or poster"]
    assert all(share >= reasons.SURE for _, share in found.values())


def test_a_picture_says_nothing_of_itself(described) -> None:
    said = [*rejected(INTERIORS[:10], "interior"), *rejected([115], "other")]
    assert reasons.likely(described, said, [115])[115][0] == "interior"
    assert reasons.likely(described, rejected([115], "other"), [115]) == {}


def test_nothing_is_said_where_the_neighbours_say_different_things(described) -> None:
    kinds = "interior", "blurred", "other", "part only", "text or logo"
    said = [one for n, kind in enumerate(kinds) for one in rejected(INTERIORS[n * 2 : n * 2 + 2], kind)]
    assert reasons.likely(described, said, [115]) == {}


def test_nothing_is_said_without_a_reason_or_of_what_is_unknown(described) -> None:
    said = rejected(INTERIORS[:10], "interior")
    assert reasons.likely(described, [Judged(i, True, "likely") for i in INTERIORS[:10]], [115]) == {}
    assert reasons.likely(described, said, [7, 999]) == {}
    unknown = described.known.copy()
    unknown[15] = False
    assert reasons.likely(replace(described, known=unknown), said, [115, 116]).keys() == {116}
    unknown[:10] = False
    assert reasons.likely(replace(described, known=unknown), said, [116]) == {}
