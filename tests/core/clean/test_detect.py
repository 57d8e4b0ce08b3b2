"""The crops of a whole clean, with a detector added as anybody may add one: it sees red cars and blue dogs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.clean.judge import crops
from core.detectors import DETECTORS
from core.model import Box, Cropping, Decision, Detection
from tests.db.conftest import operation

SIDE = 200  # px of the pictures; the detector sees half of it
CAR, TRUCK, DOG = (230, 20, 20), (20, 200, 20), (20, 20, 230)
NAMES = {CAR: "car", TRUCK: "truck", DOG: "dog"}


class Paint:
    """Sees what is painted: one box around everything of one colour."""

    name, key, size, dims = "paint", "paint@1", SIDE // 2, 2

    def __init__(self) -> None:
        self.asked = 0

    def see(self, images: Sequence[np.ndarray]) -> tuple[list[list[Detection]], np.ndarray]:
        return self.detect(images), np.full((len(images), self.dims), 0.5, np.float32)

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        self.asked += len(images)
        return [list(self._seen(image.astype(int))) for image in images]

    def _seen(self, image: np.ndarray) -> Any:
        for colour, name in NAMES.items():
            down, across = np.nonzero(np.abs(image - colour).max(axis=2) < 40)
            if len(down):
                yield Detection(
                    name, 0.9, (int(across.min()), int(down.min()), int(across.max()) + 1, int(down.max()) + 1)
                )


@pytest.fixture
def paint(monkeypatch: pytest.MonkeyPatch) -> Paint:
    one = Paint()
    monkeypatch.setitem(DETECTORS, "paint", lambda *_: one)
    return one


def painted(grey: int, **things: Box) -> bytes:
    """A picture on plain grey, with these things in it."""
    image = Image.new("RGB", (SIDE, SIDE), (grey, grey, grey))
    for name, box in things.items():
        left, top, right, bottom = box
        colour = next(colour for colour, known in NAMES.items() if known == name)
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), colour)
    image.save(to := io.BytesIO(), "PNG")
    return to.getvalue()


def test_each_picture_gets_its_crop_and_what_is_odd_is_a_finding(shelf, paint):
    middle, two, none, cut, small = shelf.add(
        painted(60, car=(40, 60, 140, 120)),
        painted(70, car=(10, 10, 90, 90), truck=(110, 100, 190, 190)),
        painted(80, dog=(40, 60, 140, 120)),
        painted(90, car=(0, 0, 120, 200)),
        painted(100, car=(100, 100, 120, 120)),
    )  # fmt: skip
    result = shelf.clean(detector="paint", want=["car", "truck"], margin=0.1, least=0.05)
    assert result["crops"] == {"detector": 3, "person": 0}
    assert shelf.found("no_box").keys() == {none}
    assert shelf.found("several_boxes").keys() == {two}
    assert shelf.found("cut_by_border").keys() == {cut}
    assert shelf.found("small_box").keys() == {small}
    assert shelf.found("small_box")[small].note == "the car takes up 1.0% of the picture; 5.0% are wanted"
    boxes = [shelf.record(image).box for image in (middle, two, none, cut, small)]
    assert boxes == [(30, 54, 150, 126), (102, 91, 198, 199), None, (0, 0, 132, 200), None]


def test_another_thing_to_look_for_is_chosen_without_asking_again(shelf, paint):
    [one] = shelf.add(painted(60, car=(10, 10, 110, 110), dog=(120, 20, 180, 180)))
    shelf.clean(detector="paint", want=["car"], margin=0)
    assert (shelf.record(one).box, paint.asked) == ((10, 10, 110, 110), 1)
    shelf.clean(want=["dog"])
    assert (shelf.record(one).box, paint.asked) == ((120, 20, 180, 180), 1)
    shelf.clean(want=["truck"])
    assert (shelf.record(one).box, paint.asked) == (None, 1)
    assert shelf.found("no_box").keys() == {one}


def test_a_clean_that_was_cut_off_asks_about_the_rest_only(shelf, paint):
    shelf.add(*(painted(grey, car=(40, 60, 140, 120)) for grey in range(40, 76)))
    shelf.killed(
        lambda p: bool(p.detail) and p.detail["stage"]["number"] == 4 and p.done > 0, detector="paint", want=["car"]
    )
    first = paint.asked
    assert 0 < first < 36
    shelf.clean(detector="paint", want=["car"])
    assert paint.asked == 36
    assert all(record.box for record in shelf.store.images(shelf.project.id))
    shelf.clean()
    assert paint.asked == 36, "nothing was new"


def test_a_crop_drawn_by_hand_survives_the_next_clean(shelf, paint):
    [one] = shelf.add(painted(60, car=(40, 60, 140, 120)))
    shelf.clean(detector="paint", want=["car"])
    shelf.store.apply(shelf.project.id, operation(Decision(one, "keep", box=(0, 0, 50, 50))))
    result = shelf.clean(margin=0.2)
    assert (shelf.record(one).box, result["crops"]) == ((0, 0, 50, 50), {"detector": 0, "person": 1})


def test_none_takes_the_crops_and_their_findings_away_again(shelf, paint):
    one, other = shelf.add(painted(60, car=(40, 60, 140, 120)), painted(70))
    shelf.clean(detector="paint", want=["car"])
    assert shelf.record(one).box and shelf.found("no_box").keys() == {other}
    shelf.clean(detector="none")
    assert shelf.record(one).box is None and shelf.found("no_box") == {}


@pytest.mark.parametrize(("stage", "taken"), [(2, "vectors"), (4, "detections")])
def test_a_picture_that_can_be_read_in_one_stage_and_not_in_a_later_one_keeps_its_reason(shelf, paint, stage, taken):
    """Its file is cut short in between, which the decoder of that stage says; the others go on."""
    ids = shelf.add(*(painted(grey, car=(40, 60, 140, 120)) for grey in (60, 90, 120)))
    broken = ids[1]
    whole = shelf.file(broken).read_bytes()

    def damage(progress):
        if progress.detail and progress.detail["stage"]["number"] == stage and progress.done == 0:
            shelf.file(broken).write_bytes(whole[: len(whole) // 2])

    shelf.clean(detector="paint", want=["car"], watch=damage)
    project = shelf.project.id
    there = {
        "vectors": lambda: {image for image, *_ in shelf.store.embeddings(project, "plain")},
        "detections": lambda: {image for image, _ in shelf.store.detections(project, "paint@1")},
    }[taken]
    assert there() == set(ids) - {broken}
    assert "it was cut short on the way" in shelf.found("corrupt")[broken].note
    shelf.file(broken).write_bytes(whole)
    shelf.clean()
    assert there() == set(ids)
    assert shelf.found("corrupt") == {}


def test_a_picture_that_the_detector_has_not_seen_does_not_cost_the_later_ones_their_crops(shelf, paint) -> None:
    ids = shelf.add(*(painted(grey, car=(40, 40, 160, 160)) for grey in (60, 90, 120, 150)))
    ctx = shelf.context()
    box = [Detection("car", 0.9, (40, 40, 160, 160))]
    shelf.store.add_detections(ctx.claim, shelf.project.id, paint.key, {ids[1]: box, ids[3]: box})
    assert crops(ctx, Cropping("paint", ("car",)), paint.key) == []
    assert [shelf.record(image).box is not None for image in ids] == [False, True, False, True]


def test_what_the_detector_saw_on_the_way_is_kept_for_the_review_and_made_up_for_where_it_was_not(shelf, paint):
    paint.dims = 0
    ids = shelf.add(*(painted(grey, car=(40, 60, 140, 120)) for grey in (60, 90)))
    shelf.clean(detector="paint", want=["car"])
    assert (paint.asked, shelf.store.embedded(shelf.project.id)) == (2, {"plain": 2})
    paint.dims = 2
    shelf.clean()
    assert (paint.asked, shelf.store.embedded(shelf.project.id)) == (4, {"paint@1": 2, "plain": 2})
    assert [image for image, *_ in shelf.store.embeddings(shelf.project.id, "paint@1")] == ids
    shelf.clean()
    assert paint.asked == 4
