"""What a job's own process does: run the step, keep the row up to date, stop when asked.

The step knows nothing of this: it yields Progress, and it is closed at a yield to stop it. Who may stop it: a person
(`cancel` in the row), its worker (TERM), another worker that took the job over (the fence), a full disk for a while,
and the death of its own worker.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.engine import engine
from core.errors import Busy, Fenced, Stopped, WinnowError
from core.model import Claim, Progress

if TYPE_CHECKING:
    from types import FrameType

    from core.settings import Settings
    from core.steps import Step
    from db.store import Store

WRITE = 0.2  # seconds between two writes of the row at least, and
TOUCH = 1.0  # at most: while it runs, a row is never older than two seconds
YIELD = 1.0  # seconds a step has to come to its next yield once it is asked to stop; then it is interrupted
FLOOR = 200_000_000  # bytes free on the disk of the home folder, below which a job waits
PARENT = "JOB_PARENT"  # environment: the pid of the worker, with which the job ends


class _Interrupt(BaseException):
    """Raised inside a step that does not come to a yield; no `except Exception` on the way takes it for its own."""


def run(store: Store, settings: Settings, job: int, fence: int, steps: Mapping[str, Callable[..., Step]]) -> None:
    """Run a claimed job to its end, in this process's main thread. What became of it stands in its row; nothing is raised for a failed job.

    Raises BadInput where there is no such job, Busy where the database cannot be reached for a minute.
    """
    _end_with_worker()
    claim = Claim(job, fence)
    row = _Row(store, claim, settings.home)
    with suppress(Fenced), row.listening():
        with row:
            status, result, error = _outcome(store, settings, claim, steps, row)
        _patiently(lambda: _finish(store, row, status, result, error))


def _outcome(store: Store, settings: Settings, claim: Claim, steps: Mapping[str, Callable[..., Step]], row: _Row,
             ) -> tuple[str, dict[str, Any] | None, str]:  # fmt: skip
    """(status, result, error). Raises Fenced."""
    try:
        step = _step(store, settings, claim, steps)
        result = row.follow(step)
        json.dumps(result)  # what cannot be kept is the step's failure, not the database's
        return "done", result, ""
    except Fenced:
        raise
    except (Stopped, _Interrupt):
        return "stopped", None, ""
    except WinnowError as error:
        traceback.print_exc()
        return "failed", None, str(error)
    except Exception as error:
        traceback.print_exc()
        return "failed", None, _sentence(error, claim.job)


def _step(store: Store, settings: Settings, claim: Claim, steps: Mapping[str, Callable[..., Step]]) -> Step:
    from core.blobs import Blobs
    from core.steps import Context

    job = store.job(claim.job)
    if (job.fence, job.status) != (claim.fence, "running"):
        raise Fenced(f"Job {job.id} is not this process's to run: it is {job.status}.")
    if job.verb not in steps:
        raise WinnowError(f"This Winnow knows no step {job.verb!r}: the job was queued by another version.")
    project = next((p for p in store.projects() if p.id == job.project), None)
    context = Context(store, Blobs(settings.storage), engine(settings), settings, job, claim, project)  # type: ignore[arg-type]
    return steps[job.verb](context, **job.params)


def _sentence(error: Exception, job: int) -> str:
    if isinstance(error, MemoryError):
        return "The memory of this machine was not enough; close other programs, or choose less at once, and try again."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: free some space and try again. Nothing stored is lost."
    return (
        f"It ended with an error inside the program ({type(error).__name__}: {error}); the log of job {job} says where."
    )


def _finish(store: Store, row: _Row, status: str, result: dict[str, Any] | None, error: str) -> None:
    cancel = row.write()
    if status == "stopped" and not cancel:
        store.release(row.claim, died=False)  # its worker leaves; another one goes on with it
    else:
        store.finish(row.claim, status, result, _plain(error))


class _Row:
    """Keeps the job's row up to date from a thread, so that neither a slow step nor a slow database holds up the other."""

    def __init__(self, store: Store, claim: Claim, home: Path) -> None:
        self.claim = claim
        self._store, self._home = store, home
        self._latest: Progress | None = None
        self._over = threading.Event()
        self._asked = False
        self._fenced: Fenced | None = None
        self._inside = False  # a step is at work, between two yields
        self._thread = threading.Thread(target=self._keep, name="job's row", daemon=True)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """TERM asks the step to stop, and interrupts it where it does not come to a yield."""
        before = signal.signal(signal.SIGTERM, self._ask), signal.signal(signal.SIGALRM, self._interrupt)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGTERM, before[0])
            signal.signal(signal.SIGALRM, before[1])

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def follow(self, step: Step) -> dict[str, Any]:
        """Iterate the step and return its result. Raises Stopped, Fenced, and what the step raises."""
        try:
            while True:
                self._check()
                self._inside = True
                self._latest = next(step)
                self._inside = False
        except StopIteration as end:
            return end.value or {}
        finally:
            self._inside = False
            step.close()

    def write(self) -> bool:
        """Write the latest progress; True = a person asked the job to stop. Raises Fenced, Busy."""
        if self._latest is None:
            return self._store.job(self.claim.job).cancel
        latest = self._latest
        return self._store.progress(self.claim, latest.done, latest.total, _plain(latest.note), latest.detail)

    def _check(self) -> None:
        """Between two yields: stop where that is wanted, wait while the disk is full."""
        while True:
            if self._fenced is not None:
                raise self._fenced
            if self._asked:
                raise Stopped("The job was asked to stop.")
            free = shutil.disk_usage(self._home).free
            if free >= FLOOR:
                return
            done, total = (self._latest.done, self._latest.total) if self._latest else (0, None)
            self._latest = Progress(done, total, f"waits: only {free / 1e6:.0f} MB are free on the disk; it goes on "
                                                 f"by itself once there are {FLOOR / 1e6:.0f} MB")  # fmt: skip
            time.sleep(WRITE)

    def _keep(self) -> None:
        written, at = None, 0.0
        while not self._over.wait(WRITE):
            latest = self._latest
            if latest is written and time.monotonic() - at < TOUCH:
                continue
            try:
                cancel = self.write()
            except Fenced as fenced:
                self._fenced = fenced
                self._ask_from_here()
                return
            except Busy as busy:
                print(busy, file=sys.stderr)
                continue
            written, at = latest, time.monotonic()
            if cancel and not self._asked:
                self._ask_from_here()

    def _ask_from_here(self) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # there a step can be interrupted

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        signal.setitimer(signal.ITIMER_REAL, YIELD)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._inside:
            self._inside = False
            raise _Interrupt


def _end_with_worker() -> None:
    """End the whole session once the worker that started it is gone, so that the next one finds the ground free."""
    parent = int(os.environ.pop(PARENT, 0))
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WRITE)
        print("The worker of this job is gone; its next one goes on from here.", file=sys.stderr, flush=True)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, name="worker's watch", daemon=True).start()


def _patiently(do: Callable[[], None], seconds: float = 60) -> None:
    """Do it again while the database is busy."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return do()
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def _plain(text: str) -> str:
    """The text as a database can keep it."""
    return text.encode(errors="replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
