"""The report on training: everything a reader has to know, nothing that a name could smuggle in."""

from __future__ import annotations

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

    Reader().feed(page)
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
    assert seen.index("simplecnn 0.001 sgd 0.500") < seen.index("simplecnn 0.002 adamw 0.700")
    assert "lr 0.001 0.500 2" in seen and "optimiser adamw 0.700 2" in seen


def test_what_a_choice_was_worth_is_told_apart_as_it_was_chosen(store: Store, project: Project) -> None:
    space = {"recipe": ["mobilenetv2_100:train=head", "mobilenetv2_100", "simplecnn"], "head": ["linear", "bn-dropout"]}
    texts = [f"{r}{',' if ':' in r else ':'}head={h}" for r in space["recipe"] for h in space["head"]]
    losses = [0.3, 0.4, 0.2, 0.6, 0.8, 0.7]
    [*_, last] = trained(
        store, project, "sweep", [(t, "pruned", loss) for t, loss in zip(texts, losses, strict=True)], space=space
    )  # fmt: skip
    store.finish_run(filled.begin(store, project, "train")[1], last, {"error": "no memory"}, "pruned")
    seen = text(write(store, project))
    assert "6 short runs, 5 stopped early, 1 could not be trained" in seen
    assert "recipe mobilenetv2_100 0.200 2 recipe mobilenetv2_100:train=head 0.300 2 recipe simplecnn 0.800 1" in seen
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
