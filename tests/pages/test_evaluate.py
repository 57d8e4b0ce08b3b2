"""Evaluate: every figure with its interval, the mistakes, two models side by side, and the log of the test part."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.model import Answer
from db.store import Store
from pages.parts import confused, diagrams, gallery
from tests.pages import filled
from tests.pages.conftest import fine, words

Screen = Callable[..., AppTest]

COUNTS = [[5, 3, 0], [1, 6, 2], [0, 0, 4]]


@pytest.fixture
def chapter(screen: Screen, store: Store, home: Path) -> Callable[[str], AppTest]:
    """The page with that chapter open."""
    filled.everything(store, home)

    def open_it(name: str) -> AppTest:
        found = screen("evaluate", project="cars", chapter=name)
        assert not found.exception
        return found

    return open_it


@pytest.fixture
def shown(chapter: Callable[[str], AppTest]) -> AppTest:
    return chapter("Figures")


def test_each_figure_stands_with_its_interval_and_what_it_is(shown: AppTest) -> None:
    table = shown.dataframe[0].value
    assert list(table["figure"]) == [
        "accuracy",
        "balanced accuracy",
        "macro F1",
        "log loss",
        "calibration error",
        "GAP",
    ]
    assert {"average", "priority", "weighted", "what it is"} <= set(table.columns)
    assert all(" to " in value for value in table["average"])
    shown.toggle(key="every").set_value(True).run()
    assert "macro precision" in list(shown.dataframe[0].value["figure"])
    assert "top 5" not in list(shown.dataframe[0].value["figure"]), "of three classes each is among the first five"


def test_two_models_are_compared_in_words(chapter: Callable[[str], AppTest]) -> None:
    shown = chapter("Comparison")
    assert any("percentage points" in text or "equally many" in text for text in words(shown).split("\n"))
    shown.selectbox(key="first").set_value("vgg100-bn").run()
    assert not shown.exception and any(
        "percentage points" in text or "equally many" in text for text in words(shown).split("\n")
    )


def test_the_weights_of_the_ensemble_are_told(shown: AppTest) -> None:
    assert "vgg75\\-bn 40%, vgg100\\-bn 60%" in fine(shown)


def test_curves_that_are_no_longer_on_the_disk_are_said_to_be_gone(screen: Screen, store: Store, home: Path) -> None:
    filled.everything(store, home)
    assert "Average precision" in fine(screen("evaluate", project="cars", chapter="Confidence"))
    shutil.rmtree(home / "evaluations")
    shown = screen("evaluate", project="cars", chapter="Confidence")
    assert not shown.exception
    assert "evaluate again to see these curves" in fine(shown)


def test_an_evaluation_of_an_earlier_release_is_shown_as_far_as_it_goes(
    screen: Screen, store: Store, home: Path
) -> None:
    filled.everything(store, home)
    project = store.project("cars")
    [now] = store.evaluations(project.id)
    early = ("accuracy", "accuracy_interval", "macro_f1", "weighted_f1", "gap", "per_class", "confusion")
    models = {name: {key: now.result["models"][name][key] for key in early} for name in ("vgg75-bn", "vgg100-bn")}
    _, claim = filled.begin(store, project, "evaluate", part="val")
    result = {key: now.result[key] for key in ("classes", "images", "split", "runs")} | {"models": models}
    rows = [
        {"model": name, "image": image, "label": label, "predicted": label, "confidence": 0.8}
        for name in models for image, label in store.split(project.id).parts["val"]
    ]  # fmt: skip
    store.add_evaluation(claim, project.id, now.runs, "val", result, rows)
    shown = screen("evaluate", project="cars", chapter="Confidence")
    assert not shown.exception
    assert "made by an earlier release: evaluate again" in fine(shown)


def test_openings_of_the_test_part_are_logged_and_a_second_look_at_the_same_runs_is_said_to_be_needless(
    screen: Screen, store: Store, home: Path
) -> None:
    filled.everything(store, home)
    project = store.project("cars")
    [now] = store.evaluations(project.id)
    _, claim = filled.begin(store, project, "evaluate", part="test")
    store.add_evaluation(claim, project.id, now.runs, "test", now.result)
    store.finish(claim, "done", {})
    shown = screen("evaluate", project="cars")
    assert any("The test part was opened 1 time" in box.label for box in shown.expander)
    shown.button_group(key="part").set_value("test")
    shown.multiselect(key="runs").set_value(list(now.runs)).run()
    assert "no second look is needed" in shown.warning[0].value


def test_mistakes_are_listed_most_frequent_first_and_the_matrix_puts_them_side_by_side() -> None:
    found = confused.pairs(COUNTS)
    assert found == [(0, 1), (1, 2), (1, 0)]
    assert confused.ordered(
        [[5, 0, 3], [1, 6, 0], [2, 0, 4]], confused.pairs([[5, 0, 3], [1, 6, 0], [2, 0, 4]]), 3
    ) == [0, 2, 1]
    assert confused.ordered(COUNTS, found, 2) == [0, 1]


def test_a_wrong_picture_says_what_it_is_and_has_a_red_frame(shown: AppTest, store: Store) -> None:
    assert gallery.words(Answer(1, "suv", "coupe", 0.62)) == "coupe, 62%; is suv"
    assert gallery.words(Answer(1, "suv", "suv", 0.62)) == "suv, 62%"
    sha = store.images_by_id(store.project("cars").id, [1])[0].facts.sha256
    for wrong in (True, False):
        picture = Image.open(io.BytesIO(gallery.framed(sha, wrong)))
        red, green, _ = picture.getpixel((1, 60))  # type: ignore[misc]
        assert (red - green > 80) == wrong
        assert picture.size == (gallery.SIDE + 2 * gallery.FRAME,) * 2


def test_the_worst_mistakes_can_be_shown_instead(chapter: Callable[[str], AppTest]) -> None:
    shown = chapter("Mistakes")
    assert "among 12 pictures, framed in red" in words(shown) or "framed in red" in words(shown)
    shown.button_group(key="which").set_value("worst mistakes").run()
    assert not shown.exception


def test_a_gain_beyond_chance_is_coloured_and_the_rest_is_grey() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        [("suv", 0.2, 0.1, 0.3, True), ("coupe", -0.1, -0.3, 0.1, False)],
        columns=["class", "gain", "low", "high", "sure"],
    )
    figure = diagrams.gains(frame, "a", "b").to_dict()
    assert [trace["name"] for trace in figure["data"]] == ["beyond chance", "may be chance"]
    assert [trace["marker"]["color"] for trace in figure["data"]] == [[diagrams.TEAL], diagrams.GREY]


def test_one_model_is_no_ensemble(screen: Screen, store: Store, home: Path) -> None:
    filled.everything(store, home)
    project = store.project("cars")
    [now] = store.evaluations(project.id)
    _, claim = filled.begin(store, project, "evaluate", part="val")
    models = {name: told for name, told in now.result["models"].items() if name != "vgg100-bn"}
    store.add_evaluation(claim, project.id, now.runs[:1], "val", {**now.result, "models": models})
    shown = screen("evaluate", project="cars")
    assert not {"average", "priority", "weighted"} & set(shown.dataframe[0].value.columns)
    assert "(ensemble)" not in fine(shown)
    assert "evaluate several runs" in fine(screen("evaluate", project="cars", chapter="Comparison"))


def test_only_the_open_chapter_is_worked_out(chapter: Callable[[str], AppTest]) -> None:
    assert len(chapter("Comparison").get("plotly_chart")) == 1, "what each class gains, and nothing of the others"
    assert not chapter("Mistakes").get("plotly_chart")
