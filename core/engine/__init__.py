"""Where work happens: one contract, several engines. `engine(settings)` gives the one that is set.

serial.py      everything in this process, one item after the other: for tests, and for looking inside
local.py       this machine: downloads in one loop, decoding in child processes with limits (the default)
conveyor.py    the background loop that both kinds of work of local.py run on
beside.py      an iterator that works while its consumer does something else
child.py       what such a child process runs
group.py       processes that train: several as one, or one for each GPU
ranks.py       what those run
processes.py   start, alive and end of a job's process, the same for every engine of one machine

A failed item is a value with its reason; a failed program raises.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.errors import NotYet

if TYPE_CHECKING:
    from core.settings import Settings

Need = Literal["io", "cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Handle:
    """A process, surely: its number, and when it began, because numbers are used again."""

    pid: int
    created: float  # seconds after the machine was started; no change of the clock moves it


class Engine(Protocol):
    def start(self, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> Handle:
        """Start a process in a session of its own; what it prints is appended to `log`. Raises OSError."""
        ...

    def alive(self, handle: Handle) -> bool:
        """Whether it runs; a zombie, or another process under its number, does not count."""
        ...

    def end(self, handle: Handle, polite: float | None = None) -> None:
        """End it and all that it started: politely, and after so many seconds (None: a few) by force; nothing happens where
        it is gone."""
        ...

    def map(
        self, fn: Callable, items: Iterable, need: Need = "io", idle: float | None = None
    ) -> Iterator[tuple[Any, Any, Exception | None]]:
        """(item, value, error) once for each item, as they get ready, in any order; exactly one of value and error counts.

        Items are taken lazily, a bounded number ahead, so they may be endless. Closing the iterator stops the work.
        "io": `fn` is an async callable; where it is an async context manager too, it is entered once.
        "cpu": `fn` and the items can be pickled; an item whose process dies or takes too long gets errors.Permanent
        with the reason "crashed", "timeout" or "memory".
        With `idle` it may yield None where nothing got ready for so many seconds, so that who asks can do something
        else meanwhile; items may hold None for the same, so one map can take the outcomes of another.
        "gpu": `fn` is called here, one item at a time, so that models stay loaded.
        """
        ...

    def train(
        self, fn: Callable, config: Any, workers: int = 1, gpu: int | None = None, idle: float | None = None
    ) -> Generator[Any, None, None]:
        """What the generator `fn(config)` yields; closed, it closes that. Raises what it raises.

        By several `workers` it runs in as many processes with a GPU each, which torch.distributed connects, and the rows
        of the first of them count. With `gpu`, the number of one, it runs in a process that sees only that, so that several
        can be asked for at once; with `idle` as well it may yield None where nothing came for so many seconds. Else it runs
        here. `fn`, `config` and the rows can be pickled. Raises Died where a process does not start, or dies, and
        NotYet for workers that the engine does not have.
        """
        ...

    def close(self) -> None:
        """End the processes that wait for another training."""
        ...


def engine(settings: Settings) -> Engine:
    """The engine that WINNOW_ENGINE names. Raises NotYet for "ray"."""
    if settings.engine == "ray":
        raise NotYet(
            "WINNOW_ENGINE='ray' comes with a later release, with the cluster: set it to local, or leave it out."
        )
    from core.engine.local import Local

    return Local(settings.connections)


def batches(items: Iterable, size: int, seconds: float) -> Iterator[list]:
    """What `map` yields, in lists of up to `size` items; a smaller one once `seconds` have passed since the last.

    None among the items is left out: it is the time to see how many seconds have passed. Where it comes and nothing
    else did, the list is empty.
    """
    batch, started = [], time.monotonic()
    for item in items:
        if item is not None:
            batch.append(item)
        if len(batch) >= size or time.monotonic() - started >= seconds:
            yield batch
            batch, started = [], time.monotonic()
    if batch:
        yield batch
