"""What a job's own process does, run here."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections import namedtuple
from datetime import UTC, datetime

import pytest

from core import jobs
from core.errors import Fenced
from core.model import Claim, Job, Progress
from tests.core.jobs.tiny import STEPS

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def run(store, settings, project):
    """Submit, claim and run a step here; gives its row."""

    def run(verb: str = "step", step=None, claim: Claim | None = None, **params) -> Job:
        if claim is None:
            store.submit(verb, params, project.id)
            _, claim = store.claim("here", 60)
        jobs.run(store, settings, claim.job, claim.fence, {**STEPS, "step": step})
        return store.job(claim.job)

    return run


def later(seconds: float, do) -> None:
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()


def test_a_step_that_ends_leaves_its_result_and_its_last_progress(run):
    row = run("units", n=3, seconds=0)
    assert (row.status, row.result, row.error) == ("done", {"units": 3}, "")
    assert (row.done, row.total, row.note) == (3, 3, "unit 3")
    assert row.ended >= row.started


def test_a_step_that_fails_leaves_its_one_sentence(run):
    row = run("fail", sentence="The table 'cars.csv' has no column 'url'.")
    assert (row.status, row.error) == ("failed", "The table 'cars.csv' has no column 'url'.")


def test_an_error_nobody_foresaw_leaves_one_sentence_and_its_traceback_in_the_log(run, capsys):
    row = run("fail")
    assert row.status == "failed"
    assert row.error == "It ended with an error inside the program (KeyError: 'key'); the log of job 1 says where."
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"), [(MemoryError(), "memory of this machine"), (OSError(28, "no space"), "The disk is full")]
)
def test_a_lack_of_memory_or_disk_says_so(run, error, words):
    def step(ctx):
        yield Progress(0, 1)
        raise error

    assert words in run(step=step).error


def test_a_verb_that_this_version_does_not_know_fails_with_a_sentence(run):
    assert "knows no step 'sing'" in run("sing").error


def test_a_result_that_cannot_be_kept_is_the_steps_failure(run):
    def step(ctx):
        yield Progress(0, 1)
        return {"object": object()}

    row = run(step=step)
    assert row.status == "failed"
    assert "not JSON serializable" in row.error


def test_characters_a_database_cannot_keep_do_not_lose_the_job(run):
    def step(ctx):
        yield Progress(0, 1, "half \ud800 and NUL \x00")
        raise ValueError("\udcff.jpg")

    row = run(step=step)
    assert row.note == "half ? and NUL \ufffd"
    assert "?.jpg" in row.error


def test_a_persons_stop_closes_the_step_at_its_next_yield_and_keeps_what_is_done(run, store):
    closed = []

    def step(ctx):
        try:
            for i in range(1000):
                yield Progress(i, 1000)
                if i == 10:
                    store.cancel(ctx.job.id)
                time.sleep(0.02)
        finally:
            closed.append(True)

    row = run(step=step)
    assert (row.status, row.error, closed) == ("stopped", "", [True])
    assert 10 <= row.done < 200


def test_a_step_that_comes_to_no_yield_is_interrupted(run, store):
    began = []

    def step(ctx):
        began.append(time.monotonic())
        later(0.3, lambda: store.cancel(ctx.job.id))
        yield from STEPS["long"](ctx)

    row = run(step=step)
    assert row.status == "stopped"
    assert time.monotonic() - began[0] < 10


def test_the_workers_leaving_puts_the_job_back_into_the_queue_and_counts_as_no_attempt(run):
    def step(ctx):
        later(0.4, lambda: os.kill(os.getpid(), signal.SIGTERM))
        yield from STEPS["units"](ctx, n=1000)

    row = run(step=step)
    assert (row.status, row.attempts) == ("queued", 0)
    assert 0 < row.done < 100


def test_a_job_that_another_worker_took_over_ends_and_writes_nothing_more(run, store):
    def step(ctx):
        try:
            for i in range(1000):
                yield Progress(i, 1000)
                time.sleep(0.02)
                if i == 5:
                    store.take_back("here")
                    job, _ = store.claim("there", 60)
                    store.progress(Claim(job.id, job.fence), 77, 100, "there")
        finally:
            with pytest.raises(Fenced):
                store.progress(ctx.claim, 5, 5, "here")

    row = run(step=step)
    assert (row.status, row.done, row.note) == ("running", 77, "there")


def test_a_claim_that_is_not_held_runs_nothing(run, store):
    ran = []

    def step(ctx):
        ran.append(True)
        yield Progress(1, 1)

    store.submit("step", {}, 1)
    job, claim = store.claim("here", 60)
    row = run(step=step, claim=Claim(job.id, claim.fence - 1))
    assert (row.status, ran) == ("running", [])


@pytest.mark.slow
def test_a_row_is_never_older_than_two_seconds_while_a_long_item_is_at_work(run, store):
    ages = []

    def step(ctx):
        yield Progress(1, 2, "a long one")
        for _ in range(40):
            time.sleep(0.1)
            ages.append((datetime.now(UTC) - store.job(ctx.job.id).updated).total_seconds())

    run(step=step)
    assert sorted(ages)[-3] < 2  # but for one stall of the machine


def test_a_row_is_written_a_few_times_a_second_however_fast_the_step_is(run, store, monkeypatch):
    written = []
    write = store.progress
    monkeypatch.setattr(store, "progress", lambda *args: written.append(args) or write(*args))

    def step(ctx):
        deadline = time.monotonic() + 1
        i = 0
        while time.monotonic() < deadline:
            i += 1
            yield Progress(i, None)

    row = run(step=step)
    assert row.done > 1000
    assert len(written) <= 7


def test_a_full_disk_makes_the_job_wait_with_a_sentence_and_go_on_by_itself(run, store, monkeypatch):
    notes = []
    free = [10e9]

    def freed(job):
        until = time.monotonic() + 20
        while not (note := store.job(job).note).startswith("waits") and time.monotonic() < until:
            time.sleep(0.05)
        notes.append(note)
        free[0] = 12e9

    def step(ctx):
        yield Progress(1, 2, "before")
        free[0] = 120e6
        threading.Thread(target=freed, args=(ctx.job.id,), daemon=True).start()
        yield Progress(2, 2, "after")
        return {"paused": True}

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, free[0]))
    row = run(step=step)
    assert notes == ["waits: only 120 MB are free on the disk; it goes on by itself once there are 200 MB"]
    assert (row.status, row.result) == ("done", {"paused": True})


def test_handlers_of_signals_are_put_back(run):
    before = signal.getsignal(signal.SIGTERM)
    run("units", n=1, seconds=0)
    assert signal.getsignal(signal.SIGTERM) is before
