"""Looking on: wait for a job, its log, how long it will take. None of it touches the job."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs.presence import ensure_worker

if TYPE_CHECKING:
    from core.model import Job
    from core.settings import Settings
    from db.store import Store

LOOK = 0.25  # seconds between two readings of the row
AT_WORK = ("queued", "running")
TAIL = 256 * 1024  # bytes of a log that are read at most


def wait(store: Store, settings: Settings, job: int, on_progress: Callable[[Job], None]) -> Job:
    """The job's row once it is at its end; `on_progress` is called with each reading that differs from the last.

    Sees to it that there is a worker, also when the one that had the job was killed. Raises BadInput for no job.
    """
    shown, looked = None, 0.0
    while True:
        if time.monotonic() - looked > 2:
            ensure_worker(settings)
            looked = time.monotonic()
        row = store.job(job)
        state = (row.status, row.done, row.total, row.note)
        if state != shown:
            on_progress(row)
            shown = state
        if row.status not in AT_WORK:
            return row
        time.sleep(LOOK)


def waiting(job: Job) -> str:
    """What a queued job waits for."""
    return "waiting for its turn" + (": a machine trains one model at a time" if job.need == "gpu" else "")


def eta(job: Job) -> str:
    """`12/s, 3 min left`; "" where it cannot be told: in the beginning, and for a job that took up earlier work, because
    its row does not say how much of it. A job in stages says when this one began, a training when its first epoch did."""
    stage = job.result.get("stage")
    if job.status != "running" or not job.started or not job.updated or (job.fence > 1 and not stage):
        return ""
    began = stage["began"] if stage else job.result.get("began", job.started.timestamp())
    seconds = job.updated.timestamp() - began
    if seconds < 1 or job.done < max(2, (job.total or 0) / 50):
        return ""
    rate = job.done / seconds
    speed = f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"
    return f"{speed}, {duration((job.total - job.done) / rate)} left" if job.total and job.total >= job.done else speed


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def log_path(settings: Settings, job: int) -> Path:
    return settings.home.absolute() / "jobs" / f"{job}.log"


def log_tail(settings: Settings, job: int, lines: int = 200) -> str:
    """The last lines that the job's process wrote; "" where it wrote none."""
    try:
        with open(log_path(settings, job), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
