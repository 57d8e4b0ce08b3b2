"""The report on an evaluation: what the page shows, in one file that fetches nothing and that no name can break."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from core.blobs import Blobs
from core.errors import BadInput
from core.evaluation_report import save, write
from core.model import Decision, Operation, Project
from core.settings import load
from db.store import Store
from tests.core.test_report import text
from tests.pages import filled

EVIL = ("<script>alert(1)</script>", 'a" onload="x', "suv & <b>")


def page(store: Store, project: Project, number: int | None = None) -> str:
    return write(store, Blobs(load().storage), load(), project, number)


@pytest.fixture
def project(store: Store, home: Path) -> Project:
    return filled.everything(store, home)


def test_it_holds_what_the_page_shows_and_fetches_nothing(store: Store, project: Project) -> None:
    made = page(store, project)
    seen = text(made)
    for heading in (
        "How good each model is", "What is taken for what of average", "Class by class", "Two models on the same pictures",
        "Can its confidence be trusted? of average", "Finding a class", "The worst mistakes of average", "How it was made", "The log of the test part",
    ):  # fmt: skip
        assert heading in seen
    assert "3 classes, 12 pictures of the validation part" in seen
    assert "(vgg75-bn 40%, vgg100-bn 60%)" in seen and "It has not been opened" in seen and "seed 0" in seen
    result = store.evaluations(project.id)[0].result["models"]["vgg75-bn"]
    low, high = result["accuracy_interval"]
    assert f"vgg75-bn {result['accuracy']:.1%} ({low:.1%} to {high:.1%})" in seen
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", made) and "<script" not in made and "@import" not in made


def test_the_worst_mistakes_are_small_pictures_inside_the_file(store: Store, project: Project, home: Path) -> None:
    alone = filled.evaluated(store, project, [1], home)
    made = page(store, project)
    wrong = store.answers(alone, "vgg75-bn", wrong=True)
    assert "The mistakes, most frequent first" in text(made) and "The worst mistakes of vgg75-bn" in text(made)
    assert made.count('src="data:image/jpeg;base64,') == min(24, len(wrong)) > 0
    assert len(made) < 300_000


def test_rejected_pictures_and_files_that_are_gone_do_not_break_it(store: Store, project: Project, home: Path) -> None:
    wrong = store.answers(filled.evaluated(store, project, [1], home), "vgg75-bn", wrong=True)
    store.apply(project.id, Operation("an operation", "ann", tuple(Decision(one.image, "reject") for one in wrong)))
    assert page(store, project).count('src="data:image/jpeg') == len(wrong) > 0
    shutil.rmtree(home / "thumbs")
    shutil.rmtree(home / "evaluations")
    made = page(store, project)
    assert 'src="data:' not in made and made.count("<li><i></i>") == len(wrong)
    assert "is no longer on the disk: evaluate again" in text(made)


def test_pictures_of_something_else_are_told_where_there_were_some(store: Store, project: Project) -> None:
    assert "Pictures of something else" not in text(page(store, project))
    [now] = store.evaluations(project.id)
    one = {"auroc": 0.91, "auroc_interval": [0.88, 0.94], "caught": 0.6, "caught_interval": [0.5, 0.7],
           "false_alarms": 0.05, "false_alarms_interval": [0.02, 0.09]}  # fmt: skip
    gap = {
        key: value
        for how in ("without", "with", "rule")
        for key, value in ((how, 0.5), (f"{how}_interval", [0.4, 0.6]))
    }
    told = {
        "images": 40, "rule": {"all together": one}, "models": dict.fromkeys(now.result["models"], gap),
        "sources": [{"name": EVIL[0], "drawn": 42, "unreadable": 2, "caught": 0.6, "caught_interval": [0.5, 0.7]}],
    }  # fmt: skip
    _, claim = filled.begin(store, project, "evaluate", part="val")
    store.add_evaluation(claim, project.id, now.runs, "val", {**now.result, "distractors": told})
    made = page(store, project)
    assert "91.0% (88.0% to 94.0%)" in text(made) and "40 pictures" in text(made) and "<script" not in made


def test_names_with_markup_are_text(store: Store, home: Path) -> None:
    made = page(store, filled.everything(store, home, "<img src=x>", EVIL))
    assert "<script" not in made and "<img src=x" not in made and 'onload="x' not in made
    assert "<script>alert(1)</script>" in text(made) and "suv & <b>" in text(made)


def test_of_the_test_part_it_says_how_often_that_was_opened(store: Store, project: Project) -> None:
    [now] = store.evaluations(project.id)
    _, claim = filled.begin(store, project, "evaluate", part="test")
    store.add_evaluation(claim, project.id, now.runs, "test", now.result)
    seen = text(page(store, project))
    assert "of the test part" in seen and "the test part was opened 1 time so far" in seen
    assert "opened 1 time" in seen.split("The log of the test part")[1]
    assert "of the validation part" in text(page(store, project, now.id)), "an earlier one by its number"


def test_an_evaluation_of_an_earlier_release_is_told_as_far_as_it_goes(store: Store, project: Project) -> None:
    [now] = store.evaluations(project.id)
    early = ("accuracy", "accuracy_interval", "macro_f1", "weighted_f1", "gap", "per_class", "confusion")
    models = {name: {key: now.result["models"][name][key] for key in early} for name in ("vgg75-bn", "vgg100-bn")}
    _, claim = filled.begin(store, project, "evaluate", part="val")
    store.add_evaluation(claim, project.id, now.runs, "val", {"models": models, "classes": now.result["classes"]})
    seen = text(page(store, project))
    assert "Class by class" in seen and "Can its confidence" not in seen and "evaluate again to have it here" in seen


def test_without_an_evaluation_it_says_what_to_do(store: Store, home: Path, tmp_path: Path) -> None:
    made = filled.scraped(store, home)
    with pytest.raises(BadInput, match="nothing to report yet: evaluate models"):
        page(store, made)
    whole = filled.everything(store, home, "vans")
    with pytest.raises(BadInput, match="no evaluation 99"):
        page(store, whole, 99)
    assert save(store, Blobs(load().storage), load(), whole, tmp_path / "new").name == "evaluation.html"
