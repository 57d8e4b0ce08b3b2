"""An iterator at work beside its consumer."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from core.engine import beside as b
from core.engine.beside import beside


def test_what_takes_long_says_nothing_yet_in_between_and_comes_in_order(monkeypatch):
    monkeypatch.setattr(b, "WAIT", 0.02)

    def slow() -> Generator[int, None, None]:
        for n in range(3):
            time.sleep(0.1)
            yield n

    found = list(beside(slow()))
    assert [n for n in found if n is not None] == [0, 1, 2] and found.count(None) >= 6


def test_an_item_is_begun_only_when_it_is_asked_for():
    written: list[int] = []
    read: list[int] = []

    def reading() -> Generator[int, None, None]:
        for n in range(3):
            read.append(len(written))
            yield n

    for n in beside(reading()):
        if n is not None:
            written.append(n)
            time.sleep(0.02)
    assert read == [0, 1, 2]


def test_what_goes_wrong_in_it_goes_wrong_for_its_consumer():
    def broken() -> Generator[int, None, None]:
        yield 1
        raise ValueError("no such page")

    found = beside(broken())
    assert next(found) == 1
    with pytest.raises(ValueError, match="no such page"):
        list(found)


def test_who_stops_does_not_wait_for_what_is_under_way_and_it_is_closed_afterwards(monkeypatch):
    monkeypatch.setattr(b, "WAIT", 0.01)
    answered, closed = threading.Event(), threading.Event()

    def hanging() -> Generator[int, None, None]:
        try:
            while True:
                answered.wait(20)
                yield 1
        finally:
            closed.set()

    found = beside(hanging())
    assert next(found) is None
    began = time.monotonic()
    found.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 5 and not closed.is_set()
    answered.set()
    assert closed.wait(5)
