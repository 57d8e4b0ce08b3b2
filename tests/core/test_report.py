"""The report on training: everything a reader has to know, nothing that a name could smuggle in."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.errors import BadInput
from core.model import Project
from core.recipes import read
from core.report import save, write
from db.store import Store
from tests.pages import filled

ROWS = [{"epoch": i, "val_accuracy": 0.5 + i / 20} for i in range(1, 6)]


@pytest.fixture
def project(store: Store, home: Path) -> Project:
    made = filled.scraped(store, home)
    filled.split(store, made)
    return made


def trained(store: Store, project: Project, verb: str, runs: list[tuple[str, str, float]], **params) -> list[int]:
    """Ended runs of (recipe, status, validation loss), by one job."""
    _, claim = filled.begin(store, project, verb, **params)
    split, numbers = store.split(project.id).id, []
    for position, (text, status, loss) in enumerate(runs):
        run = store.start_run(claim, project.id, split, read(text), position)
        for row in ROWS:
            store.add_epoch(claim, run.id, row["epoch"], row)
        store.finish_run(claim, run.id, {
            "val_loss": loss, "val_accuracy": 0.8, "val_accuracy_interval": [0.7, 0.875], "val_macro_f1": 0.79, "epochs": 5,
            "best_epoch": 5, "seconds": 65.0, "parameters": 2_200_000, "bytes": 9_100_000, "latency": 0.0123, "device": "cpu",
            "precision": "bf16",
        }, status)  # type: ignore[arg-type]  # fmt: skip
        numbers.append(run.id)
    store.finish(claim, "done", {})
    return numbers


def text(page: str) -> str:
    """What a reader sees."""
    parts: list[str] = []

    class Reader(HTMLParser):
        hidden = False

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.hidden = tag in ("style", "title")

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                parts.append(data)

    Reader().feed(page.replace("<wbr>", ""))  # where a name may be broken
    return " ".join(" ".join(parts).split())


def test_without_a_training_it_says_what_to_do(store: Store, project: Project) -> None:
    with pytest.raises(BadInput, match="train a model"):
        write(store, project)


def test_it_names_the_best_model_with_its_interval_and_what_has_to_be_beaten(store: Store, project: Project) -> None:
    trained(
        store,
        project,
        "train",
        [("vgg75-bn", "done", 0.6), ("vgg100-bn", "done", 0.5), ("resnet18:head=knn", "done", 0.1)],
    )
    seen = text(write(store, project))
    assert (
        "The best of the trained models, by its loss on validation, is vgg100-bn : it names 80.0% (70.0% to 87.5%)"
        in seen
    )
    assert "The baseline resnet18:head=knn, computed without training, has a lower loss" in seen
    assert seen.index("vgg100-bn 80.0%") < seen.index("vgg75-bn 80.0%") < seen.index("resnet18:head=knn 80.0%")
    assert "2.2 M 9.1 MB 12.3 ms" in seen and "The test part has not been opened" in seen


def test_a_sweep_stands_there_with_its_ten_best_and_what_each_choice_was_worth(store: Store, project: Project) -> None:
    space = {"recipe": ["simplecnn"], "lr": [0.001, 0.002], "optimiser": ["adamw", "sgd"], "epochs": 5}
    texts = [f"simplecnn:lr={lr},optimiser={o},epochs=5" for lr in (0.001, 0.002) for o in ("adamw", "sgd")]
    losses = [0.9, 0.5, 0.7, 0.8]
    trained(
        store,
        project,
        "sweep",
        [(t, "done" if loss < 0.85 else "pruned", loss) for t, loss in zip(texts, losses, strict=True)],
        space=space,
    )
    seen = text(write(store, project))
    assert "4 short runs, 1 stopped early" in seen
    assert re.search(
        r"simplecnn 0\.500 80\.0% \([^)]*\) 0\.001 sgd .*simplecnn 0\.700 80\.0% \([^)]*\) 0\.002 adamw ", seen
    )
    assert "learning rate 0.001 0.500 2" in seen and "optimiser adamw 0.700 2" in seen


def test_what_a_choice_was_worth_is_told_apart_as_it_was_chosen(store: Store, project: Project) -> None:
    space = {
        "recipe": ["mobilenetv2_100:train=head", "mobilenetv2_100", "simplecnn:size=32"],
        "head": ["linear", "bn-dropout"],
    }
    texts = [f"{r}{',' if ':' in r else ':'}head={h}" for r in space["recipe"] for h in space["head"]]
    losses = [0.3, 0.4, 0.2, 0.6, 0.8, 0.7]
    [*_, last] = trained(
        store, project, "sweep", [(t, "pruned", loss) for t, loss in zip(texts, losses, strict=True)], space=space
    )  # fmt: skip
    store.finish_run(filled.begin(store, project, "train")[1], last, {"error": "no memory"}, "pruned")
    seen = text(write(store, project))
    assert "6 short runs, 5 stopped early, 1 could not be trained" in seen
    assert (
        "recipe mobilenetv2_100 0.200 2 recipe mobilenetv2_100:train=head 0.300 2 recipe simplecnn:size=32 0.800 1"
        in seen
    )
    assert "head linear 0.200 3 head bn-dropout 0.400 2" in seen


def test_a_model_has_one_name_in_all_sections_and_its_recipe_is_written_for_people(
    store: Store, project: Project
) -> None:
    numbers = trained(
        store, project, "train",
        [("vgg75-bn:augment=crop+flip", "done", 0.6), ("vgg75-bn:batch=0,augment=none", "stopped", 0.5)],
    )  # fmt: skip
    seen = text(write(store, project))
    assert f"is vgg75-bn (run {numbers[1]}) :" in seen and f"vgg75-bn (run {numbers[1]}) stopped 80.0%" in seen
    assert f"(run {numbers[1]}) found none cpu bf16" in seen and f"(run {numbers[0]}) 32 crop, flip cpu bf16" in seen


def evaluated(store: Store, project: Project, *models: dict[str, int]) -> None:
    """Evaluations on validation, one after the other: what each model is called there -> its run, 0 for an ensemble."""
    for each in models:
        _, claim = filled.begin(store, project, "evaluate")
        of = {"f1": 0.5, "precision": 0.5, "recall": 0.5, "support": 4}
        classes = [f"class {i}" for i in range(10)]
        scores = {name: {"accuracy": 0.9 - run / 100, "per_class": dict.fromkeys(classes, of), "confusion": [[run] * 10] * 10}
                  for name, run in each.items()}  # fmt: skip
        store.add_evaluation(claim, project.id, list(filter(None, each.values())), "val", {
            "models": scores, "split": store.split(project.id).id, "classes": classes,
            "runs": {name: run for name, run in each.items() if run},
        })  # fmt: skip


def test_the_hardest_classes_are_those_of_the_model_that_is_named_first(store: Store, project: Project) -> None:
    other, best = trained(store, project, "train", [("vgg75-bn", "done", 0.6), ("vgg75-bn:lr=0.1", "done", 0.5)])
    evaluated(store, project, {"vgg75-bn": best, "average": 0}, {"vgg75-bn": other})
    seen = text(write(store, project))
    assert f"Hardest classes of vgg75-bn (run {best}) , 8 of 10 classes".replace(" ,", ",") in seen
    assert f"class 1 ({best} of 4)" in seen and "was not evaluated yet" not in seen
    assert "Recall is the share" in seen


@pytest.mark.parametrize("ensemble", [False, True])
def test_where_the_best_model_was_not_evaluated_the_hardest_classes_say_whose_they_are(
    store: Store, project: Project, ensemble: bool
) -> None:
    other, best = trained(store, project, "train", [("vgg75-bn", "done", 0.6), ("vgg75-bn:lr=0.1", "done", 0.5)])
    evaluated(store, project, {"vgg75-bn": other, **({"average": 0} if ensemble else {})})
    seen = text(write(store, project))
    assert f"Hardest classes of {'the ensemble average' if ensemble else f'vgg75-bn (run {other})'}, 8 of" in seen
    assert f"vgg75-bn (run {best}) was not evaluated yet" in seen


def test_the_best_model_is_one_that_can_be_asked_and_deleted_files_are_told_of(store: Store, project: Project) -> None:
    gone, kept = trained(store, project, "train", [("vgg75-bn", "stopped", 0.4), ("vgg100-bn", "done", 0.5)])
    store.mark_deleted(project.id, gone)
    seen = text(write(store, project))
    assert "The best of the trained models that can still be asked, by its loss on validation, is vgg100-bn :" in seen
    assert "vgg75-bn stopped, files deleted 80.0%" in seen and "The recipe of vgg100-bn: optimiser" in seen
    store.mark_deleted(project.id, kept)
    assert "The best of the trained models, by its loss on validation, is vgg75-bn :" in text(write(store, project))


def test_curves_that_are_left_out_are_told_of(store: Store, project: Project) -> None:
    trained(store, project, "train", [(f"vgg75-bn:lr=0.00{i}", "done", i / 10) for i in range(1, 8)])
    page = write(store, project)
    assert "the 6 best of 7 models" in text(page) and page.count("<path d=") == 6 + 7  # and a bar for each model


def test_it_tells_how_often_the_test_part_was_opened(store: Store, project: Project) -> None:
    runs = trained(store, project, "train", [("vgg75-bn", "done", 0.6)])
    _, claim = filled.begin(store, project, "evaluate")
    store.add_evaluation(claim, project.id, runs, "test", {"models": {}})
    assert "opened 1 time so far" in text(write(store, project))


def test_names_cannot_bring_html_and_nothing_is_fetched(store: Store, project: Project) -> None:
    [run] = trained(store, project, "train", [("vgg75-bn", "done", 0.6)])
    store.rename_run(project.id, run, "<img src=x onerror=alert(1)>")
    page = write(store, project)
    assert "<img" not in page and "&lt;img" in page
    assert "http" not in page.replace("http-equiv", "")


def test_it_is_written_to_a_folder_and_a_folder_that_cannot_be_is_a_sentence(
    store: Store, project: Project, tmp_path: Path
) -> None:
    trained(store, project, "train", [("vgg75-bn", "done", 0.6)])
    assert save(store, project, tmp_path / "new" / "folder").read_text(encoding="utf-8").startswith("<!doctype html>")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        save(store, project, tmp_path / "file")
