"""From links to groups, and which copy is kept."""

from __future__ import annotations

import time
from dataclasses import replace

from core.clean import groups as g
from core.model import Finding, ImageFacts, ImageRecord, Link, Measure


def record(number: int, width: int = 640, height: int = 480, label: str = "sedan", size: int = 1000) -> ImageRecord:
    facts = ImageFacts(str(number), str(number), width, height, "JPEG", size, (0,) * 8)
    return ImageRecord(number, facts, "", label, label, "", "undecided", "", 0)


def test_a_chain_of_small_changes_is_cut():
    # 1 - 2 - 3 - 4 - 5: each is linked to its neighbours alone.
    links = g.both_ways([Link(i, i + 1, 0.95, "") for i in range(1, 5)])
    assert [set(group) for group in g.groups(links)] == [{1, 2, 3}, {4, 5}]


def test_every_member_of_a_group_is_linked_to_its_middle():
    links = g.both_ways([Link(1, 2, 0.9, ""), Link(1, 3, 0.95, ""), Link(2, 3, 0.97, ""), Link(3, 4, 0.99, "")])
    [group] = g.groups(links)
    assert group == {3: 0.99, 1: 0.95, 2: 0.97, 4: 0.99}


def test_images_that_hang_together_by_no_link_are_in_no_group():
    links = g.both_ways([Link(1, 2, 0.9, ""), Link(5, 9, 0.9, "")])
    assert list(g.components(links)) == [[1, 2], [5, 9]]
    assert list(g.groups({})) == []


def test_the_best_copy_is_large_then_sharp_then_licensed():
    small, large, soft = record(1, 320, 240), record(2), record(3)
    assert g.best([small, large], {}, {1}) is large
    assert g.best([soft, large], {2: Measure(2, {"blurred": 0.4})}, ()) is soft
    assert g.best([large, soft], {}, {3}) is soft
    assert g.best([large, soft], {}, ()) is large, "the first of equals"
    assert g.best([record(1, 630, 475), record(2)], {}, {1}).id == 1, "ten pixels more weigh less than a licence"


def test_the_best_copy_has_the_class_that_most_have_and_was_not_rejected():
    copies = [record(1), record(2), record(3, 1280, 960, "coupe")]
    assert g.best(copies, {}, ()).id == 1
    assert g.best([replace(copies[2], verdict="reject"), record(4, 64, 64, "coupe")], {}, ()).id == 4


def test_a_copy_that_cannot_be_read_is_never_the_best_and_one_a_person_kept_goes_before_a_larger_one():
    copies = [record(1, 1280, 960), record(2), record(3)]
    assert g.best(copies, {1: Measure(1, fault="gone")}, ()).id == 2
    assert g.best([copies[0], replace(copies[2], verdict="keep", version=1)], {}, ()).id == 3


def test_copies_of_one_picture_count_as_one_with_the_surest_link():
    links = g.both_ways([Link(1, 3, 0.9, ""), Link(2, 3, 0.95, ""), Link(1, 2, 0.99, "")], {2: 1})
    assert links == {1: {3: 0.95}, 3: {1: 0.95}}


def test_ten_thousand_images_in_one_heap_are_grouped_at_once():
    links = g.both_ways([Link(i, j, 0.9, "") for i in range(10_000) for j in (i + 1, i + 7, i + 31, i + 101)])
    began = time.process_time()
    grouped = list(g.groups(links))
    assert time.process_time() - began < 5, "two minutes when each middle was looked for among all"
    assert len({i for group in grouped for i in group}) == sum(map(len, grouped)) > 9_000


def test_a_conflict_is_over_once_copies_of_all_but_one_class_are_rejected():
    copies = [record(1), record(2, label="coupe")]
    found = [Finding(1, "near_duplicate", 0.95, "", "a"), Finding(2, "near_duplicate", 0.95, "", "a")]
    assert [one.image for one in g.conflicts(copies, found, {})] == [1, 2]
    assert list(g.conflicts([copies[0], replace(copies[1], verdict="reject", version=1)], found, {})) == []


def test_two_labels_of_the_same_bytes_are_a_conflict_until_somebody_decides():
    found = [Finding(1, "exact_duplicate", 1.0, "", "a")]
    several = {1: [("http://a", "sedan"), ("http://b", "suv")]}
    assert [one.note for one in g.conflicts([record(1)], found, several)] == ["the same photo is in sedan, suv"]
    assert list(g.conflicts([replace(record(1), verdict="keep", version=1)], found, several)) == []
    assert len(list(g.conflicts([replace(record(1), version=2)], found, several))) == 1, "decided, and taken back"
