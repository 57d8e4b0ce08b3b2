"""Decisions: appended, versioned, known by their operation."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadInput
from core.model import Applied, Decision
from tests.db.conftest import operation, reject

ROOT = Path(__file__).resolve().parents[3]


def state(store, project, image: int) -> tuple:
    record = store.image(project.id, image)
    return record.verdict, record.reason, record.label, record.version


def test_a_decision_holds_from_then_on_and_is_written_down_with_who_and_when(store, project, images):
    (image,) = images(1)
    assert store.apply(project.id, done := operation(reject(image, 0))) == Applied(done.id, 1)
    store.apply(project.id, operation(Decision(image, "keep", label="coupe", version=1), who="bob"))
    assert state(store, project, image) == ("keep", "", "coupe", 2)
    history = store.history(image)
    assert [entry[1:5] for entry in history] == [("ann", "reject", "interior", "sedan"), ("bob", "keep", "", "coupe")]
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
        (project.id, operation(replace(reject(image), verdict="maybe")), "The decision 'maybe'"),
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


def test_deciders_are_who_made_the_decision_that_holds_now(store, project, images):
    first, second, third, untouched = images(4)
    store.apply(project.id, operation(reject(first), reject(second), reject(third), who="ann"))
    store.apply(project.id, operation(Decision(second, "keep"), who="bob"))
    store.apply(project.id, late := operation(Decision(third, "keep", version=0), who="eve"))
    assert store.decided(late.id) == [], "a conflict decides nothing"
    asked = [*range(10_000, 11_000), first, second, third, untouched]
    assert store.deciders(asked) == {first: "ann", second: "bob", third: "ann"}
    assert store.deciders([]) == {}


def test_who_undoes_a_decision_is_the_decider_then(store, project, images):
    (image,) = images(1)
    store.apply(project.id, done := operation(reject(image), who="ann"))
    store.apply(project.id, operation(undoes=done.id, who="bob"))
    assert store.deciders([image]) == {image: "bob"}


def test_decided_is_what_an_operation_stored_in_its_order_without_its_conflicts(store, project, images):
    first, second, third = images(3)
    store.apply(project.id, operation(Decision(second, "keep")))
    mixed = operation(reject(third, 0), reject(second, 0), Decision(first, "keep", label="coupe", version=0), who="bob")
    store.apply(project.id, mixed)
    stored = [Decision(third, "reject", "interior", "sedan", 1), Decision(first, "keep", "", "coupe", 1)]
    assert store.decided(mixed.id) == stored
    store.apply(project.id, undo := operation(undoes=mixed.id))
    assert {(d.image, d.verdict, d.reason, d.label, d.version) for d in store.decided(undo.id)} == {
        (third, "undecided", "", "sedan", 2), (first, "undecided", "", "sedan", 2)}  # fmt: skip
    assert store.decided(mixed.id) == stored, "what was stored stays as it was"
    assert store.decided("unknown") == []


def assert_log_is_whole(store, project, ids: list[int]) -> int:
    """Versions without gaps, and the state is the last decision's; gives the number of decisions."""
    total = 0
    for image in ids:
        history = store.history(image)
        verdict, reason, label, version = state(store, project, image)
        assert version == len(history)
        if history:
            assert history[-1][2:5] == (verdict, reason, label)
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
from tests.db.store.test_decisions import review
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
