"""An evaluation with pictures of something else: the step, and what it says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core import runs, steps
from core.blobs import Blobs
from core.engine.serial import Serial
from core.errors import BadInput
from core.evaluate import Answers
from core.evaluate.others import TOGETHER, _gaps
from core.settings import load
from tests.core.evaluate.test_distractors import other
from tests.drawn import CLASSES, tiny_backbones, trained
from tests.pages import filled


@pytest.fixture
def evaluate(store, home: Path) -> Iterator:
    project = filled.scraped(store, home, "colours", CLASSES)
    filled.split(store, project)
    settings, names = load(), ("tiny24", "tiny32")
    with tiny_backbones():
        for number, name in zip(filled.trained(store, project, names), names, strict=True):
            trained(name, runs.run_folder(settings, number), epochs=1, split=store.split(project.id).id)

        def run(*distractors: str, only: tuple[int, ...] = ()) -> dict:
            job, claim = filled.begin(store, project, "evaluate")
            step = steps.evaluate(
                steps.Context(store, Blobs(settings.storage), Serial(), settings, job, claim, project),
                runs=only, distractors=distractors,
            )  # fmt: skip
            while True:
                try:
                    next(step)
                except StopIteration as over:
                    store.finish(claim, "done", {})
                    return over.value

        yield run


def test_it_tells_how_often_they_are_found_out_and_what_they_cost(evaluate, store, home: Path) -> None:
    ships = other(store, home)
    gone = next(store.images(ships.id))
    blobs = Blobs(load().storage)
    before = evaluate()
    (home / "images" / gone.facts.sha256[:2] / gone.facts.sha256).unlink()
    found = evaluate("ships")
    told = found["distractors"]
    assert "distractors" not in before
    for name, figures in before["models"].items():
        assert found["models"][name]["gap"] == pytest.approx(figures["gap"], abs=0.01), (
            "the other figures do not change"
        )
    assert told["asked"] == ["ships"] and told["images"] == 11 and told["rate"] == 0.05
    assert set(told["rule"]) == {"tiny24", "tiny32", TOGETHER}
    assert set(told["models"]) == {"tiny24", "tiny32", "average", "priority", "weighted"}
    for name, gap in told["models"].items():
        assert gap["without"] == pytest.approx(found["models"][name]["gap"]) and gap["with"] <= gap["without"]
        assert gap["with_interval"][0] <= gap["with"] <= gap["with_interval"][1]
    [source] = told["sources"]
    assert (source["name"], source["drawn"], source["unreadable"]) == ("ships", 12, 1)
    missed = round((1 - told["rule"][TOGETHER]["caught"]) * 11)
    assert len(told["worst"]) == missed == sum(told["taken_for"].values()) and set(told["taken_for"]) <= set(CLASSES)
    assert [w["confidence"] for w in told["worst"]] == sorted((w["confidence"] for w in told["worst"]), reverse=True)
    assert all(blobs.thumb(w["sha256"]) for w in told["worst"])
    [stored, _] = store.evaluations(store.project("colours").id)
    assert stored.result["distractors"]["images"] == 11


def test_one_model_alone_has_one_rule(evaluate, store, home: Path) -> None:
    other(store, home)
    number = store.runs(store.project("colours").id, done=True)[0].id
    assert list(evaluate("ships", only=(number,))["distractors"]["rule"]) == ["tiny32"]


def test_an_unknown_source_is_said_before_anything_is_done(evaluate) -> None:
    with pytest.raises(BadInput, match="no other project 'ships'"):
        evaluate("ships")


def test_an_answer_held_back_costs_what_was_right_and_saves_what_was_not() -> None:
    own = Answers.of(np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]))
    others = Answers.of(np.array([-1, -1]), np.array([[0.95, 0.05], [0.3, 0.7]]))
    photos = np.arange(4)
    told = _gaps(own, others, np.array([False, False, True, True]), photos)
    assert (told["without"], told["with"], told["rule"]) == pytest.approx((1, 0.5, 1))
    assert _gaps(own, others, np.array([True, False, True, True]), photos)["rule"] == pytest.approx(0.5)
