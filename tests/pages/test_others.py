"""Evaluate: pictures of something else, their choice and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.evaluate.distractors import REJECTED
from core.evaluate.others import TOGETHER
from db.store import Store
from pages.parts import diagrams, others
from tests.pages import filled
from tests.pages.conftest import fine, plain

Screen = Callable[..., AppTest]


def rule(caught: float, alarms: float = 0.06) -> dict[str, Any]:
    return {"auroc": 0.9, "auroc_interval": [0.85, 0.94], "caught": caught, "caught_interval": [caught - 0.05, caught + 0.05],
            "false_alarms": alarms, "false_alarms_interval": [0.03, 0.1]}  # fmt: skip


def told(store: Store, names: tuple[str, ...], worst: bool = True) -> dict[str, Any]:
    first = next(store.images(store.project("cars").id)).facts.sha256
    gap = {
        key: value
        for name in ("without", "with", "rule")
        for key, value in ((name, 0.7), (f"{name}_interval", [0.6, 0.8]))
    }
    return {
        "asked": ["ships", REJECTED], "by_logits": [], "images": 40, "rate": 0.05, "word": "average", "models": dict.fromkeys(names, gap),
        "rule": {"vgg75-bn": rule(0.4), TOGETHER: rule(0.75)},
        "sources": [{"name": "ships", "found": 50, "copies": 3, "same_class": 1, "drawn": 35, "unreadable": 2, **rule(0.8)},
                    {"name": REJECTED, "found": 7, "copies": 0, "same_class": 0, "drawn": 7, "unreadable": 0, **rule(0.5)}],
        "worst": [{"source": "ships", "image": 1, "sha256": first, "predicted": "suv", "confidence": 0.97},
                  {"source": REJECTED, "image": 2, "sha256": "0" * 64, "predicted": "<b>", "confidence": 0.9}] if worst else [],
        "taken_for": {"suv": 9, "coupe": 1} if worst else {},
    }  # fmt: skip


@pytest.fixture
def shown(screen: Screen, store: Store, home: Path) -> Callable[..., AppTest]:
    """The page with an evaluation that had distractors."""

    def page(**more: Any) -> AppTest:
        filled.everything(store, home)
        project = store.project("cars")
        [before] = store.evaluations(project.id)
        _, claim = filled.begin(store, project, "evaluate", part="val")
        found = told(store, tuple(before.result["models"]), **more)
        store.add_evaluation(claim, project.id, before.runs, "val", {**before.result, "distractors": found})
        store.finish(claim, "done", {})
        return screen("evaluate", project="cars", chapter="Confidence")

    return page


def test_it_says_how_many_are_found_out_what_was_left_out_and_what_they_were_taken_for(shown) -> None:
    page = shown()
    said = plain(page).replace("*", "")
    assert "Of 40 pictures of something else 75% are found out" in said and "6.0% are called so by mistake" in said
    assert "Left out of project ships (50 pictures): 3 are in this project as well, or as alike as a copy" in said
    assert "1 bears the name of one of the classes, 2 files could not be read" in said
    assert "Taken for a class: 10 pictures, most often for suv (9), coupe (1)" in said
    tables = [table.value for table in page.dataframe]
    [judged] = [table for table in tables if "judged by" in table]
    assert (
        list(judged["judged by"]) == [TOGETHER, "vgg75-bn"] and judged["told apart (AUROC)"][0] == "90.0 % (85 to 94)"
    )
    [sources] = [table for table in tables if "found out" in table]
    assert list(sources["from"]) == ["project ships", "what this project rejected"] and list(sources["pictures"]) == [
        33,
        7,
    ]


def test_where_all_were_found_out_it_says_so(shown) -> None:
    page = shown(worst=False)
    assert "Every picture of something else was found out." in page.success[0].value


def test_an_evaluation_without_them_looks_as_before(screen: Screen, store: Store, home: Path) -> None:
    filled.everything(store, home)
    assert "Pictures of something else" not in [
        one.value for one in screen("evaluate", project="cars", chapter="Confidence").subheader
    ]


def test_other_projects_and_the_rejected_are_offered_and_what_is_chosen_goes_into_the_job(
    screen: Screen, store: Store, home: Path
) -> None:
    filled.everything(store, home)
    filled.scraped(store, home, "ships")
    page = screen("evaluate", project="cars")
    choice = page.multiselect(key="distractors")
    assert choice.options == ["what this project rejected", "project ships"]
    choice.set_value([REJECTED, "ships"]).run()
    page.button(key="run").click().run()
    assert fine(page) and store.jobs(store.project("cars").id)[0].params["distractors"] == [REJECTED, "ships"]


def test_a_picture_that_was_taken_for_a_class_leads_to_its_own_project(shown, monkeypatch) -> None:
    monkeypatch.setattr("pages.parts.house.query", lambda **more: {"project": "cars"} | more)
    monkeypatch.setattr("pages.parts.house.blobs", lambda: type("None", (), {"thumb": lambda self, sha: b"jpeg"})())
    one = {"source": "ships", "image": 7, "sha256": "0" * 64, "predicted": "<i>", "confidence": 0.5}
    cell = others._cell(one)
    assert "project=ships" in cell and "ids=7" in cell and "<i>" not in cell and "50% sure" in cell
    assert "project=cars" in others._cell({**one, "source": REJECTED})


def test_gaps_stand_side_by_side() -> None:
    import pandas as pd

    frame = pd.DataFrame([(m, h, 0.5, 0.4, 0.6) for m in ("a", "<b>") for h in ("without", "with")], columns=["model", "how", "gap", "low", "high"])  # fmt: skip
    figure = diagrams.gaps(frame).to_dict()
    assert [trace["name"] for trace in figure["data"]] == ["without", "with"] and "&lt;b&gt;" in figure["layout"][
        "yaxis"
    ]["ticktext"]
    assert len({y for trace in figure["data"] for y in trace["y"]}) == 4, "no two points cover each other"
