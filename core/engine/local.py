"""This machine: downloads in one loop, decoding in child processes with limits on time and memory, training on all GPUs."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from core.device import cores
from core.engine import Need
from core.engine.conveyor import conveyor
from core.engine.group import Group
from core.engine.serial import Outcome, Serial
from core.errors import Permanent

HEAD = struct.Struct(">Q")  # a message: its length in bytes, then the pickle
START = 60.0  # seconds for a child to import what it needs, on a machine that is busy
# One child is one core: libraries that start threads of their own would only fight the other children.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")}


class Local(Serial):
    def __init__(self, at_once: int = 64, children: int = 0, seconds: float = 20.0, memory: int = 2 << 30) -> None:
        """`at_once` downloads; `children` processes (0 = one for each core), each with `memory` bytes of address space
        and `seconds` for an item."""
        super().__init__()
        self._at_once, self._children = at_once, children or cores()
        self._seconds, self._memory = seconds, memory
        self._groups: dict[int, Group] = {}  # by GPU, ready for the next training: they have imported all they need

    def map(self, fn: Callable, items: Iterable, need: Need = "io", idle: float | None = None) -> Iterator[Outcome]:
        if need == "io":
            return conveyor(fn, items, self._at_once, idle)
        if need == "cpu":
            pool = _Children(fn, self._children, self._seconds, self._memory)
            return conveyor(pool, items, 2 * self._children, idle)  # the next item is pickled while one is at work
        return super().map(fn, items, need, idle)

    def train(
        self, fn: Callable, config: Any, workers: int = 1, gpu: int | None = None, idle: float | None = None
    ) -> Generator[Any, None, None]:
        if workers == 1 and gpu is None:
            return fn(config)
        return self._apart(fn, config, workers, gpu, idle)

    def _apart(
        self, fn: Callable, config: Any, workers: int, gpu: int | None, idle: float | None
    ) -> Generator[Any, None, None]:
        group = self._groups.pop(gpu, None) if gpu is not None else None
        if group is None or not group.alive():
            group = Group(workers, gpu)
        try:
            yield from group.rows(fn, config, idle)
        finally:
            if group.ready and gpu is not None:
                self._groups[gpu] = group
            else:
                group.end()

    def close(self) -> None:
        """End the processes that wait for another training."""
        while self._groups:
            self._groups.popitem()[1].end()


class _Children:
    """An async callable that hands each item to the next free child."""

    def __init__(self, fn: Callable, count: int, seconds: float, memory: int) -> None:
        work = pickle.dumps({"path": sys.path, "memory": memory, "fn": pickle.dumps(fn)})
        self._all = [_Child(work, seconds) for _ in range(count)]

    async def __aenter__(self) -> None:
        self._free: asyncio.Queue[_Child] = asyncio.Queue()
        try:
            await asyncio.gather(*(child.start() for child in self._all))
        except BaseException:
            await self.__aexit__()
            raise
        for child in self._all:
            self._free.put_nowait(child)

    async def __aexit__(self, *_: object) -> None:
        for child in self._all:
            child.kill()

    async def __call__(self, item: Any) -> Any:
        data = pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
        child = await self._free.get()
        try:
            return await child.ask(data)
        finally:
            self._free.put_nowait(child)


class _Child:
    """One child process and the socket to it. Whatever goes wrong inside ends it, and the next item gets a new one."""

    def __init__(self, work: bytes, seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._process: subprocess.Popen | None = None

    async def start(self) -> None:
        """Raises what importing and unpickling the function raises."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("child.py")), str(os.getpid())], stdin=theirs.fileno(),
                stdout=sys.stderr.fileno() if _has_number(sys.stderr) else None, env={**os.environ, **ONE_THREAD},
            )  # fmt: skip
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        good, error = await self._exchange(self._work, START)
        if not good:
            self.kill()
            raise error

    async def ask(self, data: bytes) -> Any:
        if self._process is None:
            await self.start()
        good, value = await self._exchange(data, self._seconds)
        if good:
            return value
        raise value

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._writer.close()

    async def _exchange(self, data: bytes, seconds: float) -> tuple[bool, Any]:
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(HEAD.pack(len(data)))
                self._writer.write(data)
                await self._writer.drain()
                (size,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
                answer = await self._reader.readexactly(size)
        except TimeoutError:
            self.kill()
            raise Permanent("timeout", f"It took longer than {seconds:g} seconds.") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            self.kill()
            raise Permanent("crashed", "The process that worked on it died.") from None
        except BaseException:  # cancelled in the middle: what the child sends next would be taken for another item's
            self.kill()
            raise
        return pickle.loads(answer)


def _has_number(stream: Any) -> bool:
    try:
        return stream.fileno() >= 0
    except (AttributeError, OSError, ValueError):
        return False
