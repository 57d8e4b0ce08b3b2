"""A job's process: started in a session of its own, so that it outlives its starter and can be ended with its family."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from core.engine import Handle

ROOT = Path(__file__).resolve().parents[2]  # where `python -m core` is found
POLITE = 4.0  # seconds a process has to close its work after TERM
FORCED = 1.0  # seconds its family has after it, before KILL
SAME = 1.5  # seconds: two readings of one process's start differ by the rounding of the boot time, at most


class Processes:
    def __init__(self) -> None:
        self._mine: dict[int, subprocess.Popen] = {}  # polled, so that no zombie is left

    def start(self, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> Handle:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as out:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT,
                                       env=dict(env), start_new_session=True)  # fmt: skip
        self._mine[process.pid] = process
        return Handle(process.pid, _created(psutil.Process(process.pid)))

    def alive(self, handle: Handle) -> bool:
        mine = self._mine.get(handle.pid)
        if mine is not None and mine.poll() is not None:
            return False
        return _process(handle) is not None

    def end(self, handle: Handle, polite: float | None = None) -> None:
        family = _family(handle)
        leader = _process(handle)
        if leader is not None:
            # Only the leader is asked: were its helpers ended first, it would take that for failures of its items.
            _send(leader, signal.SIGTERM)
            _until(lambda: not self.alive(handle), POLITE if polite is None else polite)
        family = [p for p in {*family, *_family(handle)} if p.pid != os.getpid()]
        for how, patience in ((signal.SIGTERM, FORCED), (signal.SIGKILL, FORCED)):
            family = [p for p in family if _runs(p)]
            for process in family:
                _send(process, how)
            _until(lambda: not any(_runs(p) for p in family), patience)  # noqa: B023, called at once
            self.alive(handle)
        self._mine.pop(handle.pid, None)


def _created(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


def _process(handle: Handle) -> psutil.Process | None:
    try:
        process = psutil.Process(handle.pid)
        return process if _runs(process) and abs(_created(process) - handle.created) < SAME else None
    except psutil.NoSuchProcess:
        return None


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _family(handle: Handle) -> list[psutil.Process]:
    """The process, its descendants, and whoever is in its session still, also after it has gone."""
    leader = _process(handle)
    if leader is None and psutil.pid_exists(handle.pid) and not _is_zombie(handle.pid):
        return []  # its number is another process's now; a session that has members keeps its number from reuse
    found = set()
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == handle.pid:
                found.add(psutil.Process(pid))
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    if leader is not None:
        with suppress(psutil.NoSuchProcess):  # it went just now; its session was read above
            found |= {leader, *leader.children(recursive=True)}
    return list(found)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _send(process: psutil.Process, how: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(how)


def _until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
