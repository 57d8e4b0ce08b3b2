"""The worker: one process for each database and machine. It claims jobs and looks after their processes.

It never runs a step itself, so that no job can hold up another one's lease, and it may be killed at any moment: its jobs
end with it, their leases run out (or the next worker here takes them back at once), and each unit they stored stays.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import psutil

from core.engine import Engine, Handle, engine
from core.errors import Busy, Fenced
from core.jobs.job import PARENT
from core.jobs.presence import COMMAND, job_environment, lock_path, outdated, taken, training_lock, web_is_present
from core.jobs.watch import log_path
from core.model import Claim, Job

if TYPE_CHECKING:
    from core.settings import Settings
    from db.store import Store

LOOK = 0.2  # seconds between two looks for new jobs and for processes that ended
RENEW = 1.0  # seconds between two renewals of a lease
LEASE = 5.0  # seconds after which another worker may take a job over
IDLE = 60.0  # seconds without a job and a web server, after which it ends
GIVE_UP = 300.0  # seconds without the database, after which it ends; a web server starts the next one
LEAVE = 2.0  # seconds a process has to exit once its row says that it is at its end
PATIENT = 60.0  # seconds that a training has to end by itself, before it is ended by force
SLOTS = {"cpu": 2, "gpu": 1}  # jobs at once; "gpu" for the whole machine
REST = (0.0, 0.0, 1.0, 2.0, 4.0)  # seconds before a job whose process died is queued again, by its attempts so far


def worker(store: Store, settings: Settings, command: Sequence[str] = COMMAND) -> None:
    """Work until there is nothing to do for a minute and no web server, TERM comes, or the home folder is gone.

    Returns at once where another worker holds the lock. `command` runs a job: it gets `run JOB --fence N`.
    """
    lock = _lock(settings)
    if lock is None:
        print("There is a worker for this home folder already.", file=sys.stderr)
        return
    with lock:
        _Worker(store, settings, engine(settings), command, lock).work()


def _lock(settings: Settings) -> IO | None:
    """The worker's lock: handed over as standard input by ensure_worker(), or taken here. None = another one has it."""
    path = lock_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        if os.path.samestat(os.fstat(0), os.stat(path)):
            lock = os.fdopen(os.dup(0), "ab")  # the same open file, and with it the same lock
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            return lock if taken(lock.fileno()) else None
    lock = open(path, "ab")  # noqa: SIM115, held as long as this process lives
    if taken(lock.fileno()):
        return lock
    lock.close()
    return None


@dataclass(slots=True)
class _Running:
    job: Job
    claim: Claim
    handle: Handle | None  # None: its process died, and it rests until `due`
    renewed: float
    ending: threading.Thread | None = None  # end() takes seconds, in which the other leases have to be renewed
    over: float = 0.0  # since when its row says that it is at its end
    due: float = 0.0

    def ended_by(self) -> tuple[Handle | None, float | None]:
        """What its engine's `end` is called with: one that trains writes down its best epoch first, on each GPU."""
        return self.handle, PATIENT if self.job.need == "gpu" else None


class _Worker:
    def __init__(self, store: Store, settings: Settings, runs_on: Engine, command: Sequence[str], lock: IO) -> None:
        self._store, self._settings, self._engine, self._command, self._lock = store, settings, runs_on, command, lock
        # One name for each home folder: two of them on one machine are two workers, if they share a database.
        self._machine = f"{socket.gethostname()}:{lock_path(settings)}"[-200:]
        self._running: list[_Running] = []
        self._training: IO | None = None  # the machine's one right to train, while it is ours
        self._leave = False

    def work(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: setattr(self, "_leave", True))
        self._say("begins")
        self._take_back()
        idle_since = well = time.monotonic()
        while not self._leave and self._has_home():
            try:
                for running in list(self._running):
                    self._look_after(running)
                if not outdated(self._settings):
                    self._claim()
                elif not self._running:  # its place is taken by one with the new keys
                    break
                if self._running or web_is_present(self._settings.home) or self._store.busy():
                    idle_since = time.monotonic()
                well = time.monotonic()
            except Busy as busy:
                self._say(str(busy))
                if time.monotonic() - well > GIVE_UP:
                    break
                time.sleep(RENEW)
            if time.monotonic() - idle_since > IDLE and self._may_end():
                break
            time.sleep(LOOK)
        self._end_all()
        self._say("ends")

    def _take_back(self) -> None:
        """Its lock is ours, so the worker before us is gone: what it left running is ended, and claimed anew."""
        for pid, created, updated in self._store.take_back(self._machine):
            if updated.timestamp() > psutil.boot_time():  # else its number says nothing: the machine was started since
                self._engine.end(Handle(pid, created))

    def _has_home(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._lock.fileno()), os.stat(lock_path(self._settings)))
        return False

    def _may_end(self) -> bool:
        """Give the lock back, then look once more: a job that was queued while we held it would have no worker."""
        import fcntl

        fcntl.flock(self._lock, fcntl.LOCK_UN)
        return not self._store.busy() or not taken(self._lock.fileno())

    # claiming --------------------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        while free := [need for need in SLOTS if self._has_room(need)]:
            claimed = self._store.claim(self._machine, LEASE, free[0] if len(free) == 1 else "")
            if claimed is None:
                break
            self._start(*claimed)
        if self._training and not any(r.job.need == "gpu" for r in self._running):
            self._training.close()
            self._training = None

    def _has_room(self, need: str) -> bool:
        if sum(r.job.need == need for r in self._running) >= SLOTS[need]:
            return False
        if need == "gpu":
            self._training = self._training or training_lock()
            return self._training is not None
        return True

    def _start(self, job: Job, claim: Claim) -> None:
        running = _Running(job, claim, None, time.monotonic())
        self._running.append(running)
        log = log_path(self._settings, job.id)
        try:
            running.handle = self._engine.start(
                [*self._command, "run", str(job.id), "--fence", str(claim.fence)], log,
                job_environment(self._settings) | {PARENT: str(os.getpid())},
            )  # fmt: skip
        except OSError as error:  # no memory for a process, no disk for a log
            self._say(f"job {job.id} cannot be started: {error}")
            running.due = time.monotonic() + REST[-1]
            return
        with suppress(Fenced):  # it can be at its end already
            self._store.running_here(claim, running.handle.pid, running.handle.created)
        self._say(f"job {job.id} ({job.verb}) runs as process {running.handle.pid}, attempt {job.attempts}")

    # looking after ---------------------------------------------------------------------------------------------------

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        alive = running.handle is not None and self._engine.alive(running.handle)
        ending = running.ending is not None and running.ending.is_alive()
        if ending or (alive and now - running.renewed < RENEW):
            if now - running.renewed >= RENEW:
                self._renew(running)
            return
        cancel = self._renew(running)
        if running.handle is None:
            self._rested(running, cancel)
        elif running.ending is not None:
            self._settle(running, cancel)
        elif not alive or cancel or (running.over and now - running.over > LEAVE):
            # Also after an exit by itself: what it started may be left.
            running.ending = threading.Thread(target=self._engine.end, args=running.ended_by(), name="end", daemon=True)
            running.ending.start()

    def _renew(self, running: _Running) -> bool:
        """True = a person asked it to stop. Notes when the row is no longer ours: at its end, or taken over."""
        running.renewed = time.monotonic()
        try:
            return self._store.renew(running.claim, LEASE)
        except Fenced:
            running.over = running.over or time.monotonic()
            return False

    def _settle(self, running: _Running, cancel: bool) -> None:
        """Its process and all that it started are gone."""
        job = running.job
        if running.over:
            self._running.remove(running)
            self._say(f"job {job.id} is over")
        elif cancel:
            self._running.remove(running)
            with suppress(Fenced):
                self._store.finish(running.claim, "stopped")
            self._say(f"job {job.id} was stopped by force")
        else:
            rest = REST[min(job.attempts, len(REST)) - 1]
            running.handle, running.ending, running.due = None, None, time.monotonic() + rest
            self._say(f"the process of job {job.id} died; it is queued again in {rest:g} s")

    def _rested(self, running: _Running, cancel: bool) -> None:
        if running.over or cancel or time.monotonic() >= running.due:
            self._running.remove(running)
            if not running.over:
                with suppress(Fenced):
                    self._store.release(running.claim)  # a cancelled one is stopped by the next claim

    def _end_all(self) -> None:
        """Politely: each process stores where it is and puts its job back into the queue."""
        threads = [threading.Thread(target=self._engine.end, args=r.ended_by()) for r in self._running if r.handle]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not self._has_home():
            return
        for running in self._running:
            with suppress(Fenced, Busy):
                self._store.release(running.claim, died=False)

    def _say(self, what: str) -> None:
        with suppress(OSError):  # a full disk
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} worker {os.getpid()}: {what}", file=sys.stderr, flush=True)
