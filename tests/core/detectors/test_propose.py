"""What to look for, guessed from class names."""

from __future__ import annotations

import pytest

from core.detectors import NAMES, propose
from core.detectors.names import MAKES, UNKNOWN

CARS = ("car", "truck", "bus")


@pytest.mark.parametrize(
    "classes",
    [
        ["sedan", "coupe", "suv", "truck"], ["seat_arona", "seat_leon_3"], ["2008 BMW M3", "2010 Audi A4"],
        ["911", "Boxster", "Cayenne", "Macan", "Panamera"], ["Pickup trucks", "Vans"], ["Mercedes-Benz C-Class"],
    ],
)  # fmt: skip
def test_makes_models_and_body_styles_are_cars_trucks_and_buses(classes: list[str]) -> None:
    detector, wanted, reason = propose(classes)
    assert (detector, set(wanted)) == ("yolo", set(CARS))
    assert reason == f"By their names, the classes should show: {', '.join(wanted)}."


@pytest.mark.parametrize(
    ("classes", "wanted"),
    [
        (["tabby cat", "Golden Retriever"], {"cat", "dog"}), (["cats", "dogs", "birds"], {"cat", "dog", "bird"}),
        (["Fire engine"], set(CARS)), (["sofa", "office chair"], {"couch", "chair"}), (["Boeing 747"], {"airplane"}),
    ],
)  # fmt: skip
def test_other_words_for_what_coco_knows_are_understood(classes: list[str], wanted: set[str]) -> None:
    assert set(propose(classes)[1]) == wanted


@pytest.mark.parametrize(
    ("classes", "what"),
    [
        (["Air Jordan 11", "Air Jordan 12"], "shoes"), (["Casual Shoes", "Sports Shoes"], "shoes"),
        (["Tshirts", "Kurtas", "Heels"], "garments, shoes"), (["Eiffel Tower", "Tower Bridge"], "buildings and places"),
        (["Nike Air Max Taxi"], "shoes"), (["malachite", "quartz"], "'malachite', 'quartz'"),
    ],
)  # fmt: skip
def test_where_coco_has_no_name_nothing_is_looked_for_and_the_reason_says_of_what(
    classes: list[str], what: str
) -> None:
    assert propose(classes) == (
        "none", (), f"The detectors know 80 kinds of things, and none for {what}: no box is looked for."
    )  # fmt: skip


def test_half_of_the_classes_have_to_be_known() -> None:
    assert propose(["cat", "malachite"])[:2] == ("yolo", ("cat",))
    assert propose(["cat", "malachite"])[2] == "By their names, 1 of 2 classes should show: cat."
    assert propose(["cat", "malachite", "quartz"])[0] == "none"


def test_a_project_without_classes_has_nothing_to_look_for() -> None:
    assert propose([]) == ("none", (), "The project has no classes yet, so there is nothing to look for.")


def test_the_mixed_articles_of_a_shop_get_no_box_for_the_one_that_coco_knows() -> None:
    shop = ["Casual Shoes", "Handbags", "Heels", "Kurtas", "Shirts", "Sports Shoes", "Sunglasses", "Tops", "Watches"]
    assert propose(shop)[0] == "none"


def test_there_are_80_names_in_the_order_of_coco() -> None:
    assert len(NAMES) == 80
    assert list(NAMES)[:3] == ["person", "bicycle", "car"] and list(NAMES)[79] == "toothbrush"


def test_no_word_stands_for_a_thing_that_coco_knows_and_for_one_that_it_does_not() -> None:
    def words(table: dict[str, str]) -> set[str]:
        return {word.strip() for name, more in table.items() for word in (name, *more.split(",")) if word.strip()}

    assert not words(NAMES) & words(UNKNOWN)
    assert not {make.strip() for make in MAKES.split(",")} & (words(NAMES) | words(UNKNOWN))
