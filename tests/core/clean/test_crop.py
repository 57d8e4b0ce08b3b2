"""Which box becomes the crop, and what is said where it is doubtful."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.clean import KINDS, crop
from core.clean.crop import choose
from core.model import Cropping, Detection

CAR = ("car", "truck", "bus")
HOW = Cropping("yolo", CAR)


def seen(label: str, score: float, *box: float) -> Detection:
    return Detection(label, score, (box[0], box[1], box[2], box[3]))


def kinds(*detections: Detection, want: tuple[str, ...] = CAR, least: float = HOW.least) -> dict[str, float]:
    return {
        kind: score for kind, score, _ in choose(detections, 1000, 500, Cropping("yolo", want, 0.05, least)).findings
    }


def test_the_largest_wanted_thing_is_the_crop_with_its_margin() -> None:
    chosen = choose(
        [seen("person", 0.9, 0, 0, 900, 450), seen("car", 0.5, 200, 100, 600, 300), seen("car", 0.9, 700, 400, 750, 420)],
        1000, 500, replace(HOW, margin=0.1),
    )  # fmt: skip
    assert chosen.box == (160, 80, 640, 320)
    assert chosen.findings == ()


def test_the_margin_ends_at_the_border() -> None:
    chosen = choose([seen("car", 0.9, 20, 30, 980, 490)], 1000, 500, replace(HOW, margin=0.1))
    assert chosen.box == (0, 0, 1000, 500)


def test_without_a_wanted_thing_the_picture_stays_whole() -> None:
    chosen = choose([seen("person", 0.9, 0, 0, 900, 450)], 1000, 500, HOW)
    assert chosen.box is None
    assert chosen.findings == (("no_box", 1.0, "no car, truck or bus was found"),)


def test_a_doubtful_thing_is_no_box_but_less_surely_so() -> None:
    chosen = choose([seen("car", 0.2, 100, 100, 600, 300)], 1000, 500, HOW)
    assert chosen.box is None
    assert chosen.findings == (("no_box", 0.8, "no car, truck or bus was found; the best guess is a car at 20%"),)


def test_one_car_that_is_seen_as_a_truck_too_is_one_thing() -> None:
    assert kinds(seen("car", 0.8, 200, 100, 600, 300), seen("truck", 0.5, 190, 95, 610, 305)) == {}


def test_a_part_inside_the_thing_is_no_second_thing() -> None:
    assert kinds(seen("car", 0.8, 200, 100, 600, 300), seen("car", 0.9, 220, 110, 520, 280)) == {}


def test_a_sure_part_does_not_take_the_place_of_the_whole() -> None:
    chosen = choose(
        [seen("car", 0.5, 100, 100, 800, 400), seen("car", 0.9, 300, 120, 500, 200)],
        1000,
        500,
        replace(HOW, margin=0.0),
    )
    assert chosen.box == (100, 100, 800, 400)


def test_two_cars_of_similar_size_are_told_by_how_similar_and_how_sure_the_second_is() -> None:
    first, second = seen("car", 0.9, 50, 100, 450, 300), seen("car", 0.8, 500, 100, 900, 250)
    assert kinds(first, second) == {"several_boxes": pytest.approx(0.75 * 0.8)}


def test_a_doubtful_box_around_two_cars_hides_neither() -> None:
    two = [seen("car", 0.9, 50, 100, 450, 300), seen("car", 0.8, 500, 100, 900, 300)]
    assert "several_boxes" in kinds(*two, seen("truck", 0.3, 50, 100, 900, 300))


def test_a_small_car_in_the_background_is_not_several() -> None:
    assert kinds(seen("car", 0.9, 50, 100, 650, 400), seen("car", 0.9, 700, 100, 900, 200)) == {}


def test_a_thing_at_the_border_is_cut_the_more_surely_the_longer_it_touches() -> None:
    side = kinds(seen("car", 0.9, 0, 100, 200, 400))
    corner = kinds(seen("car", 0.9, 0, 0, 400, 300))
    whole = kinds(seen("car", 0.9, 0, 0, 1000, 500))
    assert whole == {"cut_by_border": 1.0}
    assert side["cut_by_border"] < corner["cut_by_border"] < 1


def test_a_tightly_framed_thing_that_touches_with_its_short_side_is_whole() -> None:
    assert kinds(seen("car", 0.9, 0, 100, 400, 300)) == {}


def test_the_note_names_the_sides_that_are_reached() -> None:
    chosen = choose([seen("car", 0.9, 0, 100, 1000, 450)], 1000, 500, HOW)
    assert [note for _, _, note in chosen.findings] == ["the car reaches the border: left, right"]


def test_a_small_thing_is_a_finding_and_the_picture_stays_whole() -> None:
    chosen = choose([seen("car", 0.9, 400, 200, 500, 250)], 1000, 500, replace(HOW, margin=0.0))
    assert chosen.box is None
    assert chosen.findings == (("small_box", 0.9, "the car takes up 1.0% of the picture; 5.0% are wanted"),)


def test_the_least_is_a_share_of_the_picture_and_not_a_number_of_pixels() -> None:
    chosen = choose([seen("car", 0.9, 4, 2, 9, 5)], 10, 6, HOW)
    assert "small_box" not in {kind for kind, _, _ in chosen.findings}


def test_a_least_of_nothing_takes_every_box() -> None:
    assert kinds(seen("car", 0.9, 400, 200, 401, 201), least=0) == {}


def test_every_finding_has_a_sentence_and_a_score_from_0_to_1() -> None:
    pictures = [
        [], [seen("car", 0.9, 0, 0, 1000, 500), seen("bus", 0.6, 0, 0, 500, 500)],
        [seen("car", 0.9, 0, 0, 400, 400), seen("car", 1.0, 600, 0, 1000, 400)], [seen("car", 0.3, 0, 0, 1, 1)],
    ]  # fmt: skip
    said = [one for detections in pictures for one in choose(detections, 1000, 500, HOW).findings]
    assert {kind for kind, _, _ in said} == set(crop.KINDS) <= set(KINDS)
    assert all(0 <= score <= 1 and note for _, score, note in said)
