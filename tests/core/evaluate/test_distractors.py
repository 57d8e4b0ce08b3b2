"""Which pictures of something else an evaluation is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput
from core.evaluate import distractors
from core.evaluate.distractors import REJECTED, check, draw, near
from core.model import Decision, Operation
from tests.pages import filled


@pytest.fixture
def project(store, home: Path):
    made = filled.scraped(store, home, "cars")
    filled.split(store, made)
    return made


def reject(store, project, image: int, reason: str) -> None:
    store.apply(project.id, Operation(f"reject {project.name} {image}", "ann", (Decision(image, "reject", reason),)))


def other(store, home: Path, name: str = "ships", first: int = 100, count: int = 12, classes=("tug", "ferry")):
    """A project of pictures that no other one has: those of the numbers from `first` on."""
    from core import pixels
    from core.blobs import Blobs
    from core.model import Candidate

    made, blobs = store.add_project(name, classes), Blobs(str(home.absolute()))
    _, claim = filled.begin(store, made, "scrape", source="folder")
    candidates, outcomes = [], []
    for i in range(first, first + count):
        data = filled.jpeg(i)
        facts, thumb = pixels.ingest(data)
        blobs.put(facts.sha256, data, thumb)
        candidates.append(Candidate(f"/{name}/{i}.jpg", classes[i % len(classes)], "folder"))
        outcomes.append((candidates[-1].url, facts, ""))
    store.add_candidates(claim, made.id, 0, candidates)
    store.add_fetched(claim, made.id, outcomes)
    return made


def test_what_another_project_keeps_is_drawn_and_always_the_same(store, home: Path, project, monkeypatch) -> None:
    ships = other(store, home)
    gone = next(store.images(ships.id)).id
    reject(store, ships, gone, "interior")
    monkeypatch.setattr(distractors, "MOST", 5)
    [one] = draw(store, project, store.split(project.id), ["ships"])
    assert len(one.records) == 5 and one.found == 11 and gone not in {r.id for r in one.records}
    assert draw(store, project, store.split(project.id), ["ships", "ships"])[0].records == one.records


def test_pictures_that_the_project_has_as_well_are_left_out_and_counted(store, home: Path, project) -> None:
    other(store, home, "copies", first=30, count=12)  # 30..35 are cars as well
    [one] = draw(store, project, store.split(project.id), ["copies"])
    assert one.found == 12 and one.copies >= 6
    assert not {r.facts.sha256 for r in one.records} & {r.facts.sha256 for r in store.images(project.id)}


def test_pictures_under_the_name_of_one_of_the_classes_are_no_distractors(store, home: Path, project) -> None:
    other(store, home, "mixed", classes=("tug", "suv"))
    [one] = draw(store, project, store.split(project.id), ["mixed"])
    assert one.same_class == 6 and {r.label for r in one.records} == {"tug"}


def test_of_the_rejected_those_are_taken_that_show_something_else(store, project) -> None:
    inside = {image for part in store.split(project.id).parts.values() for image, _ in part}
    every = [record.id for record in store.images(project.id)]
    _, claim = filled.begin(store, project, "split")
    for image, reason in zip(every[-6:], ("interior", "blurred", "duplicate", "wrong class", "", "other"), strict=True):
        reject(store, project, image, reason)
    kept = [(r.id, r.label) for r in store.images(project.id, ("keep", "undecided"))]
    new = store.add_split(
        claim, project.id, 1, {"train": kept[:20], "val": kept[20:], "test": []}, project.classes, {}, 0
    )
    [one] = draw(store, project, new, [REJECTED])
    assert sorted(r.id for r in one.records) == sorted([every[-6], every[-3], every[-2], every[-1]])
    assert inside >= {every[-6]}, "in the earlier split it is a picture of a class"
    with pytest.raises(BadInput, match="no picture of something else in rejected"):
        draw(store, project, store.split(project.id, 1), [REJECTED])


def test_a_picture_turned_or_changed_a_little_is_near_and_another_one_is_not() -> None:
    rng = np.random.default_rng(0)
    known = rng.integers(0, 2**63, 300, dtype=np.uint64)
    asked = rng.integers(0, 2**63, (200, 8), dtype=np.uint64)
    asked[7, 3] = known[5] ^ np.uint64(0b111111)
    asked[8, 0] = known[5] ^ np.uint64(0b1111111)
    assert np.flatnonzero(near(asked, known)).tolist() == [7]
    assert not near(asked, known[:0]).any()


def test_what_is_no_source_is_named(store, home: Path, project) -> None:
    other(store, home)
    check(store, project, ["ships", REJECTED])
    with pytest.raises(BadInput, match="'cars' cannot be its own distractor"):
        check(store, project, ["cars"])
    with pytest.raises(BadInput, match="no other project 'shops'.*ships"):
        check(store, project, ["shops"])
