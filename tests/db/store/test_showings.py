"""What was looked at, in which order, and what the random share tells."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.model import DUPLICATE, TOGETHER, Decision, Showing
from tests.db.conftest import operation, reject


def first(n: int) -> int:
    """A chance that always gives the first of those there are."""
    return 0


def test_the_draws_come_first_and_say_among_how_many_they_were_made(store, project, images):
    ids = images(6)
    noted = store.show(project.id, "ann", [Showing(ids[4], "likely", 0.9, "why")], 2, first)
    assert [(one.queue, one.image) for one in noted] == [("random", ids[0]), ("random", ids[1]), ("likely", ids[4])]
    again = store.show(project.id, "bob", [], 1, first)
    assert [one.image for one in again] == [ids[2]]
    store.apply(project.id, operation(*(Decision(i, "keep") for i in (*ids[:3], ids[4]))))
    found = store.audit(project.id)
    assert (found.among, found.bad, found.left) == ((6, 5, 3), (False,) * 3, 2)


def test_a_picture_is_shown_for_the_first_time_once(store, project, images):
    ids = images(3)
    store.show(project.id, "ann", [Showing(ids[0], "likely")], 0, first)
    noted = store.show(project.id, "bob", [Showing(ids[0], "likely"), Showing(ids[1], "unsure")], 0, first)
    assert [one.image for one in noted] == [ids[1]]


def test_two_reviewers_at_once_are_never_shown_one_picture(store, project, images):
    ids = images(40)

    def ask(who: int) -> list[int]:
        wanted = [Showing(i, "likely") for i in ids[::2]]
        return [one.image for one in store.show(project.id, f"reviewer {who}", wanted, 3, lambda n: (7 * who) % n)]

    with ThreadPoolExecutor(4) as pool:
        shown = [image for some in pool.map(ask, range(4)) for image in some]
    assert len(shown) == len(set(shown)) == 20 + sum(i not in ids[::2] for i in shown)


def test_every_picture_not_looked_at_is_as_likely_to_be_drawn(store, project, images):
    from random import Random

    ids, chance, drawn = images(5), Random(7).randrange, Counter()
    store.apply(project.id, operation(Decision(ids[1], "keep")))
    for _ in range(600):
        with store._engine.connect().execution_options(write=True) as c:
            from db.store.showings import _picked

            drawn[_picked(c, project.id, chance, 4, (ids[0], ids[-1]))] += 1
    assert set(drawn) == set(ids) - {ids[1]}
    assert all(110 < number < 190 for number in drawn.values())  # 150 expected, 10.6 is the standard deviation


def test_draws_from_pictures_whose_numbers_lie_far_apart_come_from_a_count(store, project, images):
    ids = images(3)
    noted = store.show(project.id, "ann", [], 2, lambda n: n - 1 if n <= 3 else n)  # numbers that no picture has
    assert {one.image for one in noted} <= set(ids) and len(noted) == 2


def test_what_was_shown_and_not_decided_waits_and_others_screens_are_left_out(store, project, images):
    ids = images(4)
    store.show(project.id, "ann", [Showing(i, "likely", why="because") for i in ids], 0, first)
    store.apply(project.id, operation(Decision(ids[0], "keep"), reject(ids[1])))
    store.lease(project.id, "bob", [ids[2]])
    assert [(one.image, one.why) for one in store.waiting(project.id, "ann")] == [(ids[3], "because")]
    assert [one.image for one in store.waiting(project.id, "bob")] == [ids[2], ids[3]]


def test_what_a_person_decides_counts_as_looked_at_but_for_copies_and_the_rest_of_a_class(store, project, images):
    ids = images(5)
    made = operation(
        reject(ids[0]),
        Decision(ids[1], "keep"),
        Decision(ids[2], "reject", DUPLICATE),
        Decision(ids[3], "keep", TOGETHER),
    )
    store.apply(project.id, made)
    found = store.audit(project.id)
    assert (found.looked, found.found, found.left, found.unseen) == (2, 1, 2, 1)  # the copy is out of it
    judged = {one.image: (one.bad, one.queue) for one in store.judged(project.id)}
    assert judged == {ids[0]: (True, ""), ids[1]: (False, ""), ids[2]: (None, None), ids[3]: (None, None)}


def test_another_class_is_a_bad_one_and_what_was_taken_back_is_open(store, project, images):
    ids = images(2)
    store.apply(project.id, operation(Decision(ids[0], "keep", label="coupe")))
    wrong = operation(reject(ids[1]))
    store.apply(project.id, wrong)
    assert [one.bad for one in store.judged(project.id)] == [True, True]
    store.apply(project.id, operation(undoes=wrong.id))
    assert [one.bad for one in store.judged(project.id)] == [True, None]
    assert store.audit(project.id).open == 1


def test_the_reason_is_told_and_another_class_is_one(store, project, images):
    inside, moved, good = images(3)
    store.apply(project.id, operation(Decision(inside, "reject", "interior"), Decision(moved, "keep", label="coupe")))
    store.apply(project.id, operation(Decision(good, "keep")))
    told = {one.image: one.reason for one in store.judged(project.id)}
    assert told == {inside: "interior", moved: "wrong class", good: ""}


def test_a_draw_that_is_not_decided_holds_back_those_behind_it(store, project, images):
    ids = images(5)
    store.show(project.id, "ann", [], 3, first)
    store.apply(project.id, operation(Decision(ids[0], "keep"), reject(ids[2])))
    found = store.audit(project.id)
    assert (found.among, found.since, found.left, found.looked, found.open) == ((5,), (1,), 3, 2, 1)
    store.apply(project.id, operation(Decision(ids[1], "keep")))
    found = store.audit(project.id)
    assert (found.among, found.bad, found.since) == ((5, 4, 3), (False, False, True), (1, 1, 1))


def test_what_is_on_a_screen_now_is_not_looked_at_yet_and_holds_back_only_draws_behind_it(store, project, images):
    ids = images(9)
    store.show(project.id, "ann", [Showing(ids[8], "likely")], 1, first)
    store.apply(project.id, operation(Decision(ids[0], "keep"), reject(ids[8])))
    store.show(project.id, "ann", [Showing(ids[7], "likely")], 0, first)
    store.show(project.id, "bob", [], 1, first)
    store.apply(project.id, operation(Decision(ids[1], "keep")))
    found = store.audit(project.id)
    assert (found.left, found.open, found.among, found.since) == (6, 1, (9,), (1,))
    store.apply(project.id, operation(reject(ids[7])))
    found = store.audit(project.id)
    assert (found.left, found.open, found.among, found.since) == (5, 0, (9, 6), (2, 0))


def test_bad_ones_found_since_a_draw_are_counted_whoever_chose_them(store, project, images):
    ids = images(8)
    store.show(project.id, "ann", [Showing(ids[6], "likely"), Showing(ids[7], "likely")], 1, first)
    store.show(project.id, "ann", [], 1, first)
    store.apply(project.id, operation(Decision(ids[0], "keep"), reject(ids[6]), reject(ids[7]), reject(ids[1])))
    assert store.audit(project.id).since == (3, 1)


@pytest.mark.parametrize("how", ["a picture came", "a copy was taken back"])
def test_draws_made_among_fewer_pictures_than_there_are_do_not_count(store, project, images, how):
    ids = images(4)
    out = operation(Decision(ids[3], "reject", DUPLICATE))
    store.apply(project.id, out)
    store.show(project.id, "ann", [], 1, first)
    store.apply(project.id, operation(Decision(ids[0], "keep")))
    assert store.audit(project.id).among == (3,)
    if how == "a picture came":
        images(1, name="another")
    else:
        store.apply(project.id, operation(undoes=out.id))
    assert store.audit(project.id).among == ()
    assert store.audit(project.id).looked == 1


def test_a_certificate_is_kept_beside_those_before_it(store, project, images):
    images(1)
    assert store.certificate(project.id) is None
    store.add_certificate(project.id, "ann", 1, {"left": 3})
    newer = store.add_certificate(project.id, "bob", 1, {"left": 0})
    assert store.certificate(project.id) == newer and newer.reviewer == "bob"
