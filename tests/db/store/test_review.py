"""Findings, the queue, and decisions that are appended, versioned and known by their operation."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

from core.errors import BadInput, Fenced
from core.model import Applied, Decision, Finding, Operation
from db.store.review import Filter

ROOT = Path(__file__).resolve().parents[3]


def operation(*decisions: Decision, who: str = "ann", undoes: str = "") -> Operation:
    return Operation(str(uuid.uuid4()), who, decisions, undoes)


def reject(image: int, version: int | None = None, reason: str = "interior") -> Decision:
    return Decision(image, "reject", reason, version=version)


def state(store, project, image: int) -> tuple:
    record = store.image(project.id, image)
    return record.verdict, record.reason, record.label, record.version


# decisions -----------------------------------------------------------------------------------------------------------


def test_a_decision_holds_from_then_on_and_is_written_down_with_who_and_when(store, project, images):
    (image,) = images(1)
    assert store.apply(project.id, done := operation(reject(image, 0))) == Applied(done.id, 1)
    store.apply(project.id, operation(Decision(image, "keep", label="coupe", version=1), who="bob"))
    assert state(store, project, image) == ("keep", "", "coupe", 2)
    history = store.history(image)
    assert [entry[1:] for entry in history] == [("ann", "reject", "interior", "sedan"), ("bob", "keep", "", "coupe")]
    assert history[0][0] <= history[1][0]
    assert store.image(project.id, image).source_label == "sedan", "what the source said is never changed"
    assert store.deciders([image]) == {image: "bob"}


def test_an_operation_that_is_sent_again_is_stored_once(store, project, images):
    ids = images(3)
    sent = operation(*(reject(i, 0) for i in ids))
    assert store.apply(project.id, sent) == Applied(sent.id, 3)
    for _ in range(3):
        assert store.apply(project.id, sent) == Applied(sent.id, 3, repeated=True)
    assert store.decision_count(project.id) == 3


def test_what_someone_else_decided_since_is_a_conflict_and_not_overwritten(store, project, images):
    first, second = images(2)
    store.apply(project.id, operation(Decision(first, "keep", version=0)))
    late = operation(reject(first, 0), reject(second, 0), who="bob")
    assert store.apply(project.id, late) == Applied(late.id, 1, (first,))
    assert state(store, project, first)[0] == "keep"
    assert state(store, project, second)[0] == "reject"
    assert store.apply(project.id, late) == Applied(late.id, 1, (first,), repeated=True)


def test_a_decision_without_a_version_holds_whatever_was_before(store, project, images):
    (image,) = images(1)
    for verdict in ("reject", "keep", "undecided"):
        store.apply(project.id, operation(Decision(image, verdict)))
    assert state(store, project, image) == ("undecided", "", "sedan", 3)


def test_undo_is_a_new_decision_that_goes_back_to_what_was(store, project, images):
    (image,) = images(1)
    store.apply(project.id, operation(Decision(image, "keep", label="coupe")))
    wrong = operation(reject(image))
    store.apply(project.id, wrong)
    undo = operation(undoes=wrong.id)
    assert store.apply(project.id, undo) == Applied(undo.id, 1)
    assert state(store, project, image) == ("keep", "", "coupe", 3)
    assert store.decision_count(project.id) == 3, "nothing was taken out of the log"
    assert store.apply(project.id, undo).repeated


def test_undo_leaves_alone_what_someone_decided_since(store, project, images):
    first, second = images(2)
    mine = operation(reject(first), reject(second))
    store.apply(project.id, mine)
    store.apply(project.id, operation(Decision(first, "keep"), who="bob"))
    assert store.apply(project.id, undo := operation(undoes=mine.id)) == Applied(undo.id, 1, (first,))
    assert state(store, project, first)[0] == "keep"
    assert state(store, project, second)[0] == "undecided"


def test_undoing_twice_takes_nothing_back_the_second_time(store, project, images):
    (image,) = images(1)
    done = operation(reject(image))
    store.apply(project.id, done)
    store.apply(project.id, operation(undoes=done.id))
    assert store.apply(project.id, operation(undoes=done.id)).stored == 0
    assert state(store, project, image)[0] == "undecided"


def test_the_last_operation_is_the_reviewers_own_newest_that_still_stands(store, project, images):
    ids = images(3)
    first, second, others = operation(reject(ids[0])), operation(reject(ids[1])), operation(reject(ids[2]), who="bob")
    for each in (first, second, others):
        store.apply(project.id, each)
    assert store.last_operation(project.id, "ann") == second.id
    store.apply(project.id, operation(undoes=second.id))
    assert store.last_operation(project.id, "ann") == first.id
    store.apply(project.id, operation(undoes=first.id))
    assert store.last_operation(project.id, "ann") == ""
    assert [d.image for d in store.decided(others.id)] == [ids[2]]


def test_an_operation_with_one_wrong_decision_stores_none_of_it(store, project, images):
    (image,) = images(1)
    other = store.add_project("boats", ["sloop"])
    wrong = [
        (project.id, operation(reject(image), reject(image)), "decides on one image twice"),
        (project.id, operation(reject(image), reject(999)), "There is no image 999"),
        (other.id, operation(reject(image)), "There is no image"),
        (project.id, operation(Decision(image, "maybe")), "The decision 'maybe'"),
        (project.id, operation(reject(image, reason="x" * 41)), "at most 40 characters"),
        (project.id, operation(Decision(image, "keep", label="a\x00b")), "NUL"),
        (project.id, operation(reject(image), who="\ud800"), "half of a character"),
        (project.id, operation(undoes="nothing"), "There is nothing to undo in operation 'nothing'"),
    ]
    for where, each, words in wrong:
        with pytest.raises(BadInput, match=words):
            store.apply(where, each)
        assert store.decided(each.id) == []
    assert state(store, project, image) == ("undecided", "", "sedan", 0)
    assert store.last_operation(project.id, "ann") == ""


def assert_log_is_whole(store, project, ids: list[int]) -> int:
    """Versions without gaps, and the state is the last decision's; gives the number of decisions."""
    total = 0
    for image in ids:
        history = store.history(image)
        verdict, reason, label, version = state(store, project, image)
        assert version == len(history)
        if history:
            assert history[-1][2:] == (verdict, reason, label)
        total += len(history)
    return total


def review(store, project, ids: list[int], who: str, rounds: int) -> tuple[int, int]:
    """One reviewer decides on what it sees; (stored, conflicts)."""
    stored = conflicts = 0
    for i in range(rounds):
        image = ids[(i * 7 + hash(who)) % len(ids)]
        seen = store.image(project.id, image).version
        applied = store.apply(project.id, operation(reject(image, seen), who=who))
        stored, conflicts = stored + applied.stored, conflicts + len(applied.conflicts)
    return stored, conflicts


def test_eight_reviewers_at_once_lose_nothing_and_every_conflict_is_told(store, project, images):
    ids = images(5)
    told: list[tuple[int, int]] = []
    reviewers = [
        threading.Thread(target=lambda i=i: told.append(review(store, project, ids, f"reviewer {i}", 15)))
        for i in range(8)
    ]
    for reviewer in reviewers:
        reviewer.start()
    for reviewer in reviewers:
        reviewer.join()
    assert sum(stored + conflicts for stored, conflicts in told) == 8 * 15
    assert assert_log_is_whole(store, project, ids) == sum(stored for stored, _ in told)


REVIEWER = """
import sys
sys.path.insert(0, {root!r})
from db import open_store
from tests.db.store.test_review import review
store = open_store({url!r})
project = store.projects()[0]
print(*review(store, project, {ids!r}, sys.argv[1], 100))
"""


@pytest.mark.slow
def test_eight_processes_with_a_hundred_decisions_each_lose_nothing(store, project, images, home):
    ids = images(20)
    code = REVIEWER.format(root=str(ROOT), url=f"sqlite:///{home / 'winnow.db'}", ids=ids)
    running = [
        subprocess.Popen([sys.executable, "-c", code, f"reviewer {i}"], stdout=subprocess.PIPE, text=True)
        for i in range(8)
    ]
    told = [[int(word) for word in process.communicate(timeout=120)[0].split()] for process in running]
    assert sum(map(sum, told)) == 800
    assert assert_log_is_whole(store, project, ids) == sum(stored for stored, _ in told)


# findings and the queue ----------------------------------------------------------------------------------------------


def finding(image: int, kind: str = "too_small", score: float = 0.5, group: str = "") -> Finding:
    return Finding(image, kind, score, "size", group)


def test_running_a_check_again_replaces_its_findings_and_no_other_checks(store, project, images, claim):
    ids = images(3)
    by = claim("clean")
    store.replace_findings(by, project.id, ["exact_duplicate"], [finding(ids[0], "exact_duplicate", 1, "g")])
    for found in ([finding(ids[0]), finding(ids[1])], [finding(ids[2])]):
        store.replace_findings(by, project.id, ["too_small"], found)
    assert store.finding_counts(project.id) == {"exact_duplicate": 1, "too_small": 1}
    assert store.groups(project.id, "exact_duplicate") == {ids[0]: "g"}
    assert [f.image for f in store.findings(project.id, "too_small", batch=1)] == [ids[2]]


def test_findings_are_stored_under_the_fence(store, project, images, claim):
    (image,) = images(1)
    by = claim("clean")
    store.take_back("here")
    store.claim("there", 60)
    with pytest.raises(Fenced):
        store.replace_findings(by, project.id, ["too_small"], [finding(image)])
    assert list(store.findings(project.id)) == []


def test_all_findings_are_read_over_any_number_of_batches(store, project, images, claim):
    ids = images(7)
    found = [finding(i, kind) for i in ids for kind in ("blurred", "too_small")]
    store.replace_findings(claim("clean"), project.id, ["blurred", "too_small"], found)
    read = list(store.findings(project.id, batch=3))
    assert sorted(read, key=lambda f: (f.image, f.kind)) == found


def pages(store, project, wanted: Filter, limit: int = 3) -> list[int]:
    ids, after = [], None
    while True:
        tiles, after = store.queue(project.id, wanted, after, limit)
        ids += [tile.image for tile in tiles]
        if after is None:
            return ids


@pytest.mark.parametrize("order", ["found", "score", "label"])
def test_pages_of_the_queue_show_each_image_once_in_every_order(store, project, images, claim, order):
    ids = images(5, "sedan") + images(5, "coupe")
    store.replace_findings(
        claim("clean"), project.id, ["too_small"], [finding(i, score=0.1 * (i % 3)) for i in ids[2:8]]
    )
    shown = pages(store, project, Filter(order=order))
    assert sorted(shown) == ids
    assert len(shown) == store.queue_size(project.id) == 10


def test_the_queue_by_score_begins_with_the_surest_finding_and_says_why(store, project, images, claim):
    ids = images(4)
    store.replace_findings(claim("clean"), project.id, ["too_small", "label_conflict"], [
        finding(ids[1], score=0.3), finding(ids[3], score=0.9), finding(ids[3], "label_conflict", 0.2)])  # fmt: skip
    tiles, _ = store.queue(project.id, Filter(order="score"))
    assert [(t.image, t.score) for t in tiles] == [(ids[3], 0.9), (ids[1], 0.3), (ids[0], 0.0), (ids[2], 0.0)]
    assert tiles[0].why == "label conflict, too small"
    tiles, _ = store.queue(project.id, Filter(order="score", kind="label_conflict"))
    assert [(t.image, t.score) for t in tiles] == [(ids[3], 0.2)]


def test_filters_take_class_verdict_finding_and_ids_together(store, project, images, claim):
    sedans, coupes = images(3, "sedan"), images(3, "coupe")
    store.replace_findings(claim("clean"), project.id, ["too_small"], [finding(sedans[0]), finding(coupes[0])])
    store.apply(project.id, operation(reject(sedans[0]), reject(sedans[1])))
    assert pages(store, project, Filter(label="sedan")) == sedans
    assert pages(store, project, Filter(verdict="reject")) == sedans[:2]
    assert pages(store, project, Filter(kind="any")) == [sedans[0], coupes[0]]
    assert pages(store, project, Filter(label="sedan", verdict="undecided", ids=(sedans[2], coupes[2]))) == [sedans[2]]
    assert store.queue_size(project.id, Filter(kind="too_small", verdict="undecided")) == 1


def test_a_decision_between_two_pages_shifts_nothing(store, project, images):
    ids = images(9)
    first, after = store.queue(project.id, Filter(verdict="undecided"), None, 3)
    store.apply(project.id, operation(*(reject(t.image, t.version) for t in first)))
    second, _ = store.queue(project.id, Filter(verdict="undecided"), after, 3)
    assert [t.image for t in second] == ids[3:6]


@pytest.mark.parametrize("label", ["%", "_", "'; DROP TABLE images;--", '"'])
def test_a_class_with_a_wildcard_for_a_name_is_that_class_only(store, project, images, label):
    images(2, "sedan")
    odd = images(2, label)
    assert pages(store, project, Filter(label=label)) == odd


def test_tiles_come_as_they_stand_now_in_the_order_asked_for(store, project, images):
    ids = images(3)
    store.apply(project.id, operation(reject(ids[1])))
    tiles = store.tiles(project.id, [ids[1], ids[0], 999])
    assert [(t.image, t.verdict, t.version) for t in tiles] == [(ids[1], "reject", 1), (ids[0], "undecided", 0)]


def test_a_leased_page_is_seen_by_others_until_it_runs_out_and_cannot_be_taken_away(store, project, images):
    ids = images(2)
    store.lease(project.id, "ann", ids)
    store.lease(project.id, "bob", ids)
    assert store.leased(project.id, "bob", ids) == dict.fromkeys(ids, "ann")
    assert store.leased(project.id, "ann", ids) == {}
    store.lease(project.id, "ann", ids, minutes=-1)
    store.lease(project.id, "bob", ids)
    assert store.leased(project.id, "ann", ids) == dict.fromkeys(ids, "bob")
