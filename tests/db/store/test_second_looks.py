"""Second looks: what another person said is not told, and what is said then changes nothing until it is settled."""

from __future__ import annotations

from random import Random

import pytest

from core.errors import BadInput
from core.model import DUPLICATE, TOGETHER, Applied, Decision, Showing, Word
from db.store.queue import Filter
from db.store.second_looks import BLIND
from tests.db.conftest import operation, reject

DISPUTED = Filter(verdict="disputed")


@pytest.fixture
def shown(store, project, images):
    """Ann keeps the first two of four and rejects the others; Ben is shown them. image -> as Ben sees it."""
    ids = images(4)
    store.apply(project.id, operation(*(Decision(i, "keep") for i in ids[:2]), *(reject(i) for i in ids[2:])))
    assert len(store.show_again(project.id, "ben", [Showing(i, "likely", 0.5, "50 % likely bad") for i in ids])) == 4
    return store.second_looks(project.id, "ben", ids)


def says(store, project, shown, *verdicts: str, who: str = "ben", **more):
    """Ben's word on each of the four in turn."""
    made = [
        Decision(i, verdict, version=one.version, **more)
        for (i, one), verdict in zip(shown.items(), verdicts, strict=False)
    ]
    sent = operation(*made, who=who)
    return sent, store.apply(project.id, sent)


def state(store, project):
    return [(r.verdict, r.reason, r.label, r.version) for r in store.images(project.id)]


def test_it_looks_undecided_under_the_class_of_its_source(store, project, images):
    (image,) = images(1)
    store.apply(project.id, operation(Decision(image, "keep", label="coupe", box=(1, 1, 9, 9))))
    store.show_again(project.id, "ben", [Showing(image, "random", why="random sample")])
    seen = store.second_looks(project.id, "ben", [image])[image]
    assert (seen.label, seen.verdict, seen.reason, seen.version, seen.box) == ("sedan", "undecided", "", BLIND, None)
    assert store.second_looks(project.id, "ann", [image]) == {}
    assert store.waiting_again(project.id, "ben") == [Showing(image, "random", why="random sample")]


def test_an_answer_is_kept_beside_and_changes_nothing(store, project, shown):
    before, judged, audit = state(store, project), store.judged(project.id), store.audit(project.id)
    sent, done = says(store, project, shown, "keep", "reject", "keep", "reject")
    assert done == Applied(sent.id, 4)
    assert (state(store, project), store.judged(project.id), store.audit(project.id)) == (before, judged, audit)
    assert store.waiting_again(project.id, "ben") == []
    assert {one.verdict for one in store.second_looks(project.id, "ben", list(shown)).values()} == {"keep", "reject"}
    assert [(p.first.verdict, p.second.verdict) for p in store.pairs(project.id)] == [
        ("keep", "keep"), ("keep", "reject"), ("reject", "keep"), ("reject", "reject")]  # fmt: skip
    assert store.reviewers(project.id) == {"ann": 4, "ben": 4}


def test_sent_again_it_is_stored_once(store, project, shown):
    sent, done = says(store, project, shown, "reject")
    assert store.apply(project.id, sent) == Applied(sent.id, done.stored, repeated=True)
    assert len(store.pairs(project.id)) == 1


def test_undo_takes_the_answer_back_and_it_waits_again(store, project, shown):
    sent, _ = says(store, project, shown, "reject", "keep")
    assert [d.image for d in store.decided(sent.id)] == list(shown)[:2]
    assert store.last_operation(project.id, "ben") == sent.id
    undo = operation(who="ben", undoes=sent.id)
    assert store.apply(project.id, undo) == Applied(undo.id, 2)
    assert store.pairs(project.id) == [] and len(store.waiting_again(project.id, "ben")) == 4
    seen = store.second_looks(project.id, "ben", list(shown))[list(shown)[0]]
    assert (seen.verdict, seen.version) == ("undecided", BLIND + 2), "as a browser counts: one word, one undo"
    assert store.apply(project.id, operation(who="ben", undoes=sent.id)).stored == 0, "a second undo finds nothing"
    with pytest.raises(BadInput, match="nothing to undo"):
        store.apply(project.id, operation(who="ben", undoes="never"))


def test_an_operation_may_hold_both_kinds_and_one_undo_takes_both_back(store, project, images, shown):
    (fresh,) = images(1, name="later")
    hidden, seen = next(iter(shown.items()))
    sent = operation(Decision(fresh, "keep", version=0), Decision(hidden, "reject", version=seen.version), who="ben")
    assert store.apply(project.id, sent).stored == 2
    assert store.image(project.id, fresh).verdict == "keep" and store.image(project.id, hidden).verdict == "keep"
    assert store.apply(project.id, operation(who="ben", undoes=sent.id)).stored == 2
    assert store.image(project.id, fresh).verdict == "undecided" and store.pairs(project.id) == []


def test_whoever_turns_back_and_thinks_again_has_one_word_the_last(store, project, shown):
    says(store, project, shown, "reject")
    again = store.second_looks(project.id, "ben", list(shown))
    says(store, project, again, "keep")
    (pair,) = store.pairs(project.id)
    assert pair.second == Word("ben", "keep") and store.queue_size(project.id, DISPUTED) == 0


def test_where_two_differ_it_is_disputed_until_somebody_decides_in_the_open(store, project, shown):
    says(store, project, shown, "reject", "keep", "keep", "reject")
    first, _, third, _ = shown
    assert [tile.image for tile in store.queue(project.id, DISPUTED)[0]] == [first, third]
    (one,) = store.disputes(project.id, [first])
    assert (one.first, one.second) == (Word("ann", "keep"), Word("ben", "reject"))
    tile = store.tiles(project.id, [first])[0]
    assert store.apply(project.id, operation(reject(first, tile.version), who="ben")).stored == 1
    assert store.image(project.id, first).verdict == "reject"
    assert [p.image for p in store.disputes(project.id)] == [third]
    assert len(store.pairs(project.id)) == 4, "both words of then still count for how far they agree"
    assert first not in store.second_looks(project.id, "ben", list(shown)), "and there is nothing to hide any more"


def test_another_class_is_disputed_too_and_another_reason_is_not(store, project, shown):
    says(store, project, shown, "keep", label="coupe")
    last = list(shown)[3]
    store.apply(project.id, operation(reject(last, shown[last].version, "blurred"), who="ben"))
    (pair,) = store.disputes(project.id)
    assert pair.second == Word("ben", "keep", label="coupe")


def test_what_is_decided_meanwhile_is_a_conflict_and_no_look_any_more(store, project, shown):
    first = next(iter(shown))
    store.apply(project.id, operation(reject(first), who="ann"))
    sent, done = says(store, project, shown, "keep", "keep")
    assert done == Applied(sent.id, 1, (first,))
    assert store.image(project.id, first).verdict == "reject"
    assert first not in {one.image for one in store.waiting_again(project.id, "ben")}


def test_what_the_first_one_takes_back_counts_no_more(store, project, images):
    (image,) = images(1)
    store.apply(project.id, first := operation(reject(image)))
    store.show_again(project.id, "ben", [Showing(image)])
    says(store, project, store.second_looks(project.id, "ben", [image]), "keep")
    store.apply(project.id, operation(undoes=first.id))
    assert store.pairs(project.id) == store.disputes(project.id) == []


def test_without_a_version_the_first_word_is_an_opinion_and_another_one_is_said_in_the_open(store, project, shown):
    first = next(iter(shown))
    for _ in range(2):  # a table that is read twice
        store.apply(project.id, operation(reject(first), who="ben"))
        assert store.image(project.id, first).verdict == "keep"
    store.apply(project.id, operation(Decision(first, "keep"), who="ben"))
    assert store.image(project.id, first).version == 2 and store.disputes(project.id) == []


def test_a_decision_on_copies_is_no_answer(store, project, shown):
    first = next(iter(shown))
    store.apply(project.id, operation(Decision(first, "reject", DUPLICATE), who="ben"))
    assert store.image(project.id, first).reason == DUPLICATE and store.pairs(project.id) == []


def test_never_ones_own_nor_twice_nor_what_nobody_looked_at(store, project, images):
    ids, chance = images(30), Random(0).randrange
    store.apply(project.id, operation(*(Decision(i, "keep") for i in ids[:10])))
    store.apply(project.id, operation(*(Decision(i, "keep", TOGETHER) for i in ids[10:15])))
    store.apply(project.id, operation(*(reject(i) for i in ids[15:20]), who="ben"))

    def some(who: str, number: int = 99, **more) -> set[int]:
        return {one.image for one in store.seen_by_others(project.id, who, number, chance, **more)}

    assert some("ben") == set(ids[:10]) and some("ann") == set(ids[15:20])
    assert some("ben", which="bad") == set() and some("cleo", which="bad") == set(ids[15:20])
    assert some("cleo", trusted="ann") == set(ids[:10]) and some("ben", label="coupe") == set()
    assert len(some("ben", 4)) == 4 and some("ben", without=ids[:9]) == {ids[9]}
    store.show_again(project.id, "ben", [Showing(i) for i in ids[:4]])
    assert store.show_again(project.id, "ben", [Showing(ids[0])]) == []
    assert some("ben") == set(ids[4:10])
    assert some("cleo") == set(ids[4:10]) | set(ids[15:20]), "nor a third time by somebody else"
    assert some("cleo", trusted="ann") == set(ids[:10]), "but what is known may be shown to everybody"
    assert store.others(project.id, "ann") and store.others(project.id, "cleo")


def test_check_pictures_are_no_disputes_and_are_counted_for_themselves(store, project, images):
    ids = images(3)
    store.apply(project.id, operation(*(reject(i) for i in ids)))
    store.show_again(project.id, "ben", [Showing(i) for i in ids], known=True)
    says(store, project, store.second_looks(project.id, "ben", ids), "keep", "keep")
    assert store.check_counts(project.id) == {"ben": 3} and store.disputes(project.id) == []
    assert [p.known for p in store.pairs(project.id)] == [True, True] and store.queue_size(project.id, DISPUTED) == 0
