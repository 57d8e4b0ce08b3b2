"""Splits, runs with their epochs, evaluations: a job that runs again finds what it made."""

from __future__ import annotations

import pytest

from core.errors import BadInput, Fenced
from core.model import ClassInfo, Cropping, Decision, Paired, Recipe
from tests.db.conftest import operation, reject

RECIPE = Recipe("vgg75-bn", epochs=3)


@pytest.fixture
def parts(images) -> dict:
    ids = images(6)
    return {"train": [(i, "sedan") for i in ids[:4]], "val": [(ids[4], "sedan")], "test": [(ids[5], "sedan")]}


@pytest.fixture
def split(store, project, claim, parts):
    return store.add_split(
        claim("split"), project.id, 7, parts, ["sedan"], {"coupe": "The class 'coupe' has 0 images."}, 2
    )


def test_a_split_is_kept_as_it_was_made(store, project, split, parts):
    kept = store.split(project.id)
    assert kept == split
    assert {part: list(members) for part, members in kept.parts.items()} == parts
    assert (kept.seed, kept.classes, kept.leak) == (7, ("sedan",), 2)
    assert kept.left_out == {"coupe": "The class 'coupe' has 0 images."}
    assert store.funnel(project.id).split == 6


def test_what_was_rejected_or_renamed_since_makes_a_split_outdated_until_the_next_one(
    store, project, split, parts, claim
):
    assert (store.newest_split(project.id), store.funnel(project.id).outdated) == (split.id, 0)
    train = [image for image, _ in parts["train"]]
    store.apply(
        project.id, operation(reject(train[0]), Decision(train[1], "keep", label="coupe"), Decision(train[2], "keep"))
    )
    assert store.funnel(project.id).outdated == 2
    again = store.add_split(claim("split"), project.id, 8, parts | {"train": [(train[3], "sedan")]}, ["sedan"], {}, 0)
    assert (store.newest_split(project.id), store.funnel(project.id).outdated) == (again.id, 0)


def test_a_crop_that_was_corrected_since_makes_a_split_outdated(store, project, claim, parts):
    train = [image for image, _ in parts["train"]]
    boxes = {image: (10.5, 20.0, 310.0, 220.0) for image in train[:3]}
    store.set_crops(claim("clean"), project.id, boxes)
    store.add_split(claim("split"), project.id, 1, parts, ["sedan"], {}, 0, boxes=boxes)
    assert store.funnel(project.id).outdated == 0
    drawn = operation(Decision(train[0], "keep", box=(1.0, 2.0, 300.0, 200.0)))
    store.apply(project.id, drawn)
    assert store.funnel(project.id).outdated == 1
    store.apply(project.id, operation(undoes=drawn.id))
    assert store.funnel(project.id).outdated == 0
    uncropped = store.image(project.id, train[3])
    whole = (0.0, 0.0, float(uncropped.facts.width), float(uncropped.facts.height))
    store.apply(project.id, operation(Decision(train[3], "keep", box=whole)))
    assert store.funnel(project.id).outdated == 0, "it was whole before"
    store.set_crops(claim("clean"), project.id, {})
    assert store.funnel(project.id).outdated == 3, "none is cropped any longer"


def test_a_split_by_make_is_outdated_only_by_another_make(store, project, claim, parts):
    makes = {"sedan": ClassInfo(parents={"make": "BMW"}), "coupe": ClassInfo(parents={"make": "BMW"})}
    store.set_infos(project.id, makes)
    by_make = {part: [(image, "BMW") for image, _ in members] for part, members in parts.items()}
    made = store.add_split(claim("split"), project.id, 1, by_make, ["BMW"], {}, 0, "make")
    assert (made.by, store.split(project.id).by, store.funnel(project.id).outdated) == ("make", "make", 0)
    first, second = (image for image, _ in parts["train"][:2])
    store.apply(project.id, operation(Decision(first, "keep", label="coupe"), Decision(second, "keep", label="lorry")))
    assert store.funnel(project.id).outdated == 1


def test_a_project_without_a_split_has_no_newest_one(store, project):
    assert store.newest_split(project.id) is None


def test_a_job_that_runs_again_finds_the_split_it_made(store, project, claim, parts):
    by = claim("split")
    first = store.add_split(by, project.id, 1, parts, ["sedan"], {}, 0)
    assert store.add_split(by, project.id, 2, {"train": [], "val": [], "test": []}, [], {}, 9) == first


def test_the_newest_split_is_the_one_unless_a_number_is_given(store, project, claim, parts, split):
    newer = store.add_split(claim("split"), project.id, 8, parts, ["sedan"], {}, 0)
    assert store.split(project.id).id == newer.id
    assert store.split(project.id, split.id) == split


def test_no_split_is_a_sentence_and_another_projects_is_none(store, project, split):
    other = store.add_project("boats", ["sloop"])
    with pytest.raises(BadInput, match="There is no split yet"):
        store.split(other.id)
    with pytest.raises(BadInput, match="There is no split"):
        store.split(other.id, split.id)


def test_a_training_that_goes_on_finds_its_run_and_an_epoch_that_is_trained_again_replaces_itself(
    store, project, claim, split
):
    by = claim("train", "gpu")
    run = store.start_run(by, project.id, split.id, RECIPE, 0)
    for loss in (0.9, 0.8):
        store.add_epoch(by, run.id, 1, {"epoch": 1, "val_loss": loss})
    store.add_epoch(by, run.id, 2, {"epoch": 2, "val_loss": 0.5})
    again = store.start_run(by, project.id, split.id, RECIPE, 0)
    assert (again.id, again.recipe, again.status) == (run.id, RECIPE, "started")
    assert [e["val_loss"] for e in again.epochs] == [0.8, 0.5]
    other = store.start_run(by, project.id, split.id, RECIPE, 1)
    assert other.id != run.id


def test_finished_runs_are_listed_the_newest_first(store, project, claim, split):
    by = claim("train", "gpu")
    first, second = (store.start_run(by, project.id, split.id, RECIPE, i) for i in range(2))
    assert store.runs(project.id, done=True) == []
    store.finish_run(by, first.id, {"val_accuracy": 0.75})
    assert [r.id for r in store.runs(project.id, split.id)] == [second.id, first.id]
    (done,) = store.runs(project.id, done=True)
    assert (done.id, done.result) == (first.id, {"val_accuracy": 0.75})


def test_what_was_stopped_can_be_asked_and_what_a_sweep_stopped_early_cannot(store, project, claim, split):
    by = claim("train", "gpu")
    ids = [store.start_run(by, project.id, split.id, RECIPE, i).id for i in range(4)]
    for run, status in zip(ids, ("done", "stopped", "pruned"), strict=False):
        store.finish_run(by, run, {}, status)
    assert [(r.id, r.status) for r in store.runs(project.id, done=True)] == [(ids[1], "stopped"), (ids[0], "done")]
    assert [r.kept for r in store.runs(project.id)] == [False, False, True, True]


def test_a_run_is_called_by_its_recipe_until_it_is_given_a_name(store, project, claim, split):
    by = claim("train", "gpu")
    one, two = (store.start_run(by, project.id, split.id, RECIPE, i).id for i in range(2))
    assert store.run(project.id, one).name == "vgg75-bn"
    assert store.rename_run(project.id, one, "  Übung  ١ 🚗\n").name == "Übung ١ 🚗"
    assert [r.name for r in store.runs(project.id)] == ["vgg75-bn", "Übung ١ 🚗"]
    with pytest.raises(BadInput, match=f"Run {one} is called 'Übung ١ 🚗' already"):
        store.rename_run(project.id, two, "U\u0308BUNG ١ 🚗")  # composed otherwise, and in capitals: the same to an eye
    with pytest.raises(BadInput, match=f"Run {two} is called 'vgg75-bn' already"):
        store.rename_run(project.id, one, "VGG75-bn")
    for back in ("vgg75-bn", ""):
        store.rename_run(project.id, one, "first")
        assert store.rename_run(project.id, one, back).title == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 201, "201 characters is too long: at most 200"),
        ("Average", "is what an ensemble is called"),
        ("mine (run 3)", "ends as runs of one recipe do"),
        ("half \ud800", "a lone surrogate"),
        ("nul \x00", "a NUL character"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_one_sentence(store, project, claim, split, name, said):
    run = store.start_run(claim("train", "gpu"), project.id, split.id, RECIPE, 0).id
    with pytest.raises(BadInput, match=said):
        store.rename_run(project.id, run, name)
    assert store.run(project.id, run).title == ""
    with pytest.raises(BadInput, match="There is no run 99"):
        store.rename_run(project.id, 99, "mine")


def test_two_projects_may_use_the_same_name(store, project, claim, split):
    run = store.start_run(claim("train", "gpu"), project.id, split.id, RECIPE, 0).id
    store.rename_run(project.id, run, "best")
    other = store.add_project("boats", ["sloop"])
    with pytest.raises(BadInput, match=f"There is no run {run} in this project"):
        store.rename_run(other.id, run, "best")


def test_a_note_replaces_the_one_before(store, project, claim, split):
    run = store.start_run(claim("train", "gpu"), project.id, split.id, RECIPE, 0).id
    store.note_run(project.id, run, "first")
    assert store.note_run(project.id, run, " two\nlines ").note == "two\nlines"
    with pytest.raises(BadInput, match="A note of 10,001 characters is too long"):
        store.note_run(project.id, run, "x" * 10_001)
    with pytest.raises(BadInput, match="There is no run 99"):
        store.note_run(project.id, 99, "x")


def test_files_are_not_deleted_while_a_job_needs_them_and_the_first_mark_stays(store, project, claim, split):
    by = claim("train", "gpu")
    run = store.start_run(by, project.id, split.id, RECIPE, 0).id
    with pytest.raises(
        BadInput, match=rf"Job {by.job} \(train\) needs the files of run {run}: wait for it, or stop it"
    ):
        store.mark_deleted(project.id, run)
    store.finish_run(by, run, {"val_accuracy": 0.5})
    store.finish(by, "done")
    goes_on = store.submit("train", {"runs": [run]}, project.id, "gpu")
    with pytest.raises(BadInput, match=rf"Job {goes_on.id} \(train\)"):
        store.mark_deleted(project.id, run)
    store.cancel(goes_on.id)
    gone = store.mark_deleted(project.id, run)
    assert gone.deleted and not gone.kept and gone.result == {"val_accuracy": 0.5}
    assert store.mark_deleted(project.id, run).deleted == gone.deleted
    assert store.runs(project.id, done=True) == [] and len(store.runs(project.id)) == 1


def test_a_run_that_is_trained_again_has_its_files_back(store, project, claim, split):
    by = claim("train", "gpu")
    run = store.start_run(by, project.id, split.id, RECIPE, 0).id
    store.finish(by, "failed", error="The disk is full.")
    store.mark_deleted(project.id, run)
    store.again(by.job)
    while (taken := store.claim("here", 60)) and taken[1].job != by.job:
        pass
    assert taken
    store.finish_run(taken[1], run, {})
    assert store.run(project.id, run).kept


def test_a_training_that_was_taken_over_writes_no_more(store, project, claim, split):
    by = claim("train", "gpu")
    run = store.start_run(by, project.id, split.id, RECIPE, 0)
    store.take_back("here")
    while store.claim("there", 60)[0].id != by.job:
        pass
    for write in (lambda: store.add_epoch(by, run.id, 1, {}), lambda: store.finish_run(by, run.id, {}),
                  lambda: store.start_run(by, project.id, split.id, RECIPE, 1)):  # fmt: skip
        with pytest.raises(Fenced):
            write()
    assert (store.run(project.id, run.id).status, store.run(project.id, run.id).epochs) == ("started", ())


def test_a_run_of_another_project_is_refused(store, project, claim, split):
    run = store.start_run(claim("train", "gpu"), project.id, split.id, RECIPE, 0)
    other = store.add_project("boats", ["sloop"])
    with pytest.raises(BadInput, match=f"There is no run {run.id} in this project"):
        store.run(other.id, run.id)


def test_each_opening_of_the_test_part_is_logged_once_for_each_job(store, project, claim, split, parts):
    by = claim("evaluate")
    image = parts["test"][0][0]
    said = [{"model": "average", "image": image, "label": "sedan", "predicted": "coupe", "confidence": 0.6}]
    numbers = {store.add_evaluation(by, project.id, [1], "test", {"accuracy": 0.5}, said) for _ in range(2)}
    assert len(numbers) == 1
    store.add_evaluation(claim("evaluate"), project.id, [1], "val", {"accuracy": 0.7})
    assert store.openings(project.id) == 1 and store.measured(project.id) == {1}
    assert [e.part for e in store.evaluations(project.id)] == ["val", "test"]
    assert [e.result for e in store.evaluations(project.id, "test")] == [{"accuracy": 0.5}]
    (number,) = numbers
    assert store.predicted(number, "average", "sedan", "coupe") == [(image, 0.6)]
    assert store.predicted(number, "average", "coupe", "sedan") == []


def test_a_split_freezes_what_of_each_image_counts_and_how_it_was_chosen(store, project, claim, images):
    one, two = images(2)
    parts = {"train": [(one, "sedan")], "val": [(two, "sedan")], "test": []}
    crop = Cropping("yolo", ("car",), 0.1, 0.2)
    made = store.add_split(claim("split"), project.id, 1, parts, ["sedan"], {}, 0, "", {one: (1, 2, 30.5, 40)}, crop)
    assert (made.boxes, made.crop) == ({one: (1, 2, 30.5, 40)}, crop)


def test_models_are_paired_on_the_pictures_that_both_saw(store, project, claim, images):
    members, truth = images(4), ["suv", "suv", "suv", "coupe"]
    said = {"a": ["suv", "suv", "coupe", "suv"], "b": ["suv", "coupe", "coupe", "coupe"]}
    rows = [
        {"model": model, "image": image, "label": label, "predicted": guess, "confidence": 0.9, "truth": 0.1 * n}
        for model, guesses in said.items()
        for n, (image, label, guess) in enumerate(zip(members, truth, guesses, strict=True))
    ]
    number = store.add_evaluation(claim("evaluate"), project.id, [1], "val", {}, rows)
    assert store.paired(number, "a", "b") == {"suv": Paired(1, 1, 0, 1), "coupe": Paired(0, 0, 1, 0)}
    assert [answer.image for answer in store.answers(number, "a", wrong=True)] == members[2:]
    assert [answer.image for answer in store.answers(number, "a")] == [*members[2:], *members[:2]]
    asked = [members[3], members[0]]
    assert [(answer.image, answer.predicted) for answer in store.answered(number, "b", asked)] == [
        (asked[0], "coupe"), (asked[1], "suv"),
    ]  # fmt: skip


def test_each_picture_has_the_source_that_brought_it_first(store, project, images):
    one, two = images(2)
    assert set(store.sources([one, two])) == {one, two}
    assert store.sources([]) == {}
