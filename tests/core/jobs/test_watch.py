"""Looking on at a job."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta

import pytest

from core import jobs
from core.errors import BadInput
from core.jobs.presence import taken
from core.jobs.watch import duration

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def row(store, project):
    job = store.submit("units", {}, project.id)
    return dataclasses.replace(
        job, status="running", attempts=1, fence=1, started=BEGAN, updated=BEGAN + timedelta(seconds=10)
    )


@pytest.mark.parametrize(("done", "total", "said"), [
    (100, 400, "10/s, 30 s left"), (25, None, "2.5/s"), (2, 100, "12.0/min, 8 min left"), (0, 10, ""), (1, 400, ""), (7, 400, ""), (300, 200, "30/s"),
])  # fmt: skip
def test_the_rate_and_the_time_left_are_told_in_words(row, done, total, said):
    assert jobs.eta(dataclasses.replace(row, done=done, total=total)) == said


def test_nothing_is_told_of_a_job_that_waits_or_that_took_up_earlier_work(row):
    assert jobs.eta(dataclasses.replace(row, done=5, total=10, status="queued")) == ""
    assert jobs.eta(dataclasses.replace(row, done=5, total=10, fence=2)) == ""


def test_durations_read_as_a_person_would_say_them():
    assert [duration(s) for s in (40, 170, 4800)] == ["40 s", "3 min", "80 min"]
    assert duration(6000) == "1 h 40 min"


def test_the_log_is_given_from_its_end_and_is_empty_before_there_is_one(settings):
    assert jobs.log_tail(settings, 7) == ""
    path = jobs.log_path(settings, 7)
    path.parent.mkdir()
    path.write_bytes(b"\n".join(b"line %d \xff" % i for i in range(100_000)))
    tail = jobs.log_tail(settings, 7, lines=2)
    assert tail == "line 99998 \ufffd\nline 99999 \ufffd"


def test_waiting_shows_each_change_once_and_gives_the_row_at_its_end(store, settings, project):
    with open(settings.home / "worker.lock", "ab") as lock:
        assert taken(lock.fileno())  # this test is the worker
        number = store.submit("units", {}, project.id).id
        _, claim = store.claim("here", 60)
        seen = []

        def show(job):
            seen.append((job.status, job.done))
            if job.done == 0:
                threading.Timer(0.3, lambda: store.progress(claim, 1, 2, "half")).start()
            elif job.status == "running":
                threading.Timer(0.6, lambda: store.finish(claim, "done", {"n": 2})).start()

        row = jobs.wait(store, settings, number, show)
    assert row.result == {"n": 2}
    assert seen == [("running", 0), ("running", 1), ("done", 1)]


def test_waiting_for_a_job_that_is_none_is_refused(store, settings):
    with open(settings.home / "worker.lock", "ab") as lock:
        assert taken(lock.fileno())
        with pytest.raises(BadInput, match="There is no job 99"):
            jobs.wait(store, settings, 99, lambda _: None)
