"""What child processes run in test_engine.py: a module of its own, so that they import nothing else."""

from __future__ import annotations

import os
import signal
import time


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
