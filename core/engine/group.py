"""Processes that run a generator function together, and the rows that come from it."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from core.errors import Died

START = 300.0  # seconds for all of them to import what they need
LEAVE = 25.0  # seconds for what a generator does when it is closed
PATIENCE = 5.0  # seconds for processes to end, before it is asked harder
# Of another launcher around this program: not of the processes that are started here.
OTHERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")


class Group:
    """`workers` processes as torchrun starts them, or one that sees a single GPU; they take one task after the other."""

    def __init__(self, workers: int, gpu: int | None) -> None:
        """`gpu` is the number of the one that it sees, among those that this process sees; None: all of them.

        Raises Died where they do not start.
        """
        script = str(Path(__file__).with_name("ranks.py"))
        environment = {key: value for key, value in os.environ.items() if key not in OTHERS}
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
        if gpu is not None:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES")
            environment["CUDA_VISIBLE_DEVICES"] = visible.split(",")[gpu].strip() if visible else str(gpu)
        self._folder = tempfile.mkdtemp(prefix="winnow-")  # nobody else may connect to what lies in it
        self._lines: list[Connection] = []
        with socket.socket(socket.AF_UNIX) as door:
            address = f"{self._folder}/door"
            door.bind(address)
            door.listen()
            door.settimeout(0.2)
            words = ["rank", address] if workers == 1 else ["launch", str(workers), address]
            self._process = subprocess.Popen(
                [sys.executable, script, *words], stdin=subprocess.DEVNULL, env=environment
            )
            try:
                self._connect(door, workers)
            except BaseException:
                self.end()
                raise
        self.ready = True  # for a task

    def _connect(self, door: socket.socket, workers: int) -> None:
        numbers: dict[int, Connection] = {}
        patience = time.monotonic() + START
        while len(numbers) < workers:
            with suppress(TimeoutError, EOFError):
                self._lines.append(Connection(door.accept()[0].detach()))
                numbers[self._lines[-1].recv()] = self._lines[-1]
            if self._process.poll() is not None or time.monotonic() > patience:
                raise Died("A process that was to train did not start: what it said stands in the job's log.")
        self._lines = [numbers[number] for number in sorted(numbers)]

    def alive(self) -> bool:
        return self._process.poll() is None

    def rows(self, fn: Callable, config: Any, idle: float | None = None) -> Iterator[Any]:
        """What the generator `fn(config)` of the first of them yields; None where nothing came for `idle` seconds.

        Closed, it closes that generator and waits for it. Raises what one of them raises, and Died where one
        is gone.
        """
        self.ready = False
        task = (list(sys.path), pickle.dumps((fn, config)))
        first, at_work = self._lines[0], list(self._lines)
        asked = False  # the first one waits for a word
        try:
            for line in at_work:
                line.send(task)
            while at_work:
                for line in wait(at_work, idle) or (None,):
                    if line is None:
                        yield None
                        continue
                    kind, value = line.recv()  # type: ignore[union-attr]
                    if kind == "error":
                        raise value
                    if kind == "end":
                        at_work.remove(line)  # type: ignore[arg-type]
                        continue
                    asked = True
                    yield value
                    first.send(True)
                    asked = False
        except (EOFError, ConnectionError):
            raise Died(
                f"A process that trained died ({self._how()}). What was learned until the end of the last epoch is kept:"
                " go on with it."
            ) from None
        except BaseException as ended:
            if not isinstance(ended, Exception):  # closed, or interrupted
                self._close(first, asked)
            raise
        self.ready = True

    def _close(self, first: Connection, asked: bool) -> None:
        """Let the first one close its generator; the others wait for it in vain, and are ended."""
        patience = time.monotonic() + LEAVE
        with suppress(EOFError, ConnectionError):
            while time.monotonic() < patience:
                if asked:
                    first.send(False)
                asked = False
                if not first.poll(0.2):
                    continue
                kind, value = first.recv()
                if kind == "error":
                    raise value
                if kind == "end":
                    self.ready = len(self._lines) == 1
                    break
                asked = True
        if len(self._lines) > 1:
            self._process.terminate()

    def _how(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1.0)
            return f"by signal {-code}" if code < 0 else f"exit status {code}"
        return "one of several"

    def end(self) -> None:
        """End the processes; nothing happens where they are gone."""
        for line in self._lines:
            line.close()  # that is enough for one that has nothing to do
        for end in (lambda: None, self._process.terminate, self._process.kill):  # killed, on Linux its own go with it
            end()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
                break
        shutil.rmtree(self._folder, ignore_errors=True)
