"""Candidates: what a source found, and what became of each."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from core.errors import Fenced, Permanent, Refused
from core.model import UNKNOWN_LICENCE
from db.store import candidates as module
from tests.db.conftest import candidate, facts, statuses


def test_candidates_keep_their_provenance_and_are_read_in_their_order(store, project, claim):
    by = claim()
    first = candidate(
        "http://a/1",
        page="http://a",
        title="50% _off_",
        creator="Åsa",
        licence="CC BY 4.0",
        licence_url="http://l",
        part="val",
    )
    store.add_candidates(by, project.id, 0, [first, candidate("http://a/2", "coupe")])
    found = store.pending(by.job)
    assert [c for _, c in found] == [first, candidate("http://a/2", "coupe")]
    assert found[1][1].licence == UNKNOWN_LICENCE
    after = found[0][0]
    assert [c.url for _, c in store.pending(by.job, after)] == ["http://a/2"]


def test_an_enumeration_that_is_taken_up_again_doubles_nothing(store, project, claim):
    by = claim()
    batch = [candidate(f"http://a/{i}") for i in range(10)]
    store.add_candidates(by, project.id, 0, batch[:6])
    assert store.positions(by.job) == 6
    store.add_candidates(by, project.id, 4, batch[4:])  # it was killed between storing and saying so
    assert store.positions(by.job) == 10
    assert [c.url for _, c in store.pending(by.job)] == [c.url for c in batch]


def test_a_claim_that_was_lost_stores_nothing(store, project, claim):
    old = claim()
    store.take_back("here")
    _, new = store.claim("there", 60)
    store.add_candidates(new, project.id, 0, [candidate("http://a/1")])
    with pytest.raises(Fenced):
        store.add_candidates(old, project.id, 1, [candidate("http://a/2")])
    with pytest.raises(Fenced):
        store.add_fetched(old, project.id, [("http://a/1", facts("1"), "")])
    assert statuses(store, new.job) == {"pending": 1}
    assert list(store.images(project.id)) == []


def test_a_url_is_handed_out_once_however_often_it_was_found(store, project, claim):
    by = claim()
    store.add_candidates(
        by, project.id, 0, [candidate("http://a/1"), candidate("http://a/1", "coupe"), candidate("http://a/2")]
    )
    assert [c.url for _, c in store.pending(by.job)] == ["http://a/1", "http://a/2"]
    store.add_fetched(by, project.id, [("http://a/1", facts("1"), "")])
    assert statuses(store, by.job) == {"fetched": 1, "duplicate": 1, "pending": 1}
    store.add_candidates(by, project.id, 3, [candidate("http://a/1")])
    assert [c.url for _, c in store.pending(by.job)] == ["http://a/2"]
    assert statuses(store, by.job) == {"fetched": 1, "duplicate": 2, "pending": 1}


def test_a_url_that_an_earlier_job_fetched_is_a_duplicate_at_once(store, project, claim, images):
    (image,) = images(1)
    by = claim()
    origin = store.image(project.id, image).origin
    store.add_candidates(by, project.id, 0, [candidate(origin, "coupe")])
    assert store.pending(by.job) == []
    assert statuses(store, by.job) == {"duplicate": 1}
    assert store.several_origins(project.id) == {image: [(origin, "sedan"), (origin, "coupe")]}


def test_what_its_host_said_no_to_is_not_asked_again_by_a_later_job_for_a_month(store, project, claim, monkeypatch):
    first = claim()
    urls = ("http://a/gone", "http://a/busy", "http://10.0.0.1/x", "/photos/1.jpg", "http://a/signin")
    store.add_candidates(first, project.id, 0, [candidate(url) for url in urls])
    gone = Permanent("http 404", "a answered with the error 404.")
    store.add_fetched(first, project.id, [
        (urls[0], gone, "allowed"), (urls[1], Refused("timeout", "It took too long."), ""),
        (urls[2], Permanent("forbidden address", "10.0.0.1 is a private address."), ""),
        (urls[3], Permanent("too large", "It is too large."), ""),
        (urls[4], Permanent("not an image", "It is the sign-in page of the hotel's network."), ""),
    ])  # fmt: skip
    for attempt in range(2):  # the third job knows it from the first, not from the second
        later = claim()
        stored = store.add_candidates(later, project.id, 0, [candidate(urls[0], "coupe"), *map(candidate, urls[1:])])
        assert stored["coupe", "urls", "failed", "http 404"] == 1, attempt
        assert [c.url for _, c in store.pending(later.job)] == list(urls[1:]), "it may pass, or be mended by the user"
        store.finish(later, "done", {})
    (row,) = [row for row in store.failed(project.id, ["http 404"]) if row["id"] > 10]
    assert re.fullmatch(
        r"a answered with the error 404\. \(asked on (\d{4}-\d\d-\d\d), and not again before (?!\1)\d{4}-\d\d-\d\d\)",
        row["sentence"],
    )
    assert not row["retryable"]
    monkeypatch.setattr(module, "AGAIN", timedelta(0))
    last = claim()
    store.add_candidates(last, project.id, 0, [candidate(urls[0])])
    assert [c.url for _, c in store.pending(last.job)] == [urls[0]]


def test_what_another_job_brought_or_found_gone_meanwhile_need_not_be_asked(store, project, claim):
    first = claim()
    urls = [f"http://a/{n}" for n in range(4)]
    store.add_candidates(first, project.id, 0, [*map(candidate, urls), candidate(urls[0], "coupe")])
    other = claim()
    store.add_candidates(other, project.id, 0, [candidate(url) for url in urls[:3]])
    gone = Permanent("http 404", "a answered with the error 404.")
    store.add_fetched(other, project.id, [(urls[0], facts("1"), "allowed"), (urls[1], gone, "allowed")])
    known, ended = store.add_known(first, project.id, urls)
    assert known == set(urls[:2])
    assert ended == {("sedan", "urls", "duplicate", ""): 1, ("coupe", "urls", "duplicate", ""): 1,
                     ("sedan", "urls", "failed", "http 404"): 1}  # fmt: skip
    assert [c.url for _, c in store.pending(first.job)] == urls[2:]
    assert statuses(store, first.job) == {"duplicate": 2, "failed": 1, "pending": 2}
    assert store.add_known(first, project.id, urls[2:]) == (set(), {})


def test_storing_what_was_fetched_again_changes_nothing(store, project, claim):
    by = claim()
    store.add_candidates(by, project.id, 0, [candidate("http://a/1"), candidate("http://a/2")])
    outcomes = [("http://a/1", facts("1"), ""), ("http://a/2", Permanent("not an image", "It is HTML."), "")]
    for _ in range(2):
        store.add_fetched(by, project.id, outcomes)
    store.add_fetched(by, project.id, [("http://a/1", Refused("timeout"), "")])
    assert statuses(store, by.job) == {"fetched": 1, "failed": 1}
    assert store.failures(project.id, by.job) == {"not an image": 1}


def test_a_failure_keeps_its_reason_its_sentence_and_whether_it_may_be_tried_again(store, project, claim):
    by = claim()
    store.add_candidates(
        by, project.id, 0, [candidate("http://a/1"), candidate("http://a/2"), candidate("not a url", error="malformed")]
    )
    store.add_fetched(
        by,
        project.id,
        [
            ("http://a/1", Refused("timeout", "No answer in 20 s."), ""),
            ("http://a/2", Permanent("404", "It is gone."), ""),
        ],
    )
    rows = {row["url"]: (row["reason"], row["sentence"], row["retryable"]) for row in store.failed(project.id)}
    assert rows == {"http://a/1": ("timeout", "No answer in 20 s.", True), "http://a/2": ("404", "It is gone.", False),
                    "not a url": ("malformed", "malformed", False)}  # fmt: skip
    assert store.retryable(project.id) == 1
    assert store.failures(project.id) == {"timeout": 1, "404": 1, "malformed": 1}
    assert [row["url"] for row in store.failed(project.id, ["404"])] == ["http://a/2"]


def test_a_retry_gets_what_may_be_tried_again_and_what_stopped_jobs_left_over(store, project, claim):
    first = claim()
    store.add_candidates(first, project.id, 0, [candidate(f"http://a/{i}") for i in range(3)])
    store.add_fetched(first, project.id, [("http://a/0", Refused("timeout"), ""), ("http://a/1", Permanent("404"), "")])
    busy = claim()
    store.add_candidates(busy, project.id, 0, [candidate("http://b/0")])
    store.finish(first, "stopped")
    again = claim()
    for _ in range(2):
        store.retry(again, project.id)
    assert [c.url for _, c in store.pending(again.job)] == ["http://a/0", "http://a/2"]
    assert [c.url for _, c in store.pending(busy.job)] == ["http://b/0"]
    store.add_fetched(again, project.id, [("http://a/0", Refused("timeout"), ""), ("http://a/2", facts("2"), "")])
    store.retry(again, project.id)
    assert store.pending(again.job) == [], "what failed again in this job would go round for ever"


def test_text_that_no_database_can_keep_is_a_counted_failure_and_loses_no_other_row(store, project, claim):
    by = claim()
    store.add_candidates(
        by,
        project.id,
        0,
        [candidate("http://a/1", title="a\x00b"), candidate("http://a/\ud800"), candidate("http://a/3")],
    )
    assert [c.url for _, c in store.pending(by.job)] == ["http://a/3"]
    assert store.failures(project.id) == {"malformed text": 2}
    assert {row["url"] for row in store.failed(project.id)} == {"http://a/1", "http://a/?"}


def test_every_row_found_is_fetched_a_duplicate_or_failed(store, project, claim):
    by = claim()
    store.add_candidates(
        by,
        project.id,
        0,
        [candidate(f"http://a/{i % 7}", error="unknown class" if i % 5 == 0 else "") for i in range(40)],
    )
    pending = [c.url for _, c in store.pending(by.job)]
    store.add_fetched(
        by, project.id, [(url, facts(url) if i % 2 else Refused("timeout"), "") for i, url in enumerate(pending)]
    )
    tally = statuses(store, by.job)
    assert sum(tally.values()) == 40
    assert set(tally) == {"fetched", "duplicate", "failed"}
