"""Would more pictures help: what stands there before, while and after it is known, and what the button trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import learning_curve as curve
from core.model import Project, Recipe
from db.store import Store
from tests.pages import filled
from tests.pages.conftest import plain

Screen = Callable[..., AppTest]


@pytest.fixture
def project(store: Store, home: Path) -> Project:
    return filled.everything(store, home)


def parts(store: Store, project: Project, of: Recipe) -> None:
    """Runs of the recipe with each share, better the more they know."""
    _, claim = filled.begin(store, project, "train")
    for position, share in enumerate(curve.SHARES):
        run = store.start_run(claim, project.id, store.split(project.id).id, curve.part_of(of, share), position)
        found = [[position, 4], [1, 4], [4, 4]]
        right = 0.6 + 0.07 * position
        told = {"val_accuracy": right, "val_accuracy_interval": [right - 0.1, right + 0.1], "val_found": found}
        store.finish_run(claim, run.id, told | {"seconds": 9.0})
    store.finish(claim, "done", {})


def test_before_it_is_known_the_button_trains_the_shares(screen: Screen, store: Store, project: Project) -> None:
    shown = screen("evaluate", project="cars", chapter="More pictures")
    assert "tells from how its accuracy grows what twice as many would bring" in plain(shown)
    shown.button(key="curve-train").click().run()
    job = store.jobs(project.id, "train")[0]
    asked = [Recipe.stored(one) for one in job.params["recipes"]]
    assert [one.share for one in asked] == list(curve.SHARES) and len({curve.whole_of(one) for one in asked}) == 1
    assert "evaluate_on" not in job.params, "quarter runs are no models to be listed among the evaluations"
    assert shown.button(key="curve-train").disabled


def test_what_it_comes_to_stands_there_with_its_check_and_three_seeds_are_offered(
    screen: Screen, store: Store, project: Project
) -> None:
    parts(store, project, Recipe("vgg75-bn"))
    shown = screen("evaluate", project="cars", chapter="More pictures")
    assert "It cannot be told whether more pictures would help" in plain(shown), "12 validation pictures tell nothing"
    assert "A check: from the smaller shares alone" in plain(shown) and "it became 84%" in plain(shown)
    table = next(one.value for one in shown.dataframe if "gain" in one.value.columns)
    assert list(table.columns) == ["class", "an eighth", "a quarter", "a half", "gain", "validation pictures"[11:]]
    assert list(table["class"])[0] == "sedan" and list(table["gain"])[0] == 25
    assert "All of them are there" in plain(shown)
    shown.button_group(key="curve-seeds").set_value(3).run()
    shown.button(key="curve-train").click().run()
    asked = [Recipe.stored(one) for one in store.jobs(project.id, "train")[0].params["recipes"]]
    assert sorted((one.share, one.seed) for one in asked) == [(s, seed) for s in (*curve.SHARES, 1) for seed in (1, 2)]


def test_without_a_run_that_knows_all_pictures_there_is_no_such_section(
    screen: Screen, store: Store, project: Project
) -> None:
    with store._write() as c:
        from sqlalchemy import delete

        from db.tables import epochs, runs

        c.execute(delete(epochs))
        c.execute(delete(runs).where(runs.c.id > 1))
    _, claim = filled.begin(store, project, "train")
    run = store.start_run(claim, project.id, store.split(project.id).id, Recipe("vgg75", share=0.5), 0)
    store.finish_run(claim, run.id, {"val_accuracy": 0.6})
    store.finish_run(claim, 1, {"error": "no memory"}, "stopped")
    shown = screen("evaluate", project="cars", chapter="More pictures")
    assert not shown.exception and "Would more pictures help" not in [one.value for one in shown.subheader]
