"""Items through an async function, many at once, in a loop on a thread of its own.

The loop goes on while the consumer writes to the database; the consumer's thread alone takes items from their source,
so a source may be an ordinary generator that reads the database.
"""

from __future__ import annotations

import asyncio
import collections
import queue
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

from core.errors import Refused

AHEAD = 3  # items under way or ready for the consumer, as a multiple of those at work at once
FED = 2  # the loop has so many times `at_once` to do before the consumer gets what is ready
CLOSE = 3.0  # seconds for the loop to leave; a stuck name lookup cannot be ended, and is left behind


def conveyor(
    fn: Callable[[Any], Awaitable], items: Iterable, at_once: int, idle: float | None = None
) -> Iterator[tuple[Any, Any, Exception | None]]:
    """(item, value, error) of `await fn(item)` as they get ready. Raises what entering `fn` or the source raises.

    With `idle` it yields None after so many seconds without one, and whenever the source does.
    """
    ready: queue.SimpleQueue = queue.SimpleQueue()
    loop = _Loop(fn, at_once, ready)
    source, more, under_way, nothing_yet = iter(items), True, 0, False
    try:
        loop.enter()
        while True:
            # A source that had nothing may have waited for it: what is ready goes first, all of it.
            nothing_yet = nothing_yet and not ready.empty()
            while (
                more and not nothing_yet and under_way < AHEAD * at_once
                and (ready.empty() or under_way - ready.qsize() < FED * at_once)
            ):  # fmt: skip
                try:
                    item = next(source)
                except StopIteration:
                    more = False
                else:
                    nothing_yet = item is None
                    if not nothing_yet:
                        loop.put(item)
                        under_way += 1
            if not (under_way or nothing_yet):
                return
            try:
                outcome = ready.get(block=not nothing_yet, timeout=idle)
            except queue.Empty:
                yield None  # type: ignore[misc]
                continue
            if isinstance(outcome, BaseException):  # the program failed, not an item
                raise outcome
            under_way -= 1
            yield outcome
    finally:
        loop.close()


class _Loop:
    def __init__(self, fn: Callable[[Any], Awaitable], at_once: int, ready: queue.SimpleQueue) -> None:
        self._fn, self._at_once, self._ready = fn, at_once, ready
        self._entered = threading.Event()
        self._broken: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._given: collections.deque = collections.deque()  # items that the loop has yet to take
        self._woken = False  # it was told of them
        self._done: list = []  # outcomes that the consumer has yet to be told of
        self._thread = threading.Thread(target=self._run, name="conveyor", daemon=True)

    def enter(self) -> None:
        self._thread.start()
        self._entered.wait()
        if self._broken is not None:
            raise self._broken

    def put(self, item: Any) -> None:
        self._given.append(item)
        if not self._woken:  # one wake-up for all that is given before the loop gets round to it
            self._woken = True
            self._call(self._take)

    def close(self) -> None:
        self._closed = True
        self._call(lambda: self._leave.set())
        if self._thread.is_alive():
            self._thread.join(CLOSE)

    def _call(self, do: Callable[[], None]) -> None:
        if self._loop is None:
            return
        with suppress(RuntimeError):  # the loop is closed: why stands in `ready`
            self._loop.call_soon_threadsafe(do)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001, handed to the consumer
            self._broken = error
            self._ready.put(error)
        finally:
            self._entered.set()

    async def _main(self) -> None:
        self._todo: asyncio.Queue = asyncio.Queue()
        self._leave = asyncio.Event()
        async with self._fn if isinstance(self._fn, AbstractAsyncContextManager) else nullcontext():
            self._loop = asyncio.get_running_loop()
            if self._closed:  # before it was entered
                return
            self._entered.set()
            async with asyncio.TaskGroup() as workers:
                tasks = [workers.create_task(self._work()) for _ in range(self._at_once)]
                await self._leave.wait()
                for task in tasks:
                    task.cancel()

    async def _work(self) -> None:
        while True:
            item = await self._todo.get()
            try:
                outcome = item, await self._fn(item), None
            except Exception as error:
                outcome = item, None, error
            except asyncio.CancelledError:
                if self._leave.is_set():
                    raise
                outcome = item, None, Refused("cancelled", "Its own library cancelled it.")
            except BaseException as error:  # noqa: BLE001, the program failed, not the item: the consumer raises it
                outcome = error
            if not self._done:
                asyncio.get_running_loop().call_soon(self._hand_over)
            self._done.append(outcome)

    def _take(self) -> None:
        self._woken = False  # first: what is given from here on wakes it again
        while self._given:
            self._todo.put_nowait(self._given.popleft())

    def _hand_over(self) -> None:
        """All that got ready in one turn of the loop: the consumer wakes up once, and not in between."""
        for outcome in self._done:
            self._ready.put(outcome)
        self._done.clear()
