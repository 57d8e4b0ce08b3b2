"""The command line's explanations: a picture for each image, under a name of its own."""

from __future__ import annotations

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


def explained(model: Model, to: Path, *paths: Path, label: str = "") -> list[dict]:
    return list(files(model, "tiny24", 7, [str(path) for path in paths], "shap", label, to))


def test_each_image_has_its_predicted_class_explained_in_a_picture(model: Model, images: Path, tmp_path: Path) -> None:
    [row] = explained(model, tmp_path / "to" / "deep", images / "a" / "1.png")
    assert row["label"] in CLASSES and 0 < row["probability"] <= 1
    assert row["additivity_error"] < 0.01 and row["seconds"] > 0
    assert row["picture"] == str(tmp_path / "to" / "deep" / f"1-tiny24-shap-{row['label']}.png")
    assert np.asarray(Image.open(row["picture"])).shape == (4 * 24, 2 * 4 * 24, 3)


def test_the_label_asked_for_is_the_one_explained(model: Model, images: Path, tmp_path: Path) -> None:
    rows = [explained(model, tmp_path, images / "a" / "1.png", label=label)[0] for label in CLASSES]
    assert [row["label"] for row in rows] == list(CLASSES)
    assert sum(row["probability"] for row in rows) == pytest.approx(1)
    assert len({Path(row["picture"]).read_bytes() for row in rows}) == 3  # none took another's place


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
