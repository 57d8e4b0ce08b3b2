"""The engine that runs all in this process, one item after the other. No limits on time and memory, no isolation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from core.engine import Need
from core.engine.processes import Processes
from core.errors import BadInput, NotYet

Outcome = tuple[Any, Any, Exception | None]


class Serial(Processes):
    def map(self, fn: Callable, items: Iterable, need: Need = "io", idle: float | None = None) -> Iterator[Outcome]:
        if need not in ("io", "cpu", "gpu"):
            raise BadInput(f"need={need!r} is no kind of work: wanted io, cpu or gpu.")
        return _awaited(fn, items) if need == "io" else here(fn, items)

    def train(
        self, fn: Callable, config: Any, workers: int = 1, gpu: int | None = None, idle: float | None = None
    ) -> Generator[Any, None, None]:
        if workers != 1 or gpu is not None:
            raise NotYet(
                "This engine trains in one process, on the device that is set: WINNOW_ENGINE=local uses all GPUs."
            )
        return fn(config)

    def close(self) -> None:
        """There are none."""


def here(fn: Callable, items: Iterable) -> Iterator[Outcome]:
    for item in items:
        if item is None:  # its source has nothing yet
            yield None  # type: ignore[misc]
            continue
        try:
            outcome = item, fn(item), None
        except Exception as error:
            outcome = item, None, error
        yield outcome


def _awaited(fn: Callable, items: Iterable) -> Iterator[Outcome]:
    with asyncio.Runner() as runner:
        entered = hasattr(fn, "__aenter__")
        if entered:
            runner.run(fn.__aenter__())
        try:
            yield from here(lambda item: runner.run(fn(item)), items)
        finally:
            if entered:
                runner.run(fn.__aexit__(None, None, None))
