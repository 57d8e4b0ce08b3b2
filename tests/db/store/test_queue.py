"""The review queue: filters, orders, pages, tiles, leases."""

from __future__ import annotations

import pytest

from core.model import Decision, Finding
from db.store.queue import Filter
from tests.db.conftest import finding, operation, reject


def pages(store, project, wanted: Filter, limit: int = 3) -> list[int]:
    ids, after = [], None
    while True:
        tiles, after = store.queue(project.id, wanted, after, limit)
        ids += [tile.image for tile in tiles]
        if after is None:
            return ids


@pytest.mark.parametrize("order", ["found", "score", "label", "labels"])
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


def test_wrong_class_first_begins_with_the_surest_wrong_label_and_says_what_it_looks_like(
    store, project, images, claim
):
    ids = images(4)
    note = "looks more like GT (3) (92%) than sedan (4%); 9 of the 10 most similar pictures are GT (3)"
    store.replace_findings(claim("clean"), project.id, ["too_small", "label_issue"], [
        finding(ids[1], score=1.0), finding(ids[2], "label_issue", 0.7), finding(ids[3], score=0.5),
        Finding(ids[3], "label_issue", 0.9, "embedding", note=note)])  # fmt: skip
    tiles, _ = store.queue(project.id, Filter(order="labels", kind="any"))
    assert [(t.image, t.score) for t in tiles] == [(ids[3], 0.9), (ids[2], 0.7), (ids[1], 1.0)]
    assert tiles[0].why == "looks like GT (3), 92%, too small" and tiles[1].why == "label issue"
    assert pages(store, project, Filter(order="labels")) == [ids[3], ids[2], ids[0], ids[1]]


def test_what_people_moved_from_class_to_class_is_counted(store, project, images):
    ids = images(4, "sedan")
    store.apply(project.id, operation(*(Decision(i, "keep", label="coupe") for i in ids[:2]), Decision(ids[3], "keep")))
    store.apply(project.id, operation(Decision(ids[1], "reject", label="coupe")))
    assert store.moved(project.id) == {("sedan", "coupe"): 1}


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
