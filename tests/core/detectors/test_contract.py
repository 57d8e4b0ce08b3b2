"""What every detector promises. The torchvision one runs with weights drawn by lot: no real ones were at hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.detectors import DETECTORS, FLOOR, NAMES, Detector, detector
from core.errors import BadInput, Damaged, Missing

CPU = torch.device("cpu")


@pytest.fixture(params=sorted(DETECTORS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def loaded() -> dict[str, Detector]:
    return {}


@pytest.fixture
def sees(name: str, folder: Callable[[str], Path], loaded: dict[str, Detector]) -> Detector:
    if name not in loaded:
        loaded[name] = detector(name, folder(name), CPU, 1)
    return loaded[name]


@pytest.fixture(scope="module")
def pictures(test_data: Path) -> list[np.ndarray]:
    """Photos of cars in four different sizes, one of them larger than any detector sees."""
    files = sorted((test_data / "data" / "seat" / "seat_leon_3").glob("*.jpg"))[:5]
    sides = ((640, 400), (300, 300), (256, 171), (640, 400), (900, 1200))
    return [np.array(Image.open(file).convert("RGB").resize(to)) for file, to in zip(files, sides, strict=True)]


def test_each_picture_has_its_own_answer(sees: Detector, pictures: list[np.ndarray]) -> None:
    found = sees.detect(pictures)
    assert len(found) == len(pictures)
    assert all(found), "a car in each of them"


def test_boxes_lie_in_the_picture_with_names_of_coco_the_surest_first(
    sees: Detector, pictures: list[np.ndarray]
) -> None:
    for image, found in zip(pictures, sees.detect(pictures), strict=True):
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            left, top, right, bottom = one.box
            assert 0 <= left < right <= image.shape[1] + 0.01 and 0 <= top < bottom <= image.shape[0] + 0.01
            assert FLOOR <= one.score <= 1 and one.label in NAMES
            assert all(type(value) is float for value in (one.score, *one.box)), "plain numbers, to be stored"


def test_what_is_seen_does_not_depend_on_the_other_pictures(sees: Detector, pictures: list[np.ndarray]) -> None:
    together, alone = sees.detect(pictures), [sees.detect([one])[0] for one in pictures]
    for one, other in zip(together, alone, strict=True):
        assert one[0].label == other[0].label
        assert one[0].score == pytest.approx(other[0].score, abs=0.02)
        assert one[0].box == pytest.approx(other[0].box, abs=2)


def test_what_it_saw_on_the_way_is_a_vector_of_length_one_or_nothing(
    sees: Detector, pictures: list[np.ndarray]
) -> None:
    found, vectors = sees.see(pictures)
    assert [len(one) for one in found] == [len(one) for one in sees.detect(pictures)]
    assert vectors.shape == (len(pictures), sees.dims)
    if sees.dims:
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(pictures)), abs=1e-4)
        _, (alone,) = sees.see(pictures[:1])
        assert vectors[0] @ alone == pytest.approx(1, abs=0.01) and vectors[0] @ vectors[4] < 0.99
    assert sees.see([])[1].shape == (0, sees.dims)


def test_boxes_grow_with_the_picture(sees: Detector, pictures: list[np.ndarray]) -> None:
    small = pictures[1]
    large = np.array(Image.fromarray(small).resize((900, 900)))
    (one, *_), (other, *_) = sees.detect([small, large])
    assert other.box == pytest.approx([3 * side for side in one.box], abs=60)


def test_odd_shapes_are_looked_at_too(sees: Detector) -> None:
    shapes = [(1, 1), (2, 3000), (3000, 2), (33, 31)]
    assert len(sees.detect([np.zeros((*shape, 3), np.uint8) for shape in shapes])) == len(shapes)


def test_no_pictures_have_no_answers(sees: Detector) -> None:
    assert sees.detect([]) == []


def test_it_says_its_name_and_how_much_it_sees(sees: Detector, name: str) -> None:
    assert sees.name == name and re.fullmatch(rf"{name}@[0-9a-f]{{8}}", sees.key)
    assert 300 <= sees.size <= 640


def test_the_pictures_are_left_as_they_are(sees: Detector, pictures: list[np.ndarray]) -> None:
    given = pictures[0].copy()
    sees.detect([given])
    assert np.array_equal(given, pictures[0])


def test_without_weights_one_sentence_says_which_file_goes_where(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        Missing, match=r"^The detector's weights, \S+, are not here .* WINNOW_WEIGHTS names.*\.$"
    ) as told:
        detector(name, tmp_path, CPU)
    assert str(tmp_path) in str(told.value) and "https://" in str(told.value)


@pytest.mark.parametrize(
    "kind",
    [
        "pickle",
        "pickle in a zip",
        "newer pickle in a zip",
        "text",
        "empty",
        "cut short",
        "safetensors",
        "other tensors",
    ],
)
def test_a_file_that_is_something_else_is_refused_and_runs_nothing(
    name: str, kind: str, wrong: Callable[[str, str], tuple[Path, Path]]
) -> None:
    folder, marker = wrong(name, kind)
    with pytest.raises(Damaged, match=str(folder)) as told:
        detector(name, folder, CPU)
    assert not marker.exists()
    assert "\n" not in str(told.value) and "Traceback" not in str(told.value)


def test_another_name_is_told_the_names_there_are() -> None:
    with pytest.raises(BadInput, match=r"^Detector 'sam' is not known: choose one of yolo, torchvision, or none\.$"):
        detector("sam", None, CPU)
