"""Maps over many pictures: which are taken, what is kept, that a job goes on where it was, what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from core import explain_sets, runs, steps
from core.blobs import Blobs
from core.checkpoint import Model
from core.engine.serial import Serial
from core.errors import BadInput, Missing, Permanent
from core.explain_sets import MOST, RANDOM, Work, check, evened, means, pick
from core.explained import FOLDER
from core.explainers import explain
from core.model import Split
from core.pixels import squares
from core.settings import load
from db.store import Store
from db.store.base import now
from tests.drawn import CLASSES, drawn, png, tiny_backbones, trained
from tests.pages import filled

NAME = "tiny24"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with tiny_backbones():
        yield trained(NAME, tmp_path_factory.mktemp("model"), epochs=10)


def split(count: int = 12) -> Split:
    members = tuple((image, CLASSES[image % 3]) for image in range(count))
    return Split(1, 0, now(), {"train": (), "val": members, "test": members}, CLASSES, {}, 0, boxes={4: (0, 0, 9, 9)})


PICTURES = [png(pixels) for pixels in drawn(12, 40, 3).pixels]


def work(model: Model, folder: Path, each: int = 2) -> Work:
    (folder / "7").mkdir(exist_ok=True)
    return Work({NAME: model}, {NAME: 7}, {NAME: folder / "7"}, pick(split(), "val", (), each), 5)


def test_as_many_of_each_class_are_taken_as_there_are_and_the_same_ones_each_time() -> None:
    picked = pick(split(), "val", (), 3)
    assert picked == pick(split(), "val", (), 3)
    assert picked.labels == tuple(label for label in CLASSES for _ in range(3))
    assert all(CLASSES[image % 3] == label for image, label in zip(picked.images, picked.labels, strict=True))
    assert len(pick(split(), "val", (), 99).images) == 12
    assert pick(split(), "val", ("blue",), 2).classes == ("blue",)
    assert dict(pick(split(), "val", (), 99).boxes) == {4: (0, 0, 9, 9)}


@pytest.mark.parametrize(
    ("part", "classes", "each", "said"),
    [
        ("val", ("grey",), 3, "grey is not one of red, green, blue"),
        ("train", (), 3, "'train' of split 1 holds no picture of red, green, blue"),
    ],
)
def test_what_cannot_be_picked_is_named(part: str, classes: tuple, each: int, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        pick(split(), part, classes, each)


def test_more_pictures_than_memory_should_hold_are_refused() -> None:
    with pytest.raises(BadInput, match="at most 1,000"):
        pick(split(MOST + 3), "val", (), MOST)


@pytest.mark.parametrize(
    ("explainers", "part", "each", "said"),
    [
        (["shap"], "test", 1, "test stays closed"),
        (["shap"], "val", 0, "0 pictures"),
        ([], "val", 1, "no explainer"),
        (["lime"], "val", 1, "'lime' is not known"),
    ],
)
def test_what_no_job_is_queued_for(explainers: list[str], part: str, each: int, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check(explainers, part, each)


def test_mean_maps_are_those_of_the_single_pictures(model: Model, tmp_path: Path) -> None:
    job = work(model, tmp_path)
    list(job.read(lambda image: PICTURES[image]))
    assert list(job.look(NAME, "activation"))[-1].total == 6
    found = means(job.folders[NAME], ["activation", "shap"])
    assert found is not None and list(found[1]) == ["activation"]
    pictures, maps = found
    picked = job.picked
    for i, label in enumerate(picked.classes):
        of = [image for image, said in zip(picked.images, picked.labels, strict=True) if said == label]
        seen = [np.array(squares(PICTURES[image], [24], picked.boxes.get(image))[0]) for image in of]
        assert np.abs(pictures[i].astype(int) - np.mean(seen, axis=0)).max() <= 1
        single = [evened(explain(model, 7, one, [label], "activation", 5)[0].heat) for one in seen]
        assert maps["activation"][i] == pytest.approx(
            gaussian_filter(np.mean(single, axis=0), 24 / 25, mode="nearest"), abs=1e-5
        )
        assert np.abs(maps["activation"][i]).max() <= 1


def test_a_job_that_is_stopped_goes_on_where_it_was(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = work(model, tmp_path)
    list(first.read(lambda image: PICTURES[image]))
    stopped = first.look(NAME, "saliency")
    for _ in range(4):
        next(stopped)
    stopped.close()  # three are done

    asked, real = [], explain_sets.fresh
    monkeypatch.setattr(explain_sets, "fresh", lambda *args: asked.append(1) or real(*args))
    (tmp_path / "other").mkdir()
    again, whole = work(model, tmp_path), work(model, tmp_path / "other")
    for one in (again, whole):
        list(one.read(lambda image: PICTURES[image]))
        list(one.look(NAME, "saliency"))
    assert len(asked) == 3 + 6
    assert again.figures[NAME, "saliency"][:, :2] == pytest.approx(whole.figures[NAME, "saliency"][:, :2])
    maps = [means(one.folders[NAME], ["saliency"]) for one in (again, whole)]
    assert maps[0] and maps[1] and maps[0][1]["saliency"] == pytest.approx(maps[1][1]["saliency"], abs=1e-6)
    list(work(model, tmp_path).look(NAME, "saliency"))
    assert len(asked) == 9, "what is done is not done again"


def test_what_it_came_to_compares_each_with_the_random_order(model: Model, tmp_path: Path) -> None:
    job = work(model, tmp_path, each=3)
    list(job.read(lambda image: PICTURES[image]))
    for explainer in (RANDOM, "shap", "gradcam"):
        list(job.look(NAME, explainer))
    ending = job.together(["shap", "gradcam"])
    with pytest.raises(StopIteration) as ended:
        while True:
            next(ending)
    result = ended.value.value
    told = result["models"][NAME]["explainers"]
    assert list(told) == ["shap", "gradcam", RANDOM] and result["images"] == 9 and result["unreadable"] == 0
    for row in told.values():
        for figure in ("deletion", "insertion", "both"):
            assert row[figure]["low"] <= row[figure]["mean"] <= row[figure]["high"]
        assert row["both"]["mean"] == pytest.approx(row["insertion"]["mean"] - row["deletion"]["mean"], abs=1e-6)
    assert told[RANDOM]["gain"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert told["shap"]["gain"]["mean"] == pytest.approx(
        told["shap"]["both"]["mean"] - told[RANDOM]["both"]["mean"], abs=1e-6
    )


def test_a_picture_that_cannot_be_read_is_left_out_with_its_reason(model: Model, tmp_path: Path) -> None:
    job = work(model, tmp_path, each=4)

    def data(image: int) -> bytes:
        if image == 5:
            raise Missing("The image 5 is not there.")
        return b"<html>" if image == 6 else PICTURES[image]

    list(job.read(data))
    assert len(job.failed) == 2 and len(job.rows) == 10
    list(job.look(NAME, "saliency"))
    assert not np.isnan(job.figures[NAME, "saliency"]).any() and len(job.figures[NAME, "saliency"]) == 10

    def nothing(image: int) -> bytes:
        raise Permanent("not an image", "No picture.")

    with pytest.raises(BadInput, match="None of the 12 pictures can be read: No picture."):
        list(work(model, tmp_path, each=4).read(nothing))


def test_the_step_does_all_of_it_and_its_files_go_with_the_run(model: Model, store: Store, home: Path) -> None:
    project = filled.scraped(store, home, "colours", CLASSES)
    filled.split(store, project)
    [number] = filled.trained(store, project, ("tiny24",))
    settings = load()
    trained(NAME, runs.run_folder(settings, number), split=store.split(project.id).id)
    job, claim = filled.begin(store, project, "explain")
    ctx = steps.Context(store, Blobs(settings.storage), Serial(), settings, job, claim, project)
    told = []
    step = steps.explain(ctx, explainers=["saliency", "gradcam"], each=2, classes=["red", "blue"])
    with pytest.raises(StopIteration) as ended:
        while True:
            told.append(next(step))
    with pytest.raises(BadInput, match="test stays closed"):
        next(steps.explain(ctx, part="test"))
    result = ended.value.value
    assert result["classes"] == ["red", "blue"] and result["images"] == 4 and result["part"] == "val"
    assert list(result["models"]) == [NAME] and result["models"][NAME]["run"] == number
    assert {progress.note for progress in told} >= {f"{NAME}: Saliency", f"{NAME}: Grad-CAM", f"{NAME}: random order"}
    folder = runs.run_folder(settings, number) / FOLDER / result["models"][NAME]["set"]
    assert means(folder, ["gradcam"]) is not None
    store.finish(claim, "done", result)
    runs.delete_files(store, settings, project.id, number)
    assert means(folder, ["gradcam"]) is None and not folder.exists()
