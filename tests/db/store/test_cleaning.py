"""What cleaning measured is kept once for each image, and taken along by the next clean."""

from __future__ import annotations

import pytest

from core.errors import BadInput, Fenced
from core.model import Cleaning, Cropping, Decision, Detection, Link, Measure
from tests.db.conftest import candidate, facts, operation, reject


@pytest.fixture
def three(images):
    return images(3)


def test_an_image_is_measured_once_and_again_by_a_newer_measurement(store, project, claim, three):
    by = claim("clean")
    assert [image for image, _ in store.unmeasured(project.id, 1)] == three
    store.add_measures(
        by, project.id, 1, [Measure(three[0], {"dark": 0.7}, bytes(108)), Measure(three[1], fault="gone")]
    )
    store.add_links(by, project.id, [], three[:1])
    assert [image for image, _ in store.unmeasured(project.id, 1)] == three[1:], "a fault is looked at again"
    assert [image for image, _ in store.unmeasured(project.id, 2)] == three
    store.add_measures(by, project.id, 2, [Measure(three[0], {"dark": 0.1}, bytes(108))])
    assert list(store.measures(project.id)) == [
        (Measure(three[0], {"dark": 0.1}, bytes(108)), True), (Measure(three[1], fault="gone"), False),
    ]  # fmt: skip


def test_only_what_can_be_read_is_embedded_and_looked_at_by_a_detector(store, project, claim, three):
    by = claim("clean")
    store.add_measures(by, project.id, 1, [Measure(three[0], fields=bytes(108)), Measure(three[1], fault="gone")])
    assert [image for image, _ in store.unembedded(project.id, "plain")] == three[:1]
    assert [image for image, _ in store.undetected(project.id, "yolo")] == three[:1]


def test_the_site_of_an_image_is_its_pages_host_or_its_own_and_a_file_has_none(store, project, claim):
    by = claim()
    pages = {"http://cdn.example/1": "https://shop.example/a", "http://cdn.example/2": "", "/pictures/3.jpg": "",
             "http://[broken": "", "http://cdn.example/5": "http://[broken"}  # fmt: skip
    store.add_candidates(by, project.id, 0, [candidate(url, page=page) for url, page in pages.items()])
    store.add_fetched(by, project.id, [(url, facts(url), "") for url in pages])
    of = {record.id: record.origin for record in store.images(project.id)}
    store.add_measures(by, project.id, 1, [Measure(i, fields=bytes(108)) for i in of])
    sites = {of[one.image]: one.site for one in store.sited(project.id, batch=2)}
    assert [sites[url] for url in pages] == ["shop.example", "cdn.example", "", "", "cdn.example"]


def test_a_score_that_is_added_leaves_the_others_and_what_was_compared(store, project, claim, three):
    by = claim("clean")
    read = [Measure(i, {"dark": 0.7}, bytes(108)) for i in three[:2]]
    store.add_measures(by, project.id, 1, [*read, Measure(three[2], fault="gone")])
    store.add_links(by, project.id, [], three[:1])
    assert store.unscored(project.id, "watermark") == set(three[:2])
    store.add_scores(by, project.id, "watermark", {three[0]: 0.5})
    store.add_scores(by, project.id, "watermark", {three[0]: 0.0})
    assert store.unscored(project.id, "watermark") == {three[1]}
    assert store.scores(project.id, "watermark", three) == {three[0]: 0.0}
    (first, compared), *_ = store.measures(project.id)
    assert (first.scores, first.fields, compared) == ({"dark": 0.7, "watermark": 0.0}, bytes(108), True)


def test_a_vector_is_kept_for_each_network(store, project, claim, three):
    by = claim("clean")
    store.add_measures(by, project.id, 1, [Measure(i, fields=bytes(108)) for i in three])
    store.add_embeddings(by, project.id, "plain", [(three[0], b"one"), (three[1], b"two")])
    store.add_embeddings(by, project.id, "plain", [(three[0], b"other")])
    store.add_embeddings(by, project.id, "resnet18", [(three[0], b"r")])
    store.add_links(by, project.id, [], three[:1], by="plain")
    assert list(store.embeddings(project.id, "plain", batch=1)) == [(three[0], b"one", True), (three[1], b"two", False)]
    assert list(store.embeddings(project.id, "resnet18")) == [(three[0], b"r", False)]
    assert [image for image, _ in store.unembedded(project.id, "plain")] == three[2:]


def test_what_other_weights_of_the_same_name_made_is_forgotten_and_nothing_else(store, project, claim, three):
    by = claim("clean")
    for key in ("a_b", "a_b@1", "a_b@2", "axb@1", "plain"):
        store.add_embeddings(by, project.id, key, [(i, b"v") for i in three])
    store.add_detections(by, project.id, "a_b@1", {three[0]: []})
    assert store.forget_versions(by, project.id, "plain") == 0
    assert store.forget_versions(by, project.id, "a_b@2", most=4) == 5
    assert store.forget_versions(by, project.id, "a_b@2", most=4) == 2
    assert store.forget_versions(by, project.id, "a_b@2", most=4) == 0
    left = {key: len(list(store.embeddings(project.id, key))) for key in ("a_b", "a_b@1", "a_b@2", "axb@1", "plain")}
    assert left == {"a_b": 0, "a_b@1": 0, "a_b@2": 3, "axb@1": 3, "plain": 3}
    assert list(store.detections(project.id, "a_b@1")) == []


def test_of_two_links_between_two_images_the_surer_one_stays(store, project, claim, three):
    by, (a, b, c) = claim("clean"), three
    store.add_links(by, project.id, [Link(a, b, 0.7, "neighbours"), Link(a, c, 0.95, "pixels")], three)
    store.add_links(by, project.id, [Link(a, b, 0.98, "pixels"), Link(a, c, 0.6, "neighbours")], three)
    assert store.links(project.id) == [Link(a, b, 0.98, "pixels"), Link(a, c, 0.95, "pixels")]
    assert store.links(project.id, 0.96) == [Link(a, b, 0.98, "pixels")]


def test_the_links_on_either_side_of_a_limit_come_nearest_first(store, project, claim, three):
    by, (a, b, c) = claim("clean"), three
    found = [Link(a, b, 0.98, "pixels"), Link(a, c, 0.91, "pixels"), Link(b, c, 0.7, "neighbours")]
    store.add_links(by, project.id, found, three)
    assert store.links_at(project.id, 0.9) == ([found[1], found[0]], [found[2]])
    assert store.links_at(project.id, 0.9, number=1) == ([found[1]], [found[2]])


def test_what_a_detector_saw_comes_back_as_it_was(store, project, claim, three):
    by = claim("clean")
    car = Detection("car", 0.9, (1.0, 2.0, 30.5, 40.0))
    store.add_detections(by, project.id, "yolo", {three[0]: [car], three[1]: []})
    assert list(store.detections(project.id, "yolo", batch=1)) == [(three[0], [car]), (three[1], [])]
    assert store.detections_of(three[0]) == {"yolo": [car]}
    assert store.detections_of(three[2]) == {}


def test_a_crop_drawn_by_hand_holds_before_the_detectors_and_can_be_taken_back(store, project, claim, three):
    by, a = claim("clean"), three[0]
    store.set_crops(by, project.id, {a: (10, 10, 200, 200), three[1]: (0, 0, 5, 5)})
    drawn = operation(Decision(a, "keep", version=0, box=(50, -3, 9000, 300)))
    store.apply(project.id, drawn)
    box = lambda: store.images_by_id(project.id, [a])[0].box  # noqa: E731
    assert box() == (50, 0, 640, 300)
    assert [entry[5] for entry in store.history(a)] == [(50, 0, 640, 300)]
    assert store.cropped(project.id) == {"detector": 1, "person": 1}
    store.set_crops(by, project.id, {a: (1, 1, 2, 2)})
    assert box() == (50, 0, 640, 300)
    assert store.images_by_id(project.id, [three[1]])[0].box is None
    store.apply(project.id, operation(undoes=drawn.id))
    assert box() == (1, 1, 2, 2)


def test_a_decision_without_a_crop_leaves_the_crop_there_is(store, project, three):
    store.apply(project.id, operation(Decision(three[0], "keep", version=0, box=(0, 0, 100, 100))))
    store.apply(project.id, operation(reject(three[0])))
    assert store.images_by_id(project.id, three[:1])[0].box == (0, 0, 100, 100)


def test_a_crop_outside_the_picture_is_refused_in_one_sentence(store, project, three):
    with pytest.raises(BadInput, match=r"holds no pixel of image \d+, which has 640 x 480"):
        store.apply(project.id, operation(Decision(three[0], "keep", version=0, box=(700, 0, 800, 100))))


def test_how_a_project_is_cleaned_is_kept_with_it(store, project):
    assert store.project("cars").cleaning == Cleaning()
    wanted = Cleaning(likeness=0.8, crop=Cropping("yolo", ("car", "truck")))
    assert store.set_cleaning(project.id, wanted).cleaning == wanted
    assert store.project("cars").cleaning == wanted


def test_a_worker_that_lost_its_job_stores_nothing_of_a_clean(store, project, claim, three):
    by = claim("clean")
    store.finish(by, "done")
    with pytest.raises(Fenced):
        store.add_measures(by, project.id, 1, [Measure(three[0])])
    assert list(store.measures(project.id)) == []


def test_the_sizes_of_files_come_by_the_beginning_of_their_names(store, project, three):
    found = {sha256: one for number in range(256) for sha256, one in store.sizes(project.id, f"{number:02x}").items()}
    assert sorted(found.values()) == [(image, 1000) for image in three]


def test_what_can_be_compared_has_hashes_and_colours(store, project, claim, three):
    by = claim("clean")
    store.add_measures(
        by, project.id, 1, [Measure(i, fields=bytes([i] * 108)) for i in three[:2]] + [Measure(three[2], fault="gone")]
    )
    store.add_links(by, project.id, [], three[:1])
    rows = list(store.comparable(project.id, batch=1))
    assert [(row[0], row[4], row[5]) for row in rows] == [
        (three[0], bytes([three[0]] * 108), True),
        (three[1], bytes([three[1]] * 108), False),
    ]
    assert {len(row[3]) for row in rows} == {64}
