"""A project, settings, and workers that are gone when the test is over."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from core.engine import Handle
from core.engine.processes import Processes
from core.jobs.presence import environment
from core.model import Job, Project
from core.settings import Settings
from db.store import Store
from tests.core.jobs import tiny


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home)


@pytest.fixture
def project(store: Store) -> Project:
    return store.add_project("cars", ["x"])


class Workers:
    """Starts workers on the test's database, each on a "machine" (a home folder) of its own, and knows their pids."""

    def __init__(self, store: Store, home: Path) -> None:
        self.store, self.home = store, home
        self._started: list[tuple[subprocess.Popen, Handle]] = []
        self._processes = Processes()

    def start(self, machine: str = "", code: str = "") -> subprocess.Popen:
        home = self.home.with_name(machine) if machine else self.home
        home.mkdir(exist_ok=True)
        database = f"sqlite:///{self.home / 'winnow.db'}" if machine else ""
        command = [tiny.COMMAND[0], "-c", code] if code else [*tiny.COMMAND, "worker"]
        with open(home / "worker.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                       env=environment(Settings(home=home, database_url=database)))  # fmt: skip
        self._started.append(
            (process, Handle(process.pid, psutil.Process(process.pid).create_time() - psutil.boot_time()))
        )
        return process

    def log(self) -> str:
        """What the workers of all machines wrote."""
        return "".join(p.read_text() for p in sorted(self.home.parent.glob("*/worker.log")))

    def freeze(self, *pids: int) -> None:
        """Stop processes, none of them in the middle of a write: a frozen writer keeps SQLite's lock, and all wait for it."""
        with closing(sqlite3.connect(self.home / "winnow.db", timeout=30, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            deadline = time.monotonic() + 10
            while any(psutil.Process(pid).status() != psutil.STATUS_STOPPED for pid in pids):
                assert time.monotonic() < deadline, "a process that was told to stop did not"
                time.sleep(0.01)

    def kill(self, process: subprocess.Popen) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    def submit(self, verb: str, need: str = "cpu", **params: object) -> int:
        return self.store.submit(verb, params, self.store.projects()[0].id, need).id

    def until(self, job: int, holds: Callable[[Job], bool], seconds: float = 60) -> Job:
        """The job's row once `holds` is true of it."""
        deadline = time.monotonic() + seconds
        while not holds(row := self.store.job(job)):
            assert time.monotonic() < deadline, f"{row}\n{self.log()}"
            time.sleep(0.05)
        return row

    def ended(self, job: int, seconds: float = 60) -> Job:
        return self.until(job, lambda row: row.status not in ("queued", "running"), seconds)

    def units(self, job: int) -> list[str]:
        """The units the job stored."""
        return [candidate.url for _, candidate in self.store.pending(job, limit=10_000)]

    def end(self) -> None:
        for process, handle in self._started:
            with_jobs = [p for p in (j.pid for j in self.store.jobs()) if p]
            self._processes.end(handle)
            process.wait()
            for pid in with_jobs:  # of workers that were killed or frozen
                with suppress(psutil.NoSuchProcess, ProcessLookupError):
                    if str(tiny.__file__) in psutil.Process(pid).cmdline():
                        os.killpg(pid, signal.SIGKILL)


@pytest.fixture
def workers(store: Store, project: Project, home: Path) -> Iterator[Workers]:
    started = Workers(store, home)
    yield started
    started.end()


def expected(job: int, n: int) -> list[str]:
    return [f"unit:{job}:{i}" for i in range(n)]
