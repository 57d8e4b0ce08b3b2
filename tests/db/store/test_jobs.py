"""Jobs: a row, a claim, a lease, a fence."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import BadInput, Fenced
from core.model import Claim


def submitted(store, project, n: int = 1, need: str = "cpu") -> list[int]:
    return [store.submit("scrape", {"n": i}, project.id, need).id for i in range(n)]


def test_a_job_keeps_what_it_was_given_and_waits(store, project):
    job = store.submit("scrape", {"source": "urls", "odd": "'; DROP TABLE jobs;--"}, project.id)
    assert store.job(job.id) == job
    assert (job.status, job.fence, job.attempts, job.params["odd"]) == ("queued", 0, 0, "'; DROP TABLE jobs;--")


def test_jobs_are_claimed_in_the_order_they_were_queued_each_once(store, project):
    ids = submitted(store, project, 3)
    claimed = [store.claim("here", 60) for _ in range(4)]
    assert [c and c[0].id for c in claimed] == [*ids, None]
    assert all(job.status == "running" and claim == Claim(job.id, 1) for job, claim in claimed[:3])


def test_forty_jobs_and_eight_claimers_give_each_job_one_claimer(store, project):
    ids = submitted(store, project, 40)
    taken: list[int] = []

    def claim_all() -> None:
        while got := store.claim("here", 60):
            taken.append(got[0].id)

    threads = [threading.Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ids


def test_a_job_whose_lease_ran_out_is_claimed_again_and_the_first_claim_can_write_no_more(store, project):
    submitted(store, project)
    _, first = store.claim("here", 1.0)
    assert store.claim("there", 60) is None
    time.sleep(1.1)
    job, second = store.claim("there", 60)
    assert (job.fence, job.attempts) == (2, 2)
    for write in (lambda: store.renew(first, 60), lambda: store.progress(first, 1, 2, "x"), lambda: store.release(first),
                  lambda: store.finish(first, "done"), lambda: store.running_here(first, 1, 1.0)):  # fmt: skip
        with pytest.raises(Fenced):
            write()
    assert store.progress(second, 5, 9, "goes on") is False
    row = store.job(job.id)
    assert (row.status, row.done, row.total, row.note) == ("running", 5, 9, "goes on")


def test_a_lease_that_is_renewed_is_not_taken_over(store, project):
    submitted(store, project)
    _, claim = store.claim("here", 0.1)
    assert store.renew(claim, 60) is False
    time.sleep(0.2)
    assert store.claim("there", 60) is None


def test_a_second_job_of_a_kind_is_refused_while_the_first_is_under_way_where_it_is_to_be_alone(store, project):
    other = store.add_project("boats", ["x"])
    first = store.submit("clean", {"a": [1]}, project.id, alone=True)
    assert (first.params, first.status, first.fence) == ({"a": [1]}, "queued", 0)
    with pytest.raises(BadInput, match=r"\(clean\) is under way already"):
        store.submit("clean", {}, project.id, alone=True)
    assert store.submit("clean", {}, other.id, alone=True).project == other.id
    assert store.submit("split", {}, project.id, alone=True).verb == "split"
    assert len(store.jobs(project.id, "clean")) == 1
    _, claim = store.claim("here", 60)
    store.finish(claim, "done")
    assert store.submit("clean", {}, project.id, alone=True).id > first.id


def test_of_many_who_press_start_at_once_one_gets_the_job(store, project):
    def press(_: int) -> bool:
        try:
            return bool(store.submit("train", {}, project.id, "gpu", alone=True))
        except BadInput:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(press, range(16))) == 1


def test_a_renewal_shows_in_the_row_that_the_job_is_alive(store, project):
    submitted(store, project)
    job, claim = store.claim("here", 60)
    time.sleep(0.02)
    store.renew(claim, 60)
    assert store.job(job.id).updated > job.updated


def test_a_training_whose_worker_died_is_taken_up_again(store, project):
    submitted(store, project, 1, "gpu")
    store.claim("here", 0.01)
    time.sleep(0.05)
    assert store.claim("there", 60)[0].fence == 2


def test_a_worker_may_ask_for_one_kind_of_work(store, project):
    (cpu,), (gpu,) = submitted(store, project), submitted(store, project, 1, "gpu")
    assert store.claim("here", 60, "gpu")[0].id == gpu
    assert store.claim("here", 60, "gpu") is None
    assert store.claim("here", 60, "cpu")[0].id == cpu


def test_a_running_job_is_told_to_stop_and_a_waiting_one_is_stopped_at_once(store, project):
    running, waiting = submitted(store, project, 2)
    _, claim = store.claim("here", 60)
    store.cancel(running)
    store.cancel(waiting)
    assert store.job(running).status == "running"
    assert store.renew(claim, 60) is True
    assert store.progress(claim, 1, 2, "") is True
    row = store.job(waiting)
    assert (row.status, row.note) == ("stopped", "stopped before it began")
    assert store.claim("here", 60) is None


def test_a_job_that_was_to_stop_when_its_worker_died_is_stopped_not_started(store, project):
    (job,) = submitted(store, project)
    store.claim("here", 0.01)
    store.cancel(job)
    time.sleep(0.05)
    assert store.claim("there", 60) is None
    assert store.job(job).status == "stopped"


def test_what_is_at_its_end_is_not_stopped_any_more(store, project):
    (job,) = submitted(store, project)
    _, claim = store.claim("here", 60)
    store.finish(claim, "done", {"n": 3})
    store.cancel(job)
    row = store.job(job)
    assert (row.status, row.result, row.cancel) == ("done", {"n": 3}, False)


def test_a_job_that_died_goes_back_into_the_queue_and_is_given_up_after_five_times(store, project):
    (job,) = submitted(store, project)
    for attempt in range(1, 6):
        row, claim = store.claim("here", 60)
        assert row.attempts == attempt
        store.release(claim)
    assert store.claim("here", 60) is None
    row = store.job(job)
    assert row.status == "failed"
    assert "died 5 times" in row.error


def test_a_worker_that_leaves_politely_costs_the_job_no_attempt(store, project):
    (job,) = submitted(store, project)
    for _ in range(7):
        _, claim = store.claim("here", 60)
        store.release(claim, died=False)
    row = store.job(job)
    assert (row.status, row.attempts) == ("queued", 0)


def test_a_worker_takes_back_what_the_one_before_it_left_running(store, project):
    mine, other = submitted(store, project, 2)
    _, claim = store.claim("here", 600)
    store.running_here(claim, 4711, 12.5)
    store.claim("there", 600)
    assert [left[:2] for left in store.take_back("here")] == [(4711, 12.5)]
    job, again = store.claim("here", 60)
    assert (job.id, again.fence, job.pid) == (mine, 2, None)
    assert store.claim("here", 60) is None, "the other machine's job was taken"
    assert store.job(other).fence == 1


@pytest.mark.parametrize("end", ["failed", "stopped"])
def test_a_failed_or_stopped_job_may_be_tried_again(store, project, end):
    (job,) = submitted(store, project)
    _, claim = store.claim("here", 60)
    store.cancel(job)
    store.finish(claim, end, error="The host did not answer.")
    again = store.again(job)
    assert (again.status, again.attempts, again.cancel, again.error) == ("queued", 0, False, "")
    row, second = store.claim("here", 60)
    assert second.fence > claim.fence
    assert row.ended is None


def test_a_job_that_runs_waits_or_is_done_is_not_tried_again(store, project):
    (job,) = submitted(store, project)
    with pytest.raises(BadInput, match=f"Job {job} cannot be tried again"):
        store.again(job)
    _, claim = store.claim("here", 60)
    with pytest.raises(BadInput):
        store.again(job)
    store.finish(claim, "done")
    with pytest.raises(BadInput):
        store.again(job)


@pytest.mark.parametrize("number", [99, 10**30])
def test_a_number_that_is_no_jobs_is_refused(store, project, number):
    with pytest.raises(BadInput):
        store.job(number)


def test_jobs_are_listed_by_project_and_verb_the_newest_first(store, project):
    other = store.add_project("boats", ["sloop"])
    ids = submitted(store, project, 2)
    store.submit("clean", {}, project.id)
    store.submit("scrape", {}, other.id)
    assert [j.id for j in store.jobs(project.id, "scrape")] == ids[::-1]
    assert len(store.jobs()) == 4
    assert len(store.jobs(limit=1)) == 1


def test_jobs_that_wait_or_run_are_busy_however_many_there_are(store, project):
    ids = submitted(store, project, 120)
    _, claim = store.claim("here", 60)
    assert store.busy() == set(ids)
    store.finish(claim, "done")
    assert store.busy() == set(ids) - {claim.job}
