"""The page Train: a training while it runs, every run in a table, one closely, several side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.model import Claim, Job, Project, Recipe
from core.recipes import PRESETS, read
from core.runs import run_folder
from core.settings import load
from db.store import Store
from pages.parts import charts, curves, learning, wording, worst
from pages.parts.trained import state
from tests.pages import filled
from tests.pages.conftest import button, fine, opened, plain, words

Screen = Callable[..., AppTest]


def epoch(store: Store, claim: Claim, project: Project, run: int, number: int = 1, **more) -> list[int]:
    """An epoch as today's training stores it; returns the images that it gets most wrong."""
    images = [image for image, _ in store.split(project.id).parts["val"][:12]]
    store.add_epoch(claim, run, number, {
        "epoch": number, "loss": 0.9, "accuracy": 0.7, "val_loss": 1.0, "val_accuracy": 0.6, "val_macro_f1": 0.55, "best": True,
        "images_per_second": 400.0, "waiting": 0.02, "seconds": 3.0,
        "worst": [{"image": i, "label": "suv", "said": "coupe", "chance": 0.004} for i in images], **more,
    })  # fmt: skip
    return images


def running(store: Store, project: Project, **detail) -> tuple[Job, Claim, int]:
    job, claim = filled.begin(store, project, "train", recipes=[{}, {}])
    run = store.start_run(claim, project.id, store.split(project.id).id, Recipe("vgg75-bn"), 0).id
    told = {
        "run": run,
        "epoch": 2,
        "images": 1200,
        "of": 2778,
        "images_per_second": 410.0,
        "left": 200.0,
        "parts": 1,
        "warning": "",
    }
    store.progress(claim, 1, 80, "vgg75-bn on cpu: epoch 2 of at most 40", told | detail)
    return store.job(job.id), claim, run


@pytest.mark.parametrize("label", ["Train both and ensemble them", "Train it", "Start the sweep"])
def test_a_press_that_came_too_late_is_not_passed_over(
    store: Store, project: Project, screen: Screen, label: str
) -> None:
    shown = screen("train", project="cars")
    running(store, project)  # from another tab
    assert "Nothing was started" in plain(button(shown, label).click().run())
    assert len(store.jobs(project.id, "train")) == 1 and not store.jobs(project.id, "sweep")
    assert not shown.toast
    assert "Nothing was started" not in plain(shown.run())


def test_a_press_far_below_the_bar_says_where_it_is(store: Store, project: Project, screen: Screen) -> None:
    shown = screen("train", project="cars")
    [told] = button(shown, "Train both and ensemble them").click().run().toast
    assert "at the top of this page" in told.value
    assert not shown.run().toast


def test_what_a_training_came_to_is_said_while_it_is_news(
    store: Store, project: Project, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, claim = filled.begin(store, project, "train", recipes=[{}])
    told = {"run": 1, "name": "vgg75-bn", "val_accuracy": 0.875, "val_accuracy_interval": [0.8, 0.925]}
    store.finish(claim, "done", {"runs": [told]})
    said = "Trained: **vgg75-bn** names 87.5% (80.0% to 92.5%) of the validation pictures rightly."
    assert said in plain(screen("train", project="cars"))
    monkeypatch.setattr(learning, "NEWS", -learning.NEWS)
    assert "Trained:" not in plain(screen("train", project="cars"))


def pick(shown: AppTest, *rows: int) -> AppTest:
    key = next(table.key for table in shown.dataframe if table.key and table.key.startswith("runs-"))
    shown.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return shown.run()


def table(shown: AppTest):
    return next(table.value for table in shown.dataframe if table.key and table.key.startswith("runs-"))


def links(shown: AppTest) -> list[str]:
    return [link.proto.query_string for link in shown.get("page_link")]


# while it runs ------------------------------------------------------------------------------------------------------


def test_a_training_tells_its_epoch_its_speed_the_time_left_and_what_stop_keeps(
    screen: Screen, store: Store, project: Project
) -> None:
    running(store, project)
    shown = screen("train", project="cars")
    said = plain(shown)
    assert "410 pictures/s · about 3 min left for this run" in said
    assert "Stop keeps the best epoch that has ended as a model" in said
    bars = [bar.proto.text.replace("\\", "") for bar in shown.get("progress")]
    assert any("vgg75-bn** (run 1 of 2) · epoch 2 of at most 40 · 1,200 of 2,778 pictures" in bar for bar in bars)
    assert "GPU" not in said


def test_a_gpu_and_warnings_are_told_of_and_the_worst_pictures_lead_to_the_review(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim, run = running(store, project, parts=4, warning="A state was damaged.")
    images = epoch(store, claim, project, run, gpu_memory=3.2e9, gpu_use=0.93)
    shown = screen("train", project="cars")
    said = plain(shown)
    assert "GPU: 3.2 GB · 93% in use · each batch in 4 parts" in said
    assert [warning.value.replace("\\", "") for warning in shown.warning] == ["A state was damaged."]
    assert f"{worst.heading(len(images))}** · vgg75-bn, epoch 1" in said
    assert any(f"ids={'%2C'.join(map(str, images))}" in link for link in links(shown))
    html = "".join(each.proto.body for each in shown.get("html"))
    assert html.count("0.4% for the truth") == len(images)


def test_the_split_is_read_once_however_often_its_worst_pictures_are_drawn(
    screen: Screen, store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, claim, run = running(store, project)
    epoch(store, claim, project, run)
    shown = screen("train", project="cars")
    monkeypatch.setattr(Store, "split", None)
    assert "worst validation pictures" in fine(shown.run())


def test_a_frozen_network_that_looks_at_the_pictures_is_at_no_epoch(
    screen: Screen, store: Store, project: Project
) -> None:
    running(store, project, epoch=0, left=None)
    bars = [bar.proto.text for bar in screen("train", project="cars").get("progress")]
    assert any("looking at every picture once · 1,200 of 2,778 pictures" in bar for bar in bars)
    assert not any("epoch 0" in bar for bar in bars)


def test_a_training_of_an_earlier_release_shows_what_there_is(screen: Screen, store: Store, project: Project) -> None:
    _, claim = filled.begin(store, project, "train", recipes=[{}])
    run = store.start_run(claim, project.id, store.split(project.id).id, Recipe("vgg75"), 0).id
    store.progress(claim, 0, 40, "vgg75 on cpu: epoch 1 of at most 40, 32 of 300 images")
    store.add_epoch(claim, run, 1, {"epoch": 1, "loss": 1, "accuracy": 0.5, "val_loss": 1, "val_accuracy": 0.5})
    shown = screen("train", project="cars")
    assert "32 of 300 images" in "".join(bar.proto.text for bar in shown.get("progress"))
    assert "worst" not in fine(shown)


def test_while_the_models_are_measured_at_the_end_no_epoch_is_shown(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim, run = running(store, project)
    store.finish_run(claim, run, {"val_accuracy": 0.6})
    store.progress(claim, 0, 17, "asking 2 models about 17 images")
    bars = [bar.proto.text for bar in screen("train", project="cars").get("progress")]
    assert any("asking 2 models" in bar for bar in bars) and not any("1,200" in bar for bar in bars)


def test_a_run_that_goes_on_in_another_job_is_shown_with_it(screen: Screen, store: Store, project: Project) -> None:
    _, claim, run = running(store, project)
    epoch(store, claim, project, run)
    store.finish_run(claim, run, {}, "stopped")
    store.finish(claim, "stopped")
    _, claim = filled.begin(store, project, "train", runs=[run])
    store.progress(claim, 1, 40, "", {"run": run, "epoch": 2, "images": 5, "of": 17})
    shown = screen("train", project="cars")
    assert any("epoch 2 of at most 40" in bar.proto.text for bar in shown.get("progress"))
    assert "vgg75-bn, epoch 1" in plain(shown)
    assert list(table(shown)["state"]) == ["training"]


def test_runs_that_train_side_by_side_have_a_bar_each_in_their_order(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim, first = running(store, project)
    second = store.start_run(claim, project.id, store.split(project.id).id, Recipe("vgg100"), 1).id
    now = {"run": second, "epoch": 3, "images": 5, "of": 17}
    store.progress(claim, 1, 80, "", now | {"beside": [{"run": first, "epoch": 7, "images": 9, "of": 17}]})
    bars = [bar.proto.text for bar in screen("train", project="cars").get("progress")]
    found = [bar for bar in bars if "epoch" in bar]
    assert ["epoch 7" in found[0], "epoch 3" in found[1], len(found)] == [True, True, 2]


def test_a_sweep_draws_its_newest_eight_runs_in_a_chart_that_does_not_grow(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim = filled.begin(store, project, "sweep", space={"recipe": ["simplecnn"]})
    split, heights = store.split(project.id).id, set()
    for position in range(11):
        run = store.start_run(claim, project.id, split, Recipe("simplecnn", lr=0.001 * (position + 1)), position).id
        epoch(store, claim, project, run)
        if position in (0, 10):
            shown = screen("train", project="cars")
            drawn = json.loads(shown.get("plotly_chart")[0].proto.spec)
            heights.add(drawn["layout"]["height"])
    assert len(heights) == 1 and len([line for line in drawn["data"] if line["showlegend"]]) == 8
    assert "The newest 8 runs of the sweep are drawn" in fine(shown)


def test_a_run_of_a_sweep_keeps_its_colour_when_others_leave_the_chart(store: Store, project: Project) -> None:
    runs = [store.run(project.id, run) for run in filled.trained(store, project, [f"vgg{n}" for n in range(10)])]
    colours = []
    for first in (1, 2):
        drawn = charts.curve(curves.frame(runs[first : first + 8], "loss", before=first), "loss").data
        assert {line.line.dash for line in drawn if line.showlegend} == {"solid"}
        colours.append({line.name: line.line.color for line in drawn if line.showlegend})
    assert all(colours[1].get(name, colour) == colour for name, colour in colours[0].items())


def test_a_warning_that_stays_is_told_once() -> None:
    from dataclasses import replace
    from datetime import UTC, datetime

    from core.model import Run

    row = {"epoch": 1, "warning": "A state was damaged."}
    run = Run(1, 1, Recipe("vgg75"), 1, datetime(2026, 1, 1, tzinfo=UTC), "started", (row, row))
    job = Job(1, 1, "train", {}, "running", 1, 1, False, 0, 0, "", "", {"warning": "A state was damaged."}, run.created, None, None, None, None, "gpu")  # fmt: skip
    assert learning.warnings([run], job) == ["A state was damaged."]
    assert learning.warnings([run, replace(run, id=2, epochs=())], job) == ["vgg75 (run 1): A state was damaged."]


# all runs -----------------------------------------------------------------------------------------------------------


def test_every_run_is_in_the_table_and_columns_that_say_nothing_are_left_out(
    screen: Screen, store: Store, project: Project
) -> None:
    filled.trained(store, project)
    shown = screen("train", project="cars")
    assert "the test part stays closed until you open it" in fine(shown)
    rows = table(shown)
    assert list(rows["name"]) == ["vgg100-bn", "vgg75-bn"]
    assert list(rows["state"]) == ["trained", "trained"]
    assert {"accuracy", "interval", "best"} < set(rows) and not {"latency", "parameters", "note", "recipe"} & set(rows)
    assert "The best 2 runs" in words(shown)


def test_one_run_is_renamed_and_noted_and_a_name_that_is_taken_is_a_sentence(
    screen: Screen, store: Store, project: Project
) -> None:
    first, second = filled.trained(store, project)
    shown = pick(screen("train", project="cars"), 1)
    shown.text_input(key=f"name-{first}").set_value("<b>mine</b>")
    shown.text_area(key=f"note-{first}").set_value("a *note*")
    button(shown, "Save").click().run()
    assert (store.run(project.id, first).name, store.run(project.id, first).note) == ("<b>mine</b>", "a *note*")
    assert r"\<b\>mine\<\/b\>" in fine(shown)
    assert list(table(shown)["name"]) == ["vgg100-bn", "<b>mine</b>"]
    shown.text_input(key=f"name-{first}").set_value("vgg100-bn")
    button(shown, "Save").click().run()
    assert f"Run {second} is called" in shown.error[0].value


def test_what_is_picked_and_typed_stays_when_another_run_begins(screen: Screen, store: Store, project: Project) -> None:
    first, second = filled.trained(store, project)
    shown = pick(screen("train", project="cars"), 1)
    note = shown.text_area(key=f"note-{first}").proto.id
    running(store, project)
    shown.run()
    assert len(table(shown)) == 3 and f"Run {first}: " in fine(shown)
    assert shown.text_area(key=f"note-{first}").proto.id == note  # a browser keeps what is typed in it
    pick(shown)  # nothing any more
    running(store, project)
    assert f"Run {first}: " not in fine(shown.run())


def test_a_pick_in_a_table_that_is_old_by_now_picks_what_stood_there(
    screen: Screen, store: Store, project: Project
) -> None:
    first, second = filled.trained(store, project)
    shown = screen("train", project="cars")
    [old] = [one for one in shown.dataframe if one.key and one.key.startswith("runs-")]
    running(store, project)
    states = shown._tree.get_widget_states()
    states.widgets.add(id=old.proto.id, string_value='{"selection": {"rows": [0], "columns": [], "cells": []}}')
    shown._run(states)
    assert f"Run {second}: " in fine(shown)


def test_files_are_deleted_only_after_a_second_press_and_what_stays_is_said(
    screen: Screen, store: Store, project: Project
) -> None:
    first, second = filled.trained(store, project)
    folder = run_folder(load(), first)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(2_500_000))
    shown = pick(screen("train", project="cars"), 1)
    assert store.run(project.id, first).kept
    shown = opened(shown, f"delete-{first}")
    assert "This frees 2.5 MB and cannot be undone" in words(shown)
    assert "What stays: name, note, recipe, curves, every figure" in words(shown)
    button(shown, "Delete the files for good").click().run()
    assert not folder.exists() and store.run(project.id, first).deleted
    assert "Its files were deleted on" in words(shown)
    assert list(table(shown)["state"]) == ["trained", "trained, files deleted"]


def test_what_could_not_be_deleted_can_be_tried_again(
    screen: Screen, store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = filled.trained(store, project)
    folder = run_folder(load(), first)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(1000))
    shown = opened(pick(screen("train", project="cars"), 1), f"delete-{first}")
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refused)
        button(shown, "Delete the files for good").click().run()
    assert "cannot be deleted: No space" in shown.error[0].value.replace("\\", "") and folder.exists()
    assert "are still there" in fine(shown.run())
    button(shown, "Delete the files for good").click().run()
    assert not folder.exists() and "are still there" not in fine(shown)


def refused(folder: Path) -> None:
    raise OSError(28, "No space left on device")


def test_a_run_without_files_has_none_to_delete(screen: Screen, store: Store, project: Project) -> None:
    _, claim, run = running(store, project)
    store.finish_run(claim, run, {"val_accuracy": 0.5}, "pruned")
    store.finish(claim, "done")
    shown = pick(screen("train", project="cars"), 0)
    assert f"Run {run}: " in fine(shown) and shown.get("popover")
    assert "Delete its files" not in [one.proto.popover.label for one in shown.get("popover")]
    run_folder(load(), run).mkdir(parents=True)  # left by a kill
    assert "Delete its files" in [one.proto.popover.label for one in shown.run().get("popover")]


@pytest.mark.parametrize(
    ("best", "said"), [(2, "epoch 2\n"), (1, "epoch 2, its last one; the model is that of epoch 1\n")]
)
def test_the_worst_pictures_of_a_trained_run_say_which_epoch_they_are_of(
    screen: Screen, store: Store, project: Project, best: int, said: str
) -> None:
    _, claim, run = running(store, project)
    for number in (1, 2):
        epoch(store, claim, project, run, number)
    store.finish_run(claim, run, {"val_accuracy": 0.6, "epochs": 2, "best_epoch": best})
    store.finish(claim, "done")
    assert f"vgg75-bn, {said}" in plain(pick(screen("train", project="cars"), 0))


def test_a_stopped_run_can_go_on(screen: Screen, store: Store, project: Project) -> None:
    _, claim, run = running(store, project)
    epoch(store, claim, project, run)
    store.finish_run(claim, run, {"val_accuracy": 0.6, "epochs": 1, "best_epoch": 1}, "stopped")
    store.finish(claim, "stopped")
    shown = pick(screen("train", project="cars"), 0)
    shown.button(key=f"go-on-{run}").click().run()
    job = store.jobs(project.id, "train")[0]
    assert (job.params, job.need, job.status) == ({"runs": [run]}, "gpu", "queued")
    assert pick(shown, 0).button(key=f"go-on-{run}").disabled


def test_a_run_that_was_stopped_in_its_first_epoch_can_begin_again(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim, run = running(store, project)
    assert "Go on" not in [one.label for one in pick(screen("train", project="cars"), 0).button], "a job trains it"
    store.finish(claim, "stopped")
    shown = pick(screen("train", project="cars"), 0)
    assert "It was stopped before its first epoch ended" in words(shown)
    shown.button(key=f"go-on-{run}").click().run()
    assert store.jobs(project.id, "train")[0].params == {"runs": [run]}


def test_a_run_that_broke_off_later_goes_on_and_one_without_files_does_not(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim, run = running(store, project)
    epoch(store, claim, project, run)
    store.finish(claim, "failed", error="The power went.")
    shown = pick(screen("train", project="cars"), 0)
    assert "it can go on from its last whole epoch" in words(shown) and shown.button(key=f"go-on-{run}")
    folder = run_folder(load(), run)
    folder.mkdir(parents=True)
    button(opened(shown, f"delete-{run}"), "Delete the files for good").click().run()
    assert store.run(project.id, run).deleted
    assert {"Go on", "Use this recipe"} & {one.label for one in shown.button} == {"Use this recipe"}


@pytest.mark.parametrize(
    "text",
    [
        "simplecnn",
        "simplecnn:epochs=3,lr=0.01",
        "mobilenetv2_100",
        "resnet18:train=half,augment=blur",
        "resnet18:head=knn",
    ],
)
def test_the_recipe_of_a_run_is_used_again_whatever_the_form_held(
    screen: Screen, store: Store, project: Project, text: str
) -> None:
    _, claim = filled.begin(store, project, "train")
    wanted = read(text)
    run = store.start_run(claim, project.id, store.split(project.id).id, wanted, 0)
    store.finish_run(claim, run.id, {"val_accuracy": 0.6}, "done")
    store.finish(claim, "done")
    shown = screen("train", project="cars")
    shown.selectbox(key=f"preset-{project.id}").select("simplecnn").run()
    next(one for one in shown.number_input if one.label == "Epochs at most").set_value(77)
    shown = pick(shown.run(), 0)
    offer(shown, project, text)
    button(shown, "Use this recipe").click().run()
    assert [one.proto.expanded for one in shown.expander if one.label.startswith("Choose")] == [True]
    assert "It stands above" in words(shown)
    offer(shown, project, text)
    button(shown, "Train it").click().run()
    assert [Recipe.stored(one) for one in store.jobs(project.id, "train")[0].params["recipes"]] == [wanted]


def offer(shown: AppTest, project: Project, text: str) -> None:
    """AppTest sends no name that is not in the list; a browser does."""
    box = shown.selectbox(key=f"preset-{project.id}")
    if text not in PRESETS:
        box.options.append(text)


def test_a_run_whose_network_is_gone_says_so_and_its_recipe_is_not_offered(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim = filled.begin(store, project, "train")
    store.start_run(claim, project.id, store.split(project.id).id, Recipe("vgg57"), 0)
    store.finish(claim, "stopped")
    shown = pick(screen("train", project="cars"), 0)
    assert "cannot be used again: There is no backbone 'vgg57'" in plain(shown)
    assert "Use this recipe" not in [one.label for one in shown.button]


def test_a_job_that_waits_hides_none_that_runs(screen: Screen, store: Store, project: Project) -> None:
    running(store, project)
    store.submit("sweep", {"space": {"recipe": ["simplecnn"]}}, project.id, "gpu")
    bars = [bar.proto.text for bar in screen("train", project="cars").get("progress")]
    assert any("epoch 2 of at most 40" in bar for bar in bars) and not any("Sweep" in bar for bar in bars)


def test_what_stop_keeps_of_a_search_for_a_rate_is_said_beside_it(
    screen: Screen, store: Store, project: Project
) -> None:
    job, _ = filled.begin(store, project, "rate", recipe={})
    assert screen("train", project="cars").button(key=f"stop-{job.id}").help == "Nothing of it is kept."


def test_a_job_that_was_tried_again_in_another_tab_is_a_sentence(
    screen: Screen, store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, claim = filled.begin(store, project, "train", recipes=[{}])
    store.finish(claim, "failed", error="The disk is full.")
    shown = screen("train", project="cars")
    old = store.job(job.id)
    store.again(job.id)
    monkeypatch.setattr(Store, "jobs", lambda store, *_, **__: [old])  # as read a moment before
    monkeypatch.setattr(Store, "busy", lambda store: set())
    shown.button(key=f"again-{job.id}").click().run()
    assert not shown.exception
    assert any("cannot be tried again" in error.value for error in shown.error)


def test_several_runs_are_compared_by_what_differs_and_by_what_accuracy_costs(
    screen: Screen, store: Store, project: Project
) -> None:
    _, claim = filled.begin(store, project, "train")
    split = store.split(project.id).id
    for position, rate in enumerate((0.001, 0.01, 0.1)):
        run = store.start_run(claim, project.id, split, Recipe("vgg75", lr=rate), position).id
        epoch(store, claim, project, run)
        cost = {"latency": 0.004, "bytes": 5_000_000, "parameters": 1_000_000} if position else {}
        store.finish_run(claim, run, {"val_accuracy": 0.5, "epochs": 1, "best_epoch": 1, **cost})
    store.finish(claim, "done")
    shown = pick(screen("train", project="cars"), 0, 1, 2)
    assert "Compare 3 runs" in fine(shown)
    compared = next(table.value for table in shown.dataframe if "recipe lr" in table.value)
    assert [name for name in compared if name.startswith("recipe")] == ["recipe lr"]
    assert list(compared["recipe lr"]) == ["0.001", "0.01", "0.1"]
    assert len(shown.get("plotly_chart")) == 2
    assert "1 run cannot be drawn: this was not measured for it" in words(shown)
    assert {b.key for b in shown.button_group} >= {"cost", "compare-what"}


def test_where_none_is_picked_the_four_best_of_the_newest_split_are_compared(
    screen: Screen, store: Store, project: Project
) -> None:
    filled.trained(store, project, ["vgg75"])
    filled.split(store, project)
    _, claim = filled.begin(store, project, "train")
    split, losses = store.split(project.id).id, (0.2, 0.5, 0.4, 0.9, 0.3, None)
    runs = [store.start_run(claim, project.id, split, Recipe("vgg75", lr=i / 100), i).id for i in range(1, 7)]
    for run, loss in zip(runs, losses, strict=True):
        told = (
            {"error": "no memory"}
            if loss is None
            else {"val_accuracy": 0.5, "val_loss": loss, "best_epoch": 1, "epochs": 1}
        )
        store.finish_run(claim, run, told, "pruned" if loss is None else "done")
    store.finish(claim, "done")
    shown = screen("train", project="cars")
    compared = next(table.value for table in shown.dataframe if "recipe lr" in table.value)
    assert list(compared["run"]) == [runs[0], runs[4], runs[2], runs[1]]
    assert "The best 4 runs" in words(shown) and "these have the lowest loss on validation" in fine(shown)
    assert list(table(shown))[:4] == ["run", "name", "accuracy", "state"]


def test_the_ring_of_a_curve_is_explained(screen: Screen, store: Store, project: Project) -> None:
    filled.trained(store, project)
    assert "A ring marks the best epoch of a run" in fine(screen("train", project="cars"))


def test_runs_of_different_splits_are_said_not_to_compare(screen: Screen, store: Store, project: Project) -> None:
    filled.trained(store, project, ["vgg75"])
    filled.split(store, project)
    filled.trained(store, project, ["vgg75"])
    shown = pick(screen("train", project="cars"), 0, 1)
    assert "the figures do not compare" in shown.warning[0].value


def test_a_state_is_a_word_or_two(store: Store, project: Project) -> None:
    _, claim, run = running(store, project)
    assert state(store.run(project.id, run), {run}) == "training"
    assert state(store.run(project.id, run), set()) == "not finished"
    store.finish_run(claim, run, {}, "pruned")
    assert state(store.run(project.id, run), {run}) == "stopped by sweep"
    store.finish_run(claim, run, {"error": "no memory"}, "stopped")
    assert state(store.run(project.id, run), set()) == "broke off"
    store.finish_run(claim, run, {"error": "no memory"}, "pruned")
    assert state(store.run(project.id, run), set()) == "could not be trained"


# words and figures --------------------------------------------------------------------------------------------------


def test_every_part_of_a_recipe_has_a_name_and_a_meaning() -> None:
    import dataclasses

    assert set(wording.RECIPE) == {field.name for field in dataclasses.fields(Recipe)}


def test_a_small_chance_is_never_a_plain_zero() -> None:
    assert [worst.chance(share) for share in (0.12, 0.004, 0.0)] == ["12%", "0.4%", "<0.1%"]


def test_a_run_keeps_its_colour_where_another_one_has_no_epoch(store: Store, project: Project) -> None:
    from dataclasses import replace

    first, second = (store.run(project.id, run) for run in filled.trained(store, project))
    drawn = charts.curve(curves.frame([replace(first, epochs=()), second], "loss"), "loss").data
    assert {line.line.color for line in drawn} == {charts.SERIES[1]}


def test_curves_leave_out_what_old_epochs_do_not_have(store: Store, project: Project) -> None:
    runs = [store.run(project.id, run) for run in filled.trained(store, project, ["vgg75"], epochs=3)]
    assert not len(curves.frame(runs, "macro_f1"))
    assert set(curves.frame(runs, "loss", also_train=False)["part"]) == {"validation"}
    assert list(curves.frame(runs, "loss").query("best")["epoch"]) == [3, 3]
