"""Images, and every place each came from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import BadInput
from core.model import Decision, Operation
from tests.db.conftest import candidate, facts, statuses


def test_an_image_keeps_its_facts_to_the_last_bit(store, project, images):
    (image,) = images(1)
    record = store.image(project.id, image)
    assert record.facts == facts(record.origin)
    assert (record.verdict, record.version, record.label, record.source_label) == ("undecided", 0, "sedan", "sedan")


def test_images_come_in_order_of_id_over_any_number_of_batches(store, project, images):
    ids = images(23)
    assert [r.id for r in store.images(project.id, batch=5)] == ids
    assert [r.id for r in store.images(project.id, ["reject"])] == []
    assert [r.id for r in store.latest(project.id, 3)] == ids[:-4:-1]


def test_images_of_equal_pixels_are_named_and_those_of_other_projects_are_none(store, project, claim):
    by, other = claim(), store.add_project("boats", ["sloop"])
    same = {"http://a/2": "http://a/1", "http://b/1": "http://a/3"}
    for of, urls in ((project, ["http://a/1", "http://a/2", "http://a/3"]), (other, ["http://b/1"])):
        store.add_candidates(by, of.id, 0, [candidate(url) for url in urls])
        store.add_fetched(by, of.id, [
            (url, replace(facts(url), pixels=facts(same.get(url, url)).pixels), "") for url in urls
        ])  # fmt: skip
    first, second, *_ = (r.id for r in store.images(project.id))
    assert store.same_pixels(project.id) == [first, second]
    assert store.same_pixels(other.id) == []


def test_images_by_id_come_in_the_order_asked_for_and_only_of_this_project(store, project, images):
    ids = images(3)
    other = store.add_project("boats", ["sloop"])
    assert [r.id for r in store.images_by_id(project.id, [ids[2], 999, ids[0]])] == [ids[2], ids[0]]
    assert store.images_by_id(other.id, ids) == []
    with pytest.raises(BadInput, match="There is no image"):
        store.image(other.id, ids[0])


def test_more_ids_than_sqlite_binds_at_once_are_found(store, project, images):
    ids = images(3)
    asked = [*range(10_000, 50_000), *ids]
    assert [r.id for r in store.images_by_id(project.id, asked)] == ids


def test_the_same_bytes_from_another_url_are_the_same_image(store, project, claim):
    by = claim()
    store.add_candidates(by, project.id, 0, [candidate("http://a/1"), candidate("http://b/1", "coupe")])
    store.add_fetched(by, project.id, [("http://a/1", facts("same"), ""), ("http://b/1", facts("same"), "")])
    (image,) = store.images(project.id)
    assert (image.origin, image.label, image.facts) == ("http://a/1", "sedan", facts("same"))
    assert [o.candidate.url for o in store.origins(image.id)] == ["http://a/1", "http://b/1"]
    assert statuses(store, by.job) == {"fetched": 1, "duplicate": 1}


def test_kept_images_of_a_class_come_with_those_that_a_person_kept_first(store, project, images):
    one, two, three, four = images(4)
    decide = [Decision(one, "reject"), Decision(three, "keep"), Decision(two, "keep", label="coupe")]
    store.apply(project.id, Operation("1", "ann", tuple(decide)))
    assert [r.id for r in store.kept(project.id, "sedan", 9)] == [three, four]
    assert [r.id for r in store.kept(project.id, "sedan", 9, skip=1)] == [four]
    assert [r.id for r in store.kept(project.id, "coupe", 9)] == [two]
    assert store.kept(project.id, "van", 9) == []
