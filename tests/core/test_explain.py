"""The command line's explanations: a picture for each image, under a name of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.checkpoint import Model
from core.errors import BadInput
from core.explain import files
from tests.drawn import CLASSES, drawn, png, tiny_backbones, trained


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with tiny_backbones():
        yield trained("tiny24", tmp_path_factory.mktemp("model"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """a/1.png, b/1.png and b/2.png."""
    folder = tmp_path / "images"
    for name, pixels in zip(("a/1.png", "b/1.png", "b/2.png"), drawn(3, 48, 5).pixels, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(pixels))
    return folder


def explained(model: Model, to: Path, *paths: Path, label: str = "", by: tuple[str, ...] = ("shap",)) -> list[dict]:
    return list(files(model, "tiny24", 7, Path("none"), [str(path) for path in paths], by, label, to, 20))


def test_each_image_has_its_predicted_class_explained_in_a_picture(model: Model, images: Path, tmp_path: Path) -> None:
    [row] = explained(model, tmp_path / "to" / "deep", images / "a" / "1.png")
    assert row["label"] in CLASSES and 0 < row["probability"] <= 1
    assert row["additivity_error"] < 0.01 and row["seconds"] > 0
    assert 0 <= row["deletion"] <= 1 and 0 <= row["insertion"] <= 1
    assert row["picture"] == str(tmp_path / "to" / "deep" / f"1-tiny24-shap-{row['label']}.png")
    assert np.asarray(Image.open(row["picture"])).shape == (4 * 24, 2 * 4 * 24, 3)


def test_the_label_asked_for_is_the_one_explained(model: Model, images: Path, tmp_path: Path) -> None:
    rows = [explained(model, tmp_path, images / "a" / "1.png", label=label)[0] for label in CLASSES]
    assert [row["label"] for row in rows] == list(CLASSES)
    assert sum(row["probability"] for row in rows) == pytest.approx(1)
    assert len({Path(row["picture"]).read_bytes() for row in rows}) == 3  # none took another's place


def test_several_explainers_have_a_row_and_a_picture_each(model: Model, images: Path, tmp_path: Path) -> None:
    rows = explained(model, tmp_path, images / "a" / "1.png", label="red", by=("gradcam", "shap-gradient"))
    assert [row["explainer"] for row in rows] == ["gradcam", "shap-gradient"]
    assert [Path(row["picture"]).name for row in rows] == ["1-tiny24-gradcam-red.png", "1-tiny24-shap-gradient-red.png"]
    assert rows[0]["additivity_error"] is None, "it promises no sum, and JSON has no word for what is no number"
    json.loads(json.dumps(rows, allow_nan=False))


def test_a_picture_of_one_pixel_is_explained_and_one_of_too_many_is_told(
    model: Model, images: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (1, 1), "red").save(images / "a" / "2.png")
    Image.new("1", (20000, 20000)).save(images / "a" / "3.png")
    (images / "a" / "4.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    rows = explained(model, tmp_path, images / "a", by=("shap", "saliency", "shap-partition", "occlusion"))
    assert ["picture" in row for row in rows] == [True] * 8 + [False] * 2
    assert "50 million" in rows[-2]["error"] and rows[-1]["image"].endswith("4.mp4")


def test_images_of_the_same_name_keep_a_picture_each(model: Model, images: Path, tmp_path: Path) -> None:
    rows = explained(model, tmp_path, images, label="red")
    names = [Path(row["picture"]).name for row in rows]
    assert names == ["1-1-tiny24-shap-red.png", "1-2-tiny24-shap-red.png", "2-tiny24-shap-red.png"]
    assert [Path(row["picture"]).name for row in explained(model, tmp_path, images, label="red")] == names


def test_a_name_that_looks_like_a_numbered_one_takes_no_place(model: Model, images: Path, tmp_path: Path) -> None:
    (images / "b" / "2.png").rename(images / "b" / "1-2.png")
    rows = explained(model, tmp_path, images, label="red")
    assert len({row["picture"] for row in rows}) == 3


def test_a_file_that_is_no_picture_is_told_with_its_reason(model: Model, images: Path, tmp_path: Path) -> None:
    (images / "a" / "0.png").write_text("no picture")
    rows = explained(model, tmp_path, images / "a")
    assert ["picture" in row for row in rows] == [False, True]
    assert rows[0]["error"] and rows[0]["image"].endswith("0.png")


def test_a_folder_that_takes_no_pictures_is_a_sentence(model: Model, images: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for to in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput, match=f"--to {str(to)!r} takes no pictures"):
            explained(model, to, images)
    (tmp_path / "1-tiny24-shap-red.png").mkdir()  # root, who may run the tests, may write into every folder
    with pytest.raises(BadInput, match="takes no pictures: Is a directory"):
        explained(model, tmp_path, images / "a", label="red")


def test_a_label_that_is_no_class_is_named(model: Model, images: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="grey"):
        explained(model, tmp_path, images, label="grey")
