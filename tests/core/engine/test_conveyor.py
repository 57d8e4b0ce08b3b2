"""What goes in and comes out in bulk: promptly, once each, until the consumer stops or the program fails."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time

import pytest

from core.engine.conveyor import AHEAD, conveyor

LONG = 30.0  # seconds; whoever waits for it has failed


class Gone(BaseException):
    """As the panic of a library that is not written in Python."""


async def at_once(item: int) -> int:
    return item


async def stuck_but_for_the_first(item: int) -> int:
    await asyncio.sleep(LONG if item else 0)
    return item


def test_what_is_ready_arrives_at_once_though_the_others_take_long():
    began = time.monotonic()
    found = conveyor(stuck_but_for_the_first, range(4), 4)
    assert next(found) == (0, 0, None)
    found.close()
    assert time.monotonic() - began < 2


def test_each_of_several_that_get_ready_one_by_one_arrives_at_its_time():
    async def after(item: int) -> float:
        await asyncio.sleep(item)
        return time.monotonic()

    waits = [time.monotonic() - ready for _, ready, _ in conveyor(after, range(4), 4)]
    assert max(waits) < 0.9, "one waited for the next, which comes 1 s later"


def test_work_begins_on_an_item_before_its_source_has_the_next():
    begun = threading.Event()

    async def begin(item: int) -> bool:
        begun.set()
        return True

    def slow():
        yield 0
        yield begun.wait(5)

    assert [item for item, _, _ in conveyor(begin, slow(), 4)] == [0, True]


def test_an_item_that_comes_while_another_is_on_its_way_in_is_not_left_behind():
    dice, begun, late = random.Random(0), [threading.Event() for _ in range(600)], []

    async def begin(item: int) -> None:
        begun[item].set()

    def in_pairs():
        for item in range(0, 600, 2):
            yield item
            until = time.perf_counter() + dice.random() * 0.0004
            while time.perf_counter() < until:
                time.sleep(0)
            yield item + 1
            if not begun[item + 1].wait(2):  # and no later one comes to wake the loop up
                late.append(item + 1)
                return

    assert len(list(conveyor(begin, in_pairs(), 4))) == 600
    assert late == []


@pytest.mark.parametrize("width", [1, 7, 64])
def test_of_many_items_each_comes_back_once(width):
    dice = random.Random(width)

    async def work(item: int) -> int:
        for _ in range(item % 3):
            await asyncio.sleep(0)
        if item % 10 == 0:
            raise ValueError(item)
        return -item

    def source():
        for item in range(3000):
            if dice.random() < 0.05:
                time.sleep(0.0005)
            yield item

    came = []
    for item, value, error in conveyor(work, source(), width):
        came.append(item)
        assert (value, str(error)) == ((None, str(item)) if item % 10 == 0 else (-item, "None"))
        if dice.random() < 0.05:
            time.sleep(0.0005)
    assert sorted(came) == list(range(3000))


def test_items_are_taken_a_bounded_number_ahead_of_a_consumer_that_stands_still():
    taken = itertools.count()
    found = conveyor(at_once, taken, 10)
    assert next(found)[0] == 0
    time.sleep(0.1)
    assert next(taken) <= AHEAD * 10
    found.close()


def test_closing_in_the_middle_ends_the_work_and_its_thread():
    calls, running = 0, 0

    async def work(item: int) -> int:
        nonlocal calls, running
        calls, running = calls + 1, running + 1
        try:
            await asyncio.sleep(LONG if item % 3 == 0 else 0)
        finally:
            running -= 1
        return item

    found = conveyor(work, itertools.count(), 50)
    came = [item for item, _, _ in itertools.islice(found, 40)]
    assert len(set(came)) == 40, "one came twice"
    began = time.monotonic()
    found.close()
    assert time.monotonic() - began < 2
    assert running == 0
    assert not any(thread.name == "conveyor" for thread in threading.enumerate())
    calls_then = calls
    time.sleep(0.05)
    assert calls == calls_then


@pytest.mark.parametrize("failure", [SystemExit, KeyboardInterrupt, Gone])
@pytest.mark.parametrize("count", [20, 10**9])
def test_what_is_no_error_of_an_item_fails_the_program_while_others_are_at_work(failure, count):
    """And those that are at work are not waited for."""

    async def work(item: int) -> int:
        if item == 3:
            raise failure("gone")
        await asyncio.sleep(LONG if item > 3 else 0)
        return item

    began = time.monotonic()
    with pytest.raises(failure, match="gone"):
        list(conveyor(work, range(count), 8))
    assert time.monotonic() - began < 2


def test_what_was_ready_before_the_program_failed_arrives_before_the_failure():
    async def work(item: int) -> int:
        if item == 5:
            await asyncio.sleep(0.05)
            raise SystemExit("gone")
        return item

    came = []
    with pytest.raises(SystemExit, match="gone"):
        for item, _, _ in conveyor(work, range(6), 6):
            came.append(item)
    assert came == [0, 1, 2, 3, 4]


def test_it_says_when_nothing_is_ready_and_passes_on_what_its_source_says():
    async def slow(item):
        await asyncio.sleep(0.5)
        return item

    first = conveyor(slow, [1, 2, 3], 3, idle=0.05)
    outcomes = list(conveyor(slow, (each and each[1] for each in first), 3, idle=0.05))
    assert sorted(each[1] for each in outcomes if each is not None) == [1, 2, 3]
    assert outcomes.count(None) > 4


def test_without_being_asked_it_says_nothing_in_between():
    async def slow(item):
        await asyncio.sleep(0.2)

    assert None not in list(conveyor(slow, range(3), 3))
