"""Workers and jobs as real processes: claimed, stopped, killed, frozen."""

from __future__ import annotations

import os
import shutil
import signal
import time

import psutil
import pytest

from tests.core.jobs.conftest import expected
from tests.core.jobs.tiny import ROOT

FAST = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from core.jobs import supervise
supervise.IDLE, supervise.REST = {{idle}}, (0, 0, 0, 0, 0)
from tests.core.jobs import tiny
tiny.main(["worker"])
"""


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_worker_runs_what_is_queued_and_its_log_says_so(workers, store, settings):
    workers.start()
    job = workers.submit("units", n=5)
    row = workers.ended(job)
    assert (row.status, row.result) == ("done", {"units": 5})
    assert workers.units(job) == expected(job, 5)
    assert f"job {job} (units) runs as process" in workers.log()


def test_a_second_worker_leaves_at_once(workers):
    first = workers.start()
    workers.ended(workers.submit("units", n=1))
    second = workers.start()
    assert second.wait(60) == 0
    assert first.poll() is None


@pytest.mark.slow
def test_a_job_whose_process_is_killed_goes_on_with_nothing_lost_or_doubled(workers, store):
    workers.start()
    job = workers.submit("units", n=60)
    row = workers.until(job, lambda row: row.done >= 10)
    os.kill(row.pid, signal.SIGKILL)
    killed = time.monotonic()
    workers.until(job, lambda again: again.done > row.done + 3 and again.fence > row.fence)
    assert time.monotonic() - killed < 30, "on a busy machine; 3 s on an idle one"
    assert workers.ended(job).status == "done"
    assert workers.units(job) == expected(job, 60)


@pytest.mark.slow
def test_a_killed_workers_job_ends_with_it_and_the_next_worker_goes_on(workers, store):
    first = workers.start()
    job = workers.submit("units", n=100)
    row = workers.until(job, lambda row: row.done >= 10)
    workers.kill(first)
    killed = time.monotonic()
    while not gone(row.pid):
        assert time.monotonic() - killed < 5, "the job outlived its worker"
        time.sleep(0.02)
    workers.start()
    workers.until(job, lambda again: again.fence > row.fence and again.done > row.done)
    assert time.monotonic() - killed < 30
    assert workers.ended(job).attempts == 2
    assert workers.units(job) == expected(job, 100)


@pytest.mark.slow
def test_a_worker_on_another_machine_waits_for_the_lease_of_one_that_was_killed(workers, store):
    first = workers.start()
    job = workers.submit("units", n=100)
    row = workers.until(job, lambda row: row.done >= 5)
    workers.kill(first)
    workers.start("another")
    assert workers.ended(job, 60).fence == row.fence + 1
    assert workers.units(job) == expected(job, 100)


@pytest.mark.slow
def test_a_frozen_worker_is_replaced_and_doubles_nothing_when_it_thaws(workers, store):
    frozen = workers.start()
    job = workers.submit("units", n=120)
    row = workers.until(job, lambda row: row.done >= 5)
    workers.freeze(frozen.pid, row.pid)
    workers.start("another")
    workers.until(job, lambda again: again.fence > row.fence and again.done > row.done)
    os.kill(row.pid, signal.SIGCONT)
    frozen.send_signal(signal.SIGCONT)
    assert workers.ended(job).status == "done"
    assert workers.units(job) == expected(job, 120)
    deadline = time.monotonic() + 10
    while not gone(row.pid):
        assert time.monotonic() < deadline, "the process of the frozen worker still runs"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_stop_ends_the_job_with_its_grandchild(workers, store):
    workers.start()
    job = workers.submit("grandchild")
    sleeper = int(workers.until(job, lambda row: row.note.isdigit()).note)
    asked = time.monotonic()
    store.cancel(job)
    assert workers.ended(job).status == "stopped"
    assert time.monotonic() - asked < 15, "on a busy machine; 3 s on an idle one"
    deadline = time.monotonic() + 5
    while not gone(sleeper):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_job_that_does_not_listen_is_stopped_by_force(workers, store):
    workers.start()
    job = workers.submit("deaf")
    row = workers.until(job, lambda row: row.note == "deaf")
    asked = time.monotonic()
    store.cancel(job)
    assert workers.ended(job).status == "stopped"
    assert time.monotonic() - asked < 10
    assert gone(row.pid)


def test_a_job_that_waits_is_stopped_before_it_begins(workers, store):
    job = workers.submit("units", n=5)
    store.cancel(job)
    workers.start()
    workers.ended(workers.submit("units", n=1))
    row = store.job(job)
    assert (row.status, row.note, workers.units(job)) == ("stopped", "stopped before it began", [])


@pytest.mark.slow
def test_two_trainings_run_one_after_the_other_while_other_work_goes_on(workers, store):
    workers.start()
    first, second = (workers.submit("units", need="gpu", n=20) for _ in range(2))
    other = workers.submit("units", n=20)
    workers.until(other, lambda row: row.status == "running")
    together = 0
    while store.job(second).status != "done":
        trainings = [store.job(job).status for job in (first, second)]
        together += trainings == ["running", "running"]
        time.sleep(0.05)
    assert together == 0
    assert store.job(second).started >= store.job(first).ended
    assert store.job(other).started < store.job(first).ended


def test_a_machine_trains_once_whoever_asks_and_does_other_work_meanwhile(workers, store):
    trainings = [workers.submit("units", need="gpu", n=20) for _ in range(2)]
    other = workers.submit("units", n=5)
    for machine in ("one", "two"):  # two homes: two workers, neither of which knows of the other
        workers.start(machine)
    first, second = sorted((workers.ended(job) for job in trainings), key=lambda row: row.started)
    assert second.started >= first.ended
    assert workers.ended(other).started < first.ended


def test_the_right_to_train_comes_back_with_a_killed_worker(workers, store):
    process = workers.start("one")
    job = workers.submit("units", need="gpu", n=40)
    workers.until(job, lambda row: row.done >= 3)
    workers.start("two")
    workers.kill(process)
    assert workers.ended(job).fence == 2
    assert workers.units(job) == expected(job, 40)


def test_a_job_is_claimed_within_a_second_of_being_queued(workers, store):
    workers.start()
    workers.ended(workers.submit("units", n=1))

    def waited() -> float:
        row = workers.until(workers.submit("units", n=1), lambda row: row.status != "queued")
        workers.ended(row.id)
        return (row.started - row.created).total_seconds()

    assert min(waited() for _ in range(3)) < 1  # the best of three: not what else this machine does


@pytest.mark.slow
def test_a_job_whose_process_keeps_dying_is_given_up_and_may_be_tried_again(workers, store):
    workers.start(code=FAST.format(idle=60))
    job = workers.submit("die")
    row = workers.ended(job, 60)
    assert (row.status, row.attempts) == ("failed", 5)
    assert row.error == "The job's process died 5 times; its log says what it did last. Nothing stored is lost."
    assert store.again(job).attempts == 0
    assert workers.until(job, lambda row: row.attempts >= 1).error == ""


@pytest.mark.slow
def test_a_worker_that_is_asked_to_leave_hands_its_job_to_the_next_one(workers, store):
    first = workers.start()
    job = workers.submit("units", n=60)
    row = workers.until(job, lambda row: row.done >= 5)
    first.terminate()
    assert first.wait(30) == 0
    assert gone(row.pid)
    left = store.job(job)
    assert (left.status, left.attempts) == ("queued", 0)
    workers.start()
    assert workers.ended(job).result == {"units": 60}
    assert workers.units(job) == expected(job, 60)


@pytest.mark.slow
def test_a_worker_with_nothing_to_do_and_no_web_server_ends(workers):
    worker = workers.start(code=FAST.format(idle=0.5))
    assert worker.wait(60) == 0
    assert "ends" in workers.log()


@pytest.mark.slow
def test_a_worker_whose_home_is_gone_ends_and_takes_its_job_along(workers, store, home):
    worker = workers.start()
    row = workers.until(workers.submit("long"), lambda row: row.note == "begun")
    shutil.rmtree(home)
    assert worker.wait(60) == 0
    assert gone(row.pid)
    home.mkdir()
