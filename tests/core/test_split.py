"""Shares, strata, groups that stay whole, and the sentences for classes that cannot be split."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.model import PARTS, ClassInfo
from core.split import NO_PART, extended, joined, keep_source_parts, leak, level, shares, split

CLASSES = ("sedan", "coupe", "suv")


def drawn(counts: dict[str, int]) -> list[tuple[int, str]]:
    labels = [label for label, count in counts.items() for _ in range(count)]
    return list(enumerate(labels, start=1))


def counted(made, part: str) -> Counter:
    return Counter(label for _, label in made.parts[part])


def test_every_class_is_cut_in_the_shares_asked_for():
    made = split(drawn({"sedan": 200, "coupe": 100, "suv": 63}), {}, CLASSES)
    assert counted(made, "train") == {"sedan": 160, "coupe": 80, "suv": 51}
    assert counted(made, "val") == {"sedan": 20, "coupe": 10, "suv": 6}
    assert counted(made, "test") == {"sedan": 20, "coupe": 10, "suv": 6}
    assert made.classes == CLASSES
    assert made.left_out == {}


def test_the_same_seed_gives_the_same_split_in_any_order_and_another_seed_another():
    images = drawn({"sedan": 80, "coupe": 70})
    mixed = random.Random(5).sample(images, len(images))
    assert split(images, {}, CLASSES, seed=3).parts == split(mixed, {}, CLASSES, seed=3).parts
    assert split(images, {}, CLASSES, seed=3).parts != split(images, {}, CLASSES, seed=4).parts


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_group_is_ever_cut_and_nothing_is_lost_or_doubled(data):
    images = drawn({label: data.draw(st.integers(0, 60)) for label in CLASSES})
    groups = {image: f"g{data.draw(st.integers(0, 25))}" for image, _ in images if data.draw(st.booleans())}
    try:
        made = split(images, groups, CLASSES, minimum=data.draw(st.integers(1, 20)), seed=data.draw(st.integers(0, 9)))
    except BadInput:
        return
    placed = [one for part in PARTS for one in made.parts[part]]
    assert sorted(placed) == [one for one in images if one[1] in made.classes]
    assert leak(made.parts, groups) == 0
    assert {label for _, label in images} <= set(made.classes) | set(made.left_out)
    for label in made.classes:
        assert all(counted(made, part)[label] for part in PARTS)


def test_what_is_perhaps_one_photo_joins_its_group_the_likest_first_and_up_to_five():
    groups = {1: "a", 2: "a", 9: "b", 10: "b", 11: "b", 12: "b", 13: "b", 14: "b"}
    pairs = [(0.5, 5, 6), (0.7, 2, 3), (0.6, 4, 3), (0.65, 4, 5), (0.8, 14, 20), (0.55, 7, 8), (0.9, 1, 2)]
    images = [(image, "suv") for image in range(1, 101)]
    found = extended(groups, pairs, images)
    assert {image for image in found if found[image] == found[1]} == {1, 2, 3, 4, 5}
    assert found[6] not in (found[1], found[7]), "five are enough; it is the least like one"
    assert found[7] == found[8]
    assert {image for image in found if found[image] == found[9]} == {9, 10, 11, 12, 13, 14}, "sure ones may be many"
    assert found[20] != found[14]
    assert extended(groups, [], images) == groups
    assert extended({}, [(0.9, 1, 101)], images) == {}, "what is not in the split holds nothing together"


def test_a_chain_of_guesses_is_cut_at_five():
    images = [(image, "suv") for image in range(1, 101)]
    found = extended({}, [(0.6, image, image + 1) for image in range(1, 100)], images)
    assert max(Counter(found.values()).values()) == 5


@pytest.mark.parametrize(("size", "most"), [(6, 1), (19, 1), (20, 2), (49, 4), (50, 5), (500, 5)])
def test_guesses_hold_no_more_than_a_tenth_of_a_class_together(size, most):
    images = [(image, "suv") for image in range(size)]
    found = extended({}, [(0.6, one, one + 1) for one in range(size - 1)], images)
    assert max(Counter(found.values()).values()) == most
    assert split(images, found, ("suv",), (50, 25, 25), minimum=3).left_out == {}


def test_large_groups_do_not_swamp_the_small_parts():
    images = drawn({"sedan": 300})
    groups = {image: f"g{image % 5}" for image in range(1, 151)}  # five groups of 30, 150 alone
    made = split(images, groups, CLASSES)
    assert [len(made.parts[part]) for part in PARTS] == [240, 30, 30]
    two_large = {image: f"g{image % 2}" for image in range(1, 41)}
    made = split(drawn({"sedan": 42}), two_large, CLASSES, minimum=1)
    assert [len(made.parts[part]) for part in PARTS] == [40, 1, 1]


def test_a_group_with_two_labels_stays_together():
    images = drawn({"sedan": 60, "coupe": 60})
    groups = {1: "a", 61: "a", 2: "b", 62: "b", 63: "b"}
    made = split(images, groups, CLASSES)
    where = {image: part for part in PARTS for image, _ in made.parts[part]}
    assert where[1] == where[61]
    assert where[2] == where[62] == where[63]


def test_a_class_under_the_minimum_is_left_out_with_a_sentence():
    made = split(drawn({"sedan": 60, "coupe": 49, "suv": 1}), {}, (*CLASSES, "truck"))
    assert made.classes == ("sedan",)
    assert made.left_out == {
        "coupe": "coupe has 49 images; the minimum for a class is 50.",
        "suv": "suv has 1 image; the minimum for a class is 50.",
        "truck": "truck has no image that is kept.",
    }


def test_a_class_that_cannot_fill_the_parts_is_left_out_even_without_a_minimum():
    images = drawn({"sedan": 60, "coupe": 1, "suv": 10})
    made = split(images, {image: "all one photo" for image in range(62, 72)}, CLASSES, minimum=1)
    assert made.classes == ("sedan",)
    assert made.left_out["coupe"] == "coupe has 1 image: too few to have one in val and test as well."
    assert made.left_out["suv"].startswith("suv has 10 images, but counting copies once only 1: too few to have one in")


def test_three_images_are_one_for_each_part():
    made = split(drawn({"sedan": 3}), {}, CLASSES, minimum=1)
    assert [len(made.parts[part]) for part in PARTS] == [1, 1, 1]


def test_no_class_left_is_an_error_that_says_why():
    with pytest.raises(BadInput, match="sedan has 1 image; the minimum for a class is 50"):
        split(drawn({"sedan": 1}), {}, CLASSES)


def test_an_image_outside_the_classes_is_left_out_and_counted():
    made = split([*drawn({"sedan": 60}), (900, "boat")], {}, CLASSES)
    assert made.left_out["boat"] == "boat is not a class of this project (1 images)."


@pytest.mark.parametrize("text", ["80/10", "80/10/20", "a/b/c", "", "100/0/0", "80,10,10", "-80/90/90", "79.5/10/10.5"])
def test_shares_that_are_no_shares_are_refused_with_the_value(text):
    with pytest.raises(BadInput, match="add up to 100") as refused:
        shares(text)
    assert repr(text) in str(refused.value)


def test_shares_are_read():
    assert shares("70/15/15") == (70, 15, 15)
    assert shares(" 80 / 10 / 10 ") == (80, 10, 10)


def placed(part_counts: dict[str, int], label: str = "sedan", first: int = 1) -> list[tuple[int, str, str]]:
    parts = [part for part, count in part_counts.items() for _ in range(count)]
    return [(image, label, part) for image, part in enumerate(parts, start=first)]


def test_the_parts_of_the_source_are_kept_and_their_leak_is_counted_not_moved():
    images = placed({"train": 50, "val": 5, "test": 5}) + placed({"train": 40, "val": 9, "test": 9}, "coupe", 101)
    groups = {1: "a", 51: "a", 2: "b", 3: "b", 60: "c", 101: "c"}
    made = keep_source_parts(images, CLASSES)
    assert {i for i, _ in made.parts["train"]} == {*range(1, 51), *range(101, 141)}
    assert leak(made.parts, groups) == 2  # 51 and 60
    assert made.left_out == {"suv": "suv has no image that is kept."}


def test_images_without_a_part_are_left_out_and_counted():
    made = keep_source_parts(placed({"train": 50, "": 7, "val": 5, "test": 5}), CLASSES[:1])
    assert made.left_out == {NO_PART: "7 images stand in no train, val or test folder of their source."}
    assert sum(len(members) for members in made.parts.values()) == 60


def test_a_source_without_a_val_part_is_an_error_in_one_sentence():
    with pytest.raises(BadInput, match="hold no image for val"):
        keep_source_parts(placed({"train": 50, "test": 5}), CLASSES)


def test_a_class_missing_in_one_of_the_sources_parts_is_left_out():
    images = placed({"train": 50, "val": 5, "test": 5}) + placed({"train": 60}, "coupe", 101)
    made = keep_source_parts(images, CLASSES[:2])
    assert made.classes == ("sedan",)
    assert made.left_out == {"coupe": "coupe has no image in the source's part val or test."}


def test_the_leak_counts_images_of_val_and_test_only():
    parts = {"train": [(1, "a"), (2, "a")], "val": [(3, "a")], "test": [(4, "a"), (5, "a")]}
    assert leak(parts, {1: "g", 2: "g"}) == 0
    assert leak(parts, {1: "g", 3: "g", 4: "g"}) == 2
    assert leak(parts, {4: "g", 5: "g"}) == 0


def test_groupings_are_joined_where_they_share_an_image():
    one = {1: "exact-1", 2: "exact-1", 9: "exact-9", 8: "exact-9"}
    other = {2: "near-2", 3: "near-2", 4: "near-4", 5: "near-4"}
    groups = joined([one, other])
    assert groups[1] == groups[2] == groups[3]
    assert len({groups[1], groups[4], groups[9]}) == 3
    assert groups[4] == groups[5]
    assert groups.keys() == one.keys() | other.keys()


# a parent instead of the classes ------------------------------------------------------------------------------------


def test_a_parent_of_the_classes_is_learned_instead_of_them_in_their_order():
    infos = {name: ClassInfo(parents={"make": name.split()[0]}) for name in ("BMW X5", "Audi A4", "BMW 3")}
    classes, of = level(("BMW X5", "Audi A4", "BMW 3", "trailer"), infos, "make")
    assert classes == ("BMW", "Audi")
    assert [of(label) for label in ("BMW 3", "Audi A4", "trailer")] == ["BMW", "Audi", "trailer"]


def test_without_a_parent_the_classes_are_what_they_are():
    classes, of = level(("a", "b"), {}, "")
    assert classes == ("a", "b") and of("a") == "a"


def test_a_parent_that_fewer_than_two_classes_have_is_refused_with_those_there_are():
    infos = {"BMW X5": ClassInfo(parents={"make": "BMW"}), "BMW 3": ClassInfo(parents={"make": "BMW"})}
    for by in ("make", "colour"):
        with pytest.raises(BadInput, match=f"'{by}'.*their parents: make"):
            level(tuple(infos), infos, by)
