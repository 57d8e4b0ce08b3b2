"""An iterator that works in a thread of its own while its consumer does something else."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")
WAIT = 0.1  # seconds


def beside(items: Generator[T, None, None]) -> Iterator[T | None]:
    """What `items` yields; None each time that WAIT seconds have passed without it.

    An item is begun when it is asked for, not before, so `items` may read what its consumer writes. Raises what `items`
    raises. Closing this leaves an item alone that is under way: a host that hangs does not hold up who stops.
    """
    wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
    ready: queue.SimpleQueue[tuple[list[T], BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            while wanted.get():
                ready.put(([next(items)], None))
        except StopIteration:
            ready.put(([], None))
        except BaseException as error:  # noqa: BLE001, the consumer raises it
            ready.put(([], error))
        finally:
            items.close()

    threading.Thread(target=work, name="asking", daemon=True).start()
    try:
        while True:
            wanted.put(True)
            while True:
                try:
                    found, error = ready.get(timeout=WAIT)
                    break
                except queue.Empty:
                    yield None
            if error is not None:
                raise error
            if not found:
                return
            yield found[0]
    finally:
        wanted.put(False)
