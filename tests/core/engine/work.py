"""What child processes run in test_engine.py: a module of its own, so that they import nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import BadInput


def double(item: int) -> int:
    if item < 0:
        raise ValueError(f"{item} is below zero")
    return 2 * item


def misbehave(item: str) -> str:
    if item == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if item == "exit":
        os._exit(3)
    if item == "slow":
        time.sleep(60)
    if item == "memory":
        return str(len(bytearray(3 << 30)))
    if item == "print":
        print("a library that prints to stdout")
    return item


class Odd(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def odd(item: int) -> int:
    raise Odd(item, item)


def pid(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def counting(config: dict) -> Iterator[int]:
    """Yields 0, 1, 2, ...; by `config` it fails, dies or dawdles at a row, tells its process, and notes that it was
    closed."""
    try:
        for row in range(config["rows"]):
            if config.get("fails") == row:
                raise BadInput(f"row {row} is no good")
            if config.get("dies") == row:
                os.kill(os.getpid(), signal.SIGKILL)
            if config.get("waits") == row:
                time.sleep(1.0)
            yield os.getpid() if config.get("pid") else row
    finally:
        if "closed" in config:
            Path(config["closed"]).write_text("closed")
