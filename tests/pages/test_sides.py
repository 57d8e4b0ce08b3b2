"""What the browser is told of two classes side by side, and of the class that many pictures look like."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from core.model import Decision, Finding, Operation
from db.store.queue import Filter
from pages.parts.grid.desk import Desk
from tests.pages import filled
from tests.pages.test_review import say, told
from tests.pages.vectors import described, kind

UNDECIDED = Filter(verdict="undecided", order="found")


def issue(image: int, like: str, chance: int, label: str) -> Finding:
    note = f"looks more like {like} ({chance}%) than {label} (3%); 9 of the 10 most similar pictures are {like}"
    return Finding(image, "label_issue", 0.5 + chance / 200, "embedding", note=note)


@pytest.fixture
def mixed_up(store, home: Path):
    """90 pictures of three classes; clean noticed that four sedans look like coupes, and a coupe like an SUV."""
    project = filled.scraped(store, home, "mixed up", each=30)
    ids = described(store, project)
    of = {name: [r.id for r in store.images(project.id) if r.label == name] for name in project.classes}
    found = [issue(i, "coupe", 90 - n, "sedan") for n, i in enumerate(of["sedan"][:4])]
    found.append(issue(of["coupe"][0], "suv", 80, "coupe"))
    _, claim = filled.begin(store, project, "clean")
    store.replace_findings(claim, project.id, ["label_issue"], found)
    store.finish(claim, "done", {"embedder": "drawn"})
    return store, project, of, ids


def test_the_pairs_come_with_the_pictures_of_both_sides(mixed_up) -> None:
    store, project, of, _ = mixed_up
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    data = say(desk, store, ask=3, pairs=True)
    assert data["asked"] == 3 and data["alike"] is data["stacks"] is None
    first = data["pairs"][0]
    assert first["names"] == ["coupe", "sedan"] and first["counts"][1] >= 4
    left, right = first["ids"][: first["left"]], first["ids"][first["left"] :]
    assert set(left) <= set(of["coupe"]) and right[:4] == of["sedan"][:4]
    assert first["why"][len(left) :][:4] == ["90% coupe", "89% coupe", "88% coupe", "87% coupe"]
    assert {len(first[name]) for name in ("ids", "labels", "versions", "why")} == {len(first["ids"])}
    everywhere = [image for pair in data["pairs"] for image in pair["ids"]]
    assert len(everywhere) == len(set(everywhere)), "a picture is in one pair"


def test_pairs_of_the_class_that_is_chosen_and_without_what_is_decided(mixed_up) -> None:
    store, project, of, _ = mixed_up
    desk = Desk(project, "Ann", replace(UNDECIDED, label="suv"), size=5)
    told(desk, store)
    found = say(desk, store, ask=3, pairs=True)["pairs"]
    assert found and all("suv" in pair["names"] for pair in found)
    moved = Decision(of["coupe"][0], "keep", label="suv")
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ben", (moved,)))
    assert store.moved(project.id) == {("coupe", "suv"): 1}
    again = say(desk, store, ask=4, pairs=True)["pairs"]
    assert not any(of["coupe"][0] in pair["ids"] for pair in again)


def test_the_likeliest_class_of_many_comes_first(mixed_up) -> None:
    store, project, _, ids = mixed_up
    alike = [i for i in ids if kind(i) == 0]
    # All but one of the pictures that look the same are held to be SUVs.
    other = next(i for i in alike if store.image(project.id, i).label != "suv")
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    found = say(desk, store, ask=5, alike=other)["alike"]
    assert {name for name, _ in found["guess"]} == set(project.classes)
    chances = [chance for _, chance in found["guess"]]
    assert chances == sorted(chances, reverse=True) and 0 < chances[0] <= 1


def test_without_vectors_only_what_clean_noticed_before_is_there(store, home) -> None:
    project = filled.scraped(store, home, "bare", each=10)
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    image = told(desk, store)["pages"]["0"]["ids"][0]
    assert say(desk, store, ask=3, pairs=True)["pairs"] == []
    assert [name for name, _ in say(desk, store, ask=4, alike=image)["alike"]["guess"]] == list(project.classes)
