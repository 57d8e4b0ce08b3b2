"""Whole classes on the page Explain: which explanation to believe, in words, and names that are shown as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.faithful import RANDOM
from db.store import Store
from tests.pages import filled
from tests.pages.conftest import words

Screen = Callable[..., AppTest]


def between(mean: float, half: float = 0.05) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def row(both: float, gain: float, half: float = 0.05) -> dict[str, Any]:
    return {"deletion": between(0.3 - both / 2), "insertion": between(0.3 + both / 2), "both": between(both, half),
            "gain": between(gain, half), "seconds": 0.1}  # fmt: skip


def looked(store: Store, home: Path, classes: tuple[str, ...], models: dict[str, dict[str, Any]], **more: Any) -> None:
    """A job that came to its end, without the files of its runs."""
    project = filled.scraped(store, home, "cars", classes)
    filled.split(store, project)
    runs = filled.trained(store, project)
    _, claim = filled.begin(store, project, "explain")
    told = {
        name: {"run": run, "set": "0" * 32, "explainers": rows}
        for run, (name, rows) in zip(runs, models.items(), strict=False)
    }
    store.finish(claim, "done", {
        "models": told, "classes": list(classes), "images": 6, "unreadable": 0, "reasons": [], "samples": 50, "part": "val",
        "split": 1, "each": 2,
    } | more)  # fmt: skip


def whole(screen: Screen) -> str:
    shown = screen("explain", project="cars")
    shown.button_group(key="what").set_value("Whole classes").run(timeout=60)
    assert not shown.exception
    assert "is not there" in shown.error[0].value, "the checkpoints are gone: that is said below what is known"
    return words(shown)


def test_the_best_one_is_named_with_those_that_may_be_as_good(screen: Screen, store: Store, home: Path) -> None:
    rows = {"shap": row(0.5, 0.5), "gradcam": row(0.45, 0.45), "guided": row(0.01, 0.01), RANDOM: row(0.0, 0.0, 0.0)}
    looked(store, home, filled.CLASSES, {"vgg75-bn": rows})
    said = whole(screen).replace("\\", "")
    assert "**vgg75-bn**: on these pictures **SHAP** names the pixels that matter best; Grad-CAM may be as good" in said
    assert "No surer than a random order: Guided saliency." in said
    assert "The maps of vgg75-bn are gone, as its files were deleted. Its figures stay." in said


def test_where_all_may_be_chance_it_says_so(screen: Screen, store: Store, home: Path) -> None:
    looked(store, home, filled.CLASSES, {"vgg75-bn": {"shap": row(0.3, 0.3, 0.4), RANDOM: row(0.0, 0.0, 0.0)}})
    assert "none is surely better than a random order; take more pictures" in whole(screen)


def test_what_could_not_be_had_or_read_is_told_with_its_reason(screen: Screen, store: Store, home: Path) -> None:
    rows = {"shap": {"why": "SHAP has no rule for a ReLU6 layer."}, RANDOM: row(0.0, 0.0, 0.0)}
    looked(store, home, filled.CLASSES, {"vgg75-bn": rows}, unreadable=2, reasons=["What came is HTML."])
    said = whole(screen).replace("\\", "")
    assert "SHAP is not there for vgg75-bn: SHAP has no rule for a ReLU6 layer." in said
    assert "2 pictures could not be read and are left out: What came is HTML." in said
    assert "none of these ways can be had for it" in said


def test_hostile_names_of_classes_and_runs_are_shown_as_text(screen: Screen, store: Store, home: Path) -> None:
    rows = {"shap": row(0.5, 0.5), RANDOM: row(0.0, 0.0, 0.0)}
    looked(store, home, filled.HOSTILE, dict.fromkeys(filled.HOSTILE[:2], rows))
    said = whole(screen)
    for markup in ("](javascript", ":red[", "**z**", " :material/home:"):
        assert markup not in said


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_job_under_way_is_seen_from_both_views(screen: Screen, store: Store, home: Path, status: str) -> None:
    project = filled.scraped(store, home)
    filled.split(store, project)
    filled.trained(store, project)
    if status == "running":
        filled.begin(store, project, "explain")
    else:
        store.submit("explain", {}, project.id, "cpu")
    shown = screen("explain", project="cars")
    for view in ("Single pictures", "Whole classes"):
        shown.button_group(key="what").set_value(view).run(timeout=60)
        assert any(one.label == "Stop" for one in shown.button), view
    assert not any(one.label == "Look at them" for one in shown.button)
