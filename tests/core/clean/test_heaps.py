"""What hangs together is one heap, however it was joined, and only a large one is settled."""

from __future__ import annotations

import random

from core.clean.heaps import LARGE, Heaps


def test_a_heap_is_settled_once_it_is_large():
    heaps = Heaps((row, row + 1) for row in range(LARGE - 2))
    assert not heaps.settled(0, 1)
    heaps.join(LARGE - 1, 0)
    assert heaps.settled(3, LARGE - 1)
    assert not heaps.settled(3, LARGE)


def test_rows_of_two_large_heaps_are_not_settled_until_one_link_joins_them():
    rows = list(range(2 * LARGE))
    heaps = Heaps((row, row + 2) for row in rows[:-2])  # the even ones, and the odd ones
    assert heaps.settled(0, 8) and heaps.settled(1, 9) and not heaps.settled(0, 1)
    heaps.join(4, 5)
    assert heaps.settled(0, 1)


def test_the_order_in_which_they_are_joined_makes_no_difference():
    links = [(row, row // 2) for row in range(1, 3 * LARGE)]
    random.Random(0).shuffle(links)
    heaps = Heaps([*links, *links])
    assert all(heaps.settled(0, row) for row in range(3 * LARGE))
