"""A wrong answer that a person sets right brings the picture into the project, and into a queue of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import steps
from core.blobs import Blobs
from core.clean import KINDS
from core.engine.serial import Serial
from core.errors import BadInput
from core.model import TOLD, Claim, Finding, Project
from core.settings import load
from db.store import Store
from db.store.queue import Filter
from tests.pages import filled

ANSWER = {"by": "ann", "said": "suv", "confidence": 0.81}


@pytest.fixture
def project(store: Store, home: Path) -> Project:
    return filled.scraped(store, home)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "uploads" / "new car.jpg"
    path.parent.mkdir()
    path.write_bytes(filled.jpeg(500))
    return path


def tell(store: Store, project: Project, path: Path, label: str, times: int = 1) -> dict:
    """What the step returns; run `times` times under one job, as after a kill."""
    job = store.submit("tell", {"path": str(path), "label": label, **ANSWER}, project.id)
    taken = store.claim("here", 3600)
    assert taken and taken[0].id == job.id
    ctx = steps.Context(store, Blobs(load().storage), Serial(), load(), *taken, project)
    for _ in range(times):
        step = steps.tell(ctx, **job.params)
        while True:
            try:
                next(step)
            except StopIteration as end:
                result = end.value
                break
    store.finish(taken[1], "done", result)
    return result


def queue(store: Store, project: Project, verdict: str = "undecided") -> list[int]:
    return [tile.image for tile in store.queue(project.id, Filter(verdict=verdict, kind=TOLD))[0]]


def test_the_picture_is_there_under_its_right_class_and_waits_in_its_own_queue(
    store: Store, project: Project, file: Path
) -> None:
    told = tell(store, project, file, "coupe")
    assert told == {"image": told["image"], "new": True, "label": "coupe", "verdict": "undecided"}
    assert queue(store, project) == [told["image"]]
    [origin] = store.origins(told["image"])
    assert (origin.candidate.source, origin.candidate.creator, origin.candidate.title) == (TOLD, "ann", "new car.jpg")
    assert Blobs(load().storage).get(store.image(project.id, told["image"]).facts.sha256) == file.read_bytes()
    [tile] = store.queue(project.id, Filter(kind=TOLD))[0]
    assert tile.why == "ann: it is coupe; the models said suv (81%)"


def test_killed_and_run_again_nothing_is_there_twice(store: Store, project: Project, file: Path) -> None:
    told = tell(store, project, file, "", times=2)
    assert len(store.history(told["image"])) == 1 and len(store.origins(told["image"])) == 1
    assert len(queue(store, project, "")) == 1


def test_none_of_the_classes_is_a_rejection_by_whoever_said_so(store: Store, project: Project, file: Path) -> None:
    told = tell(store, project, file, "")
    assert told["verdict"] == "reject" and queue(store, project) == []
    [(_, by, verdict, reason, *_)] = store.history(told["image"])
    assert (by, verdict, reason) == ("ann", "reject", "other")


def test_a_picture_that_is_in_the_project_is_not_changed_and_comes_into_the_queue(
    store: Store, project: Project, tmp_path: Path
) -> None:
    there = next(store.images(project.id))
    path = tmp_path / "again.jpg"
    path.write_bytes(Blobs(load().storage).get(there.facts.sha256))
    told = tell(store, project, path, "coupe")
    assert told == {"image": there.id, "new": False, "label": there.label, "verdict": "undecided"}
    assert queue(store, project) == [there.id]


def test_a_later_clean_leaves_the_queue_as_it_is(store: Store, project: Project, file: Path) -> None:
    told = tell(store, project, file, "coupe")
    _, claim = filled.begin(store, project, "clean")
    ctx = steps.Context(store, Blobs(load().storage), Serial(), load(), store.job(claim.job), claim, project)
    for _ in steps.clean(ctx, embedder="plain"):
        pass
    assert queue(store, project) == [told["image"]] and TOLD in KINDS


def test_telling_twice_of_one_picture_leaves_the_later_word(store: Store, project: Project, file: Path) -> None:
    tell(store, project, file, "coupe")
    told = tell(store, project, file, "sedan")
    [found] = store.findings_of(project.id, [told["image"]])[told["image"]]
    assert found == Finding(told["image"], TOLD, 1.0, "ann", note="ann: it is sedan; the models said suv (81%)")


@pytest.mark.parametrize(
    ("label", "data", "sentence"),
    [
        ("lorry", filled.jpeg(501), "'lorry' is no class of this project: wanted one of sedan, coupe, suv."),
        ("coupe", b"<html>", "new car.jpg did not come into the project: "),
    ],
)
def test_what_cannot_come_in_is_said_in_one_sentence(
    store: Store, project: Project, file: Path, label: str, data: bytes, sentence: str
) -> None:
    file.write_bytes(data)
    with pytest.raises(BadInput) as error:
        tell(store, project, file, label)
    assert str(error.value).startswith(sentence)


def test_what_is_no_picture_is_said_so_each_time_it_is_told(store: Store, project: Project, file: Path) -> None:
    file.write_bytes(b"<html>")
    for _ in range(2):
        with pytest.raises(BadInput, match="did not come into the project: ."):
            tell(store, project, file, "coupe")
        store.finish(Claim(store.jobs(verb="tell")[0].id, 1), "failed")
