"""What is known of every picture before anybody looked at it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.model import Cleaning, Cropping
from core.review.described import CLASS, describe, labels, unlikely, views
from tests.pages import filled
from tests.pages.filled import begin


@pytest.fixture
def cars(store, home: Path):
    """36 pictures with vectors of a network, of other weights of it, and of a detector; cleaned with the first."""
    project, chance = filled.scraped(store, home), np.random.default_rng(0)
    ids = [one.id for one in store.images(project.id)]
    _, claim = begin(store, project, "clean")
    for by, dims in (("net@1", 40), ("net@0", 40), ("yolo@1", 12), ("other@1", 8)):
        vectors = chance.normal(size=(len(ids), dims)).astype("<f2")
        store.add_embeddings(claim, project.id, by, [(i, v.tobytes()) for i, v in zip(ids, vectors, strict=True)])
    store.finish(claim, "done", {"borders": {}, "embedder": "net@1"})
    return store, project, ids


def test_only_the_network_of_the_newest_clean_describes_the_pictures(cars) -> None:
    store, project, ids = cars
    of = describe(store, project)
    assert (of.by, of.ids.tolist(), of.known.all()) == ("net@1", ids, True)
    assert of.names == ("coupe", "sedan", "suv") and of.rows.shape == (36, 36 + 3)
    assert np.isfinite(of.rows).all() and ((of.cold >= 0) & (of.cold <= 1)).all()


def test_a_detector_that_crops_is_a_second_view(cars) -> None:
    store, project, _ = cars
    store.set_cleaning(project.id, Cleaning(crop=Cropping("yolo", ("car",))))
    again = store.project(project.name)
    assert views(store, again) == ["net@1", "yolo@1"]
    assert describe(store, again).by == "net@1 and yolo@1"


def test_without_a_clean_nothing_is_known_and_findings_rank(store, home: Path) -> None:
    project = filled.scraped(store, home)
    of = describe(store, project)
    assert (of.by, of.known.any(), of.rows.shape[1]) == ("", False, 0)


def test_what_was_computed_is_kept_and_a_damaged_file_is_made_again(cars, tmp_path: Path) -> None:
    store, project, _ = cars
    folder = tmp_path / "kept"
    first = describe(store, project, folder)
    (file,) = folder.iterdir()
    again = describe(store, project, folder)
    assert np.array_equal(first.rows, again.rows)
    file.write_bytes(file.read_bytes()[:200])
    assert np.array_equal(describe(store, project, folder).rows, first.rows)
    store.set_cleaning(project.id, Cleaning(checked=36))
    describe(store, store.project(project.name), folder)
    (newer,) = folder.iterdir()
    assert newer.name != file.name, "the one before it is not needed any more"


def test_the_class_is_said_in_numbers_of_one_length() -> None:
    rows = labels(np.array([0, 0, 0, 1, 2]))
    assert (rows**2).sum(1).mean() == pytest.approx(CLASS**2)
    assert not labels(np.zeros(4, int)).any(), "one class says nothing"


def test_a_stranger_looks_least_like_its_class() -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(60, 20)) * 0.3
    vectors[:30, 0] += 3
    vectors[30:, 1] += 3
    vectors[7] = vectors[40] + 0.01
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    said = unlikely(vectors.astype(np.float16), np.repeat([0, 1], 30), np.arange(60))
    assert said.argmax() == 7
