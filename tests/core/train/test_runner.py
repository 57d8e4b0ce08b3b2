"""The runs of a job: trained one after the other, stopped, gone on with, and tried in a sweep."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core import device, neighbours, steps
from core.blobs import Blobs
from core.checkpoint import load
from core.engine.local import Local
from core.engine.serial import Serial
from core.errors import BadInput, BadSetting, Died, Missing
from core.learning_curve import learned, part_of
from core.model import Claim, Job, Progress, Project, Recipe, Run
from core.recipes import BASELINES
from core.runs import choose, run_folder
from core.settings import load as settings
from core.train import optimise
from core.train.runner import UNREADABLE
from core.train.training import Training
from db.store import Store
from tests.drawn import CLASSES, drawn, png, tiny_backbones
from tests.pretrained import SMALL, drawn_by_lot, no_hub

QUICK = Recipe("tiny24", epochs=3, batch=12, lr=1e-3)


@pytest.fixture(autouse=True)
def _tiny() -> Iterator[None]:
    with tiny_backbones():
        yield


class Worker:
    """Claims a job and follows its step, as a worker does, without the processes."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.settings = store, settings()
        self.project: Project = store.add_project("drawn", CLASSES)
        self.blobs, self.engine = Blobs(self.settings.storage), Serial()
        for label, name in enumerate(CLASSES):
            (folder / name).mkdir(parents=True)
            for i, pixels in enumerate(self._pictures(label)):
                (folder / name / f"{i}.png").write_bytes(png(pixels))
        self.run("scrape", source="folder", options={"path": str(folder)})
        self.run("split", min_per_class=4, parts="60/20/20")

    @staticmethod
    def _pictures(label: int) -> Iterator[np.ndarray]:
        pictures = drawn(75, 48, 5)
        return (p for p, of in zip(pictures.pixels, pictures.labels, strict=True) if of == label)

    def step(self, verb: str, **params: Any) -> tuple[Job, Claim, steps.Step]:
        self.store.submit(verb, params, self.project.id)
        return self.taken()

    def taken(self) -> tuple[Job, Claim, steps.Step]:
        """The queued job, begun by another worker."""
        job, claim = self.store.claim("here", 3600) or pytest.fail("nothing is queued")
        ctx = steps.Context(self.store, self.blobs, self.engine, self.settings, job, claim, self.project)
        return job, claim, steps.STEPS[job.verb](ctx, **job.params)

    def run(self, verb: str, **params: Any) -> dict:
        _, claim, step = self.step(verb, **params)
        return self.end(claim, step)

    def end(self, claim: Claim, step: steps.Step) -> dict:
        while True:
            try:
                next(step)
            except StopIteration as done:
                self.store.finish(claim, "done", done.value)
                return done.value


@pytest.fixture
def worker(store: Store, tmp_path: Path) -> Worker:
    return Worker(store, tmp_path / "pictures")


def until(step: steps.Step, epoch: int) -> Progress:
    """Follow the step until that epoch of its first run has ended."""
    return next(p for p in step if p.detail and p.detail.get("epoch") == epoch and "validation" in p.note)


def test_a_run_keeps_its_epochs_its_worst_pictures_and_its_figures(worker: Worker) -> None:
    [told] = worker.run("train", recipes=[asdict(QUICK)])["runs"]
    run = worker.store.run(worker.project.id, told["run"])
    assert [row["epoch"] for row in run.epochs] == [1, 2, 3] and run.status == "done"
    val = dict(worker.store.split(worker.project.id).parts["val"])
    for one in run.epochs[-1]["worst"]:
        assert val[one["image"]] == one["label"] and one["said"] in CLASSES and 0 <= one["chance"] <= 1
    chances = [one["chance"] for one in run.epochs[-1]["worst"]]
    assert chances == sorted(chances) and len(chances) == min(12, len(val))
    low, high = run.result["val_accuracy_interval"]
    assert low <= run.result["val_accuracy"] <= high
    assert run.result["parameters"] > 1000 and run.result["latency"] > 0
    folder = run_folder(worker.settings, run.id)
    made = {neighbours.FILE, neighbours.FAMILIAR}  # of it, afterwards
    assert made < {file.name for file in folder.iterdir()}
    left = [file for file in folder.iterdir() if file.name not in made]
    assert run.result["bytes"] == sum(file.stat().st_size for file in left)


def test_a_share_of_the_pictures_is_learned_from_and_all_of_validation_is_asked(worker: Worker) -> None:
    recipes = [asdict(part_of(QUICK, share)) for share in (0.5, 1.0)]
    half, whole = worker.run("train", recipes=recipes)["runs"]
    assert half["name"] == "tiny24:share=0.5" and half["epochs"] == 6
    split = worker.store.split(worker.project.id)
    told = [worker.store.run(worker.project.id, one["run"]) for one in (half, whole)]
    models = [load(run_folder(worker.settings, run.id)) for run in told]
    counts = [len(model.background) for model in models]  # of so few pictures all that were learned from
    assert counts == [learned(split, 0.5), learned(split, 1.0)] and counts[0] < counts[1]
    assert {one.tobytes() for one in models[0].background} < {one.tobytes() for one in models[1].background}
    assert np.array_equal(models[0].val_labels, models[1].val_labels)
    for run in told:
        right, of = zip(*run.result["val_found"], strict=True)
        assert sum(right) / sum(of) == pytest.approx(run.result["val_accuracy"]) and sum(of) == len(split.parts["val"])
    assert [run.id for run in choose(worker.store, worker.project.id)] == [whole["run"]]


def test_where_no_training_picture_can_be_read_any_more_an_evaluation_goes_on_without_them(worker: Worker) -> None:
    [told] = worker.run("train", recipes=[asdict(QUICK)])["runs"]
    split, home = worker.store.split(worker.project.id), worker.settings.home
    folder = run_folder(worker.settings, told["run"])
    for file in (neighbours.FILE, neighbours.FAMILIAR):
        (folder / file).unlink()
    shutil.rmtree(home / "cache")
    ids = [image for image, _ in split.parts["train"]]
    for record in worker.store.images_by_id(worker.project.id, ids):
        for path in (home / "images").rglob(f"*{record.facts.sha256}*"):
            path.unlink()
    with pytest.raises(Missing):
        worker.blobs.get(record.facts.sha256)
    scored = worker.run("evaluate", part="val")
    assert scored["images"] == len(split.parts["val"]) and not (folder / neighbours.FILE).exists()
    assert load(folder).familiar is None, "it judges by its logits"


def test_stopped_by_a_person_the_best_epoch_so_far_can_be_asked_and_the_run_can_go_on(worker: Worker) -> None:
    job, claim, step = worker.step("train", recipes=[asdict(QUICK)])
    until(step, 2)
    worker.store.cancel(job.id)
    step.close()
    worker.store.finish(claim, "stopped")
    [run] = worker.store.runs(worker.project.id)
    assert (run.status, run.result["epochs"]) == ("stopped", 2)
    assert choose(worker.store, worker.project.id) == [run]
    assert load(run_folder(worker.settings, run.id)).metrics["epochs"] == 2

    [told] = worker.run("train", runs=[run.id])["runs"]
    assert told["run"] == run.id
    done = worker.store.run(worker.project.id, run.id)
    assert done.status == "done" and [row["epoch"] for row in done.epochs] == [1, 2, 3]


def test_a_worker_that_leaves_marks_nothing_as_stopped_and_the_next_one_goes_on(worker: Worker) -> None:
    _, claim, step = worker.step("train", recipes=[asdict(QUICK)])
    until(step, 1)
    step.close()
    worker.store.release(claim, died=False)
    [run] = worker.store.runs(worker.project.id)
    assert run.status == "started"
    _, claim, step = worker.taken()
    assert [p.detail["epoch"] for p in step if p.detail and "validation" in p.note] == [2, 3]  # type: ignore[index]
    assert worker.store.run(worker.project.id, run.id).status == "done"


def test_a_run_whose_files_were_deleted_does_not_go_on(worker: Worker) -> None:
    job, claim, step = worker.step("train", recipes=[asdict(QUICK)])
    until(step, 1)
    worker.store.cancel(job.id)
    step.close()
    worker.store.finish(claim, "stopped")
    [run] = worker.store.runs(worker.project.id)
    worker.store.mark_deleted(worker.project.id, run.id)
    with pytest.raises(BadInput, match=rf"files of run {run.id} .* were deleted"):
        worker.run("train", runs=[run.id])


@pytest.fixture
def space() -> dict[str, Any]:
    return {"recipe": ["tiny24", "tiny32"], "lr": [1e-3, 1e-8], "optimiser": ["adamw", "sgd"], "epochs": 2, "batch": 12}


def test_a_sweep_stops_the_worse_early_and_names_the_best(worker: Worker, space: dict) -> None:
    told = worker.run("sweep", space=space)
    numbers = [run.id for run in worker.store.runs(worker.project.id)]
    runs = {number: worker.store.run(worker.project.id, number) for number in numbers}
    assert len(runs) == 8 and told["stopped_early"] == sum(run.status == "pruned" for run in runs.values()) >= 2
    losses = [runs[number].result["val_loss"] for number in told["top"]]
    assert losses == sorted(losses) and runs[told["top"][0]].status == "done"
    for run in runs.values():
        assert run_folder(worker.settings, run.id).exists() == (run.status == "done")
        assert len(run.epochs) == (2 if run.status == "done" else run.result["epochs"])


def test_a_sweep_that_was_killed_ends_as_if_it_had_not_been(worker: Worker, space: dict) -> None:
    whole = worker.run("sweep", space=space)
    _, claim, step = worker.step("sweep", space=space)
    for seen, _ in enumerate(p for p in step if "validation" in p.note):
        if seen == 5:
            break
    worker.store.release(claim, died=True)  # and nothing was closed
    _, claim, again = worker.taken()
    broken = worker.end(claim, again)
    figures = [
        [(run["recipe"], run["status"], run["epochs"], run["val_accuracy"]) for run in told["runs"]]
        for told in (whole, broken)
    ]
    assert figures[0] == figures[1] and broken["stopped_early"] == whole["stopped_early"]
    step.close()


def test_a_combination_that_does_not_train_is_told_and_the_others_go_on(worker: Worker, space: dict) -> None:
    told = worker.run("sweep", space=space | {"optimiser": ["sgd"], "lr": [1e-3, 1e30], "label_smoothing": 0.0})
    runs = worker.store.runs(worker.project.id)
    broken = [run for run in runs if "error" in run.result]
    assert {run.recipe.lr for run in broken} == {1e30} and "not a number" in broken[0].result["error"]
    assert {run.recipe.lr for run in runs if run.status == "done"} == {1e-3} and told["top"]
    assert told["broken"] == len(broken) == sum("not a number" in run.get("error", "") for run in told["runs"])
    assert told["stopped_early"] == sum(run.status == "pruned" for run in runs) - len(broken)


def test_a_sweep_in_which_nothing_trains_fails_with_the_reason(worker: Worker, space: dict) -> None:
    with pytest.raises(BadInput, match=r"None of the 4 combinations could be trained\. .*not a number"):
        worker.run("sweep", space=space | {"lr": [1e30], "label_smoothing": [0.0, 0.1], "optimiser": ["sgd"]})


def test_a_gpu_that_is_gone_fails_a_sweep_and_the_next_attempt_goes_on_with_it(
    worker: Worker, space: dict, monkeypatch
) -> None:
    _, claim, step = worker.step("sweep", space=space)
    with monkeypatch.context() as gone:
        gone.setattr(Training, "_validate", lambda *_: (_ for _ in ()).throw(Died("The GPU stopped answering.")))
        with pytest.raises(Died):
            list(step)
    assert {run.status for run in worker.store.runs(worker.project.id)} == {"started"}
    worker.store.release(claim, died=True)
    _, claim, step = worker.taken()
    assert worker.end(claim, step)["broken"] == 0


def test_pictures_that_can_be_read_again_stay_out_of_a_training_that_began_without_them(
    worker: Worker, monkeypatch
) -> None:
    read, away = Blobs.get, []

    def get(self: Blobs, sha256: str) -> bytes:
        away[:] = away or [sha256]
        if sha256 == away[0]:
            raise OSError("the disk is away")
        return read(self, sha256)

    _, claim, step = worker.step("train", recipes=[asdict(QUICK)])
    with monkeypatch.context() as broken:
        broken.setattr(Blobs, "get", get)
        until(step, 1)
        step.close()
    worker.store.release(claim, died=True)
    _, claim, step = worker.taken()
    told = worker.end(claim, step)
    [run] = worker.store.runs(worker.project.id)
    assert told["unreadable"] == 0 and run.status == "done" and run.result["epochs"] == 3
    assert len(json.loads((run_folder(worker.settings, run.id) / UNREADABLE).read_text())) == 1


def test_a_run_that_broke_off_can_be_asked_as_far_as_it_came(worker: Worker, monkeypatch) -> None:
    losses = Training._losses
    with monkeypatch.context() as late:
        late.setattr(
            Training, "_losses", lambda self, out, y: losses(self, out, y) * (math.nan if self.done == 2 else 1)
        )
        with pytest.raises(BadInput, match="not a number"):
            worker.run("train", recipes=[asdict(QUICK)])
    [run] = worker.store.runs(worker.project.id)
    assert (run.status, run.kept, run.result["epochs"]) == ("stopped", True, 2)
    assert "not a number" in run.result["error"] and choose(worker.store, worker.project.id) == [run]
    told = worker.run("train", recipes=[], runs=[run.id])  # and gone on with, where it has another cause
    assert told["runs"][0]["status"] == "done" and "error" not in told["runs"][0]


def test_epochs_that_a_run_did_not_need_are_not_waited_for(worker: Worker) -> None:
    early = replace(QUICK, epochs=50, patience=1, lr=1e-9, watch="accuracy")  # learns nothing
    _, _, step = worker.step("train", recipes=[asdict(early), asdict(QUICK)])
    told = [p for p in step if p.detail and "epoch" in p.detail]
    ran = worker.store.runs(worker.project.id)[-1].result["epochs"]
    assert told[0].total == 53 and ran < 50
    assert {(p.done, p.total) for p in told[-1:]} == {(ran + 3, ran + 3)}


def test_what_was_deleted_meanwhile_is_not_measured_by_the_next_attempt(worker: Worker, monkeypatch) -> None:
    bad = replace(QUICK, lr=1e30, optimiser="sgd")
    job, claim, step = worker.step("train", recipes=[asdict(QUICK), asdict(bad)], evaluate_on="val")
    with pytest.raises(BadInput, match=r"1 of 2 were trained"):
        list(step)
    worker.store.finish(claim, "failed")
    trained = next(run for run in worker.store.runs(worker.project.id) if run.kept)
    worker.store.mark_deleted(worker.project.id, trained.id)
    monkeypatch.setattr(optimise, "share", lambda *_: 1e-33)  # what failed can be trained now
    worker.store.again(job.id)
    _, claim, step = worker.taken()
    told = worker.end(claim, step)
    [evaluation] = worker.store.evaluations(worker.project.id)
    assert trained.id not in evaluation.runs and len(told["runs"]) == 2


def test_of_several_recipes_those_that_can_are_trained_and_the_rest_is_said(worker: Worker) -> None:
    bad = replace(QUICK, lr=1e30, optimiser="sgd")
    with pytest.raises(BadInput, match=r"1 of 2 were trained\. .*not a number"):
        worker.run("train", recipes=[asdict(bad), asdict(QUICK)])
    runs = {run.recipe.lr: run for run in worker.store.runs(worker.project.id)}
    assert runs[QUICK.lr].status == "done" and "error" not in runs[QUICK.lr].result
    assert runs[1e30].status == "started" and "not a number" in runs[1e30].result["error"]


def test_what_was_trained_is_told_beside_what_was_not_and_measured_once_all_are(worker: Worker, monkeypatch) -> None:
    bad = replace(QUICK, lr=1e30, optimiser="sgd")
    _, claim, step = worker.step("train", recipes=[asdict(QUICK), asdict(bad)], evaluate_on="val")
    seen: list[Progress] = []
    with pytest.raises(BadInput, match=r"1 of 2 were trained"):
        seen.extend(step)
    assert seen[-1].detail and [run["recipe"] for run in seen[-1].detail["runs"]] == [QUICK.name]
    assert worker.store.evaluations(worker.project.id) == []
    worker.store.release(claim, died=True)
    monkeypatch.setattr(optimise, "share", lambda *_: 1e-33)  # what failed can be trained now
    _, claim, step = worker.taken()
    told = worker.end(claim, step)
    [evaluation] = worker.store.evaluations(worker.project.id)
    assert told["evaluation"] == evaluation.id and sorted(evaluation.runs) == [run["run"] for run in told["runs"]]
    assert len(told["runs"]) == 2


def test_an_epoch_that_was_saved_and_not_told_is_told_by_the_next_attempt(worker: Worker, monkeypatch) -> None:
    _, claim, step = worker.step("train", recipes=[asdict(QUICK)])
    until(step, 1)
    with monkeypatch.context() as broken:
        broken.setattr(worker.store, "add_epoch", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            list(step)
    worker.store.release(claim, died=True)
    _, claim, step = worker.taken()
    worker.end(claim, step)
    [run] = worker.store.runs(worker.project.id)
    assert [row["epoch"] for row in worker.store.run(worker.project.id, run.id).epochs] == [1, 2, 3]


def test_weights_that_cannot_be_had_are_told_before_anything_is_trained(
    worker: Worker, monkeypatch, tmp_path: Path
) -> None:
    no_hub(tmp_path, monkeypatch)
    with pytest.raises(Missing, match=r"resnet18\.safetensors"):
        worker.run("sweep", space={"recipe": ["tiny24", "resnet18:train=head"], "epochs": 1})
    assert worker.store.runs(worker.project.id) == []


def test_figures_for_tensorboard_that_cannot_be_written_are_told_before_a_picture_is_decoded(
    worker: Worker, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setenv("WINNOW_TENSORBOARD", "yes")
    worker.settings = settings()
    with pytest.raises(BadSetting, match="pip install tensorboard"):
        worker.run("train", recipes=[asdict(QUICK)])
    assert not list(worker.settings.home.rglob("*.npy"))


def test_baselines_are_never_stopped_early(worker: Worker, space: dict, monkeypatch, tmp_path: Path) -> None:
    drawn_by_lot(SMALL, tmp_path / "weights")
    worker.settings = worker.settings.model_copy(update={"weights": tmp_path / "weights"})
    worker.run("sweep", space={"recipe": [f"{SMALL}:train=head,size=64"], "lr": [0.01, 0.001, 0.0001], "epochs": 2})
    beside = [run for run in worker.store.runs(worker.project.id) if run.recipe.head in BASELINES]
    assert {run.status for run in beside} == {"done"} and len(beside) == 3


def test_what_was_trained_to_its_end_is_asked_before_short_runs(worker: Worker, space: dict) -> None:
    short = worker.run("sweep", space=space)
    runs = {run.id: run.result["val_loss"] for run in worker.store.runs(worker.project.id, done=True)}
    best = min(runs, key=lambda number: runs[number])
    assert best in {run.id for run in choose(worker.store, worker.project.id)} <= {run["run"] for run in short["runs"]}
    [told] = worker.run("train", recipes=[asdict(QUICK)])["runs"]
    assert [run.id for run in choose(worker.store, worker.project.id)] == [told["run"]]


def test_a_rate_is_found_for_a_recipe_and_no_run_comes_of_it(worker: Worker) -> None:
    told = worker.run("rate", recipe=asdict(QUICK))
    assert told["recipe"] == "tiny24" and len(told["rates"]) == len(told["losses"])
    assert worker.store.runs(worker.project.id) == []


APART = Recipe("simplecnn", size=32, epochs=3, batch=12, lr=1e-3)  # processes of their own do not know the tiny ones


@pytest.fixture
def two_gpus(worker: Worker, monkeypatch) -> Iterator[None]:
    """As many, as far as the step can see; in the processes it is the CPU that trains."""
    worker.engine = Local()
    monkeypatch.setattr(device, "gpus", lambda name="auto": 2)
    yield
    worker.engine.close()


def test_several_recipes_are_trained_side_by_side_each_on_a_gpu_and_told_in_their_order(
    worker: Worker, two_gpus
) -> None:
    recipes = [replace(APART, epochs=4), APART, replace(APART, epochs=1)]
    _, claim, step = worker.step("train", recipes=[asdict(recipe) for recipe in recipes])
    told, ended, at_work = [], None, 0
    try:
        while True:
            told.append(next(step))
            if told[-1].detail and not at_work:
                at_work = sum("ranks.py" in " ".join(p.cmdline()) for p in psutil.Process().children())
    except StopIteration as end:
        ended = end.value
    worker.store.finish(claim, "done", ended)
    assert at_work == 2
    assert [run["epochs"] for run in ended["runs"]] == [4, 3, 1]
    epochs = [progress for progress in told if progress.detail]  # what comes after looks at every picture once more
    assert epochs[-1].done == epochs[-1].total == 8
    runs = [worker.store.run(worker.project.id, run["run"]) for run in ended["runs"]]
    assert [run.result["device"] for run in runs] == ["cpu"] * 3 and all(run.epochs[-1]["worst"] for run in runs)


@pytest.mark.slow
def test_stopped_side_by_side_all_keep_their_best_epoch_and_can_go_on(worker: Worker, two_gpus) -> None:
    def stopped_when_each_told_of_an_epoch(**settings) -> list[Run]:
        job, claim, step = worker.step("train", **settings)
        seen: set[int] = set()
        while len(seen) < 2:
            told = next(step)
            if told.detail and "validation" in told.note:
                seen.add(told.detail["run"])
        worker.store.cancel(job.id)
        step.close()
        worker.store.finish(claim, "stopped")
        return [worker.store.run(worker.project.id, run.id) for run in worker.store.runs(worker.project.id)]

    # so many epochs that the first is not done before the second has begun, however fast the machine
    recipes = [replace(APART, epochs=5000, patience=5000, seed=seed) for seed in (1, 2)]
    runs = stopped_when_each_told_of_an_epoch(recipes=[asdict(recipe) for recipe in recipes])
    assert [run.status for run in runs] == ["stopped"] * 2
    for run in runs:
        assert load(run_folder(worker.settings, run.id)).metrics["epochs"] == run.result["epochs"] >= 1
    later = stopped_when_each_told_of_an_epoch(runs=[run.id for run in runs])
    assert [run.id for run in later] == [run.id for run in runs]
    for run, before in zip(later, runs, strict=True):
        epochs = [row["epoch"] for row in run.epochs]
        assert epochs == list(range(1, len(epochs) + 1)) and len(epochs) > len(before.epochs)


@pytest.mark.slow
def test_a_sweep_runs_side_by_side_and_one_that_breaks_leaves_the_others(worker: Worker, two_gpus) -> None:
    space = {"recipe": ["simplecnn:size=32"], "lr": [1e-3, 1e-4, 1e30], "optimiser": ["sgd"], "epochs": 2, "batch": 12}
    told = worker.run("sweep", space=space | {"label_smoothing": 0.0})
    runs = worker.store.runs(worker.project.id)
    assert ["not a number" in run.result.get("error", "") for run in runs].count(True) == 1
    assert len(told["runs"]) == 3 and told["top"] and "done" in {run.status for run in runs}


@pytest.mark.slow
def test_one_recipe_is_trained_by_all_gpus_as_far_as_its_batch_goes_round(worker: Worker, two_gpus) -> None:
    recipes = [replace(APART, batch=32), replace(APART, batch=16)]
    [wide], [narrow] = (worker.run("train", recipes=[asdict(recipe)])["runs"] for recipe in recipes)
    devices = [worker.store.run(worker.project.id, run["run"]).result["device"] for run in (wide, narrow)]
    assert devices == ["2 x cpu", "cpu"]
