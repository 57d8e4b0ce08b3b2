"""The order of the work, and what comes in from browsers and tables."""

from __future__ import annotations

import math
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import review
from core.errors import BadInput
from core.model import REASONS, Decision, Operation
from db.store.queue import Filter
from tests.pages import filled

CLASSES = ("sedan", "coupe")


def sent(**changes) -> dict:
    """A browser's operation that is right, but for the changes."""
    decision = {"image": 7, "verdict": "reject", "reason": "interior", "label": "", "version": 0}
    return {"id": str(uuid.uuid4()), "undoes": "", "decisions": [decision | changes]}


@pytest.fixture
def cars(store, home: Path):
    return store, filled.scraped(store, home)


# the queue ----------------------------------------------------------------------------------------------------------


def test_pages_follow_one_another_whatever_is_decided_on_the_way(cars) -> None:
    store, project = cars
    wanted, after, seen = Filter(verdict="undecided"), None, []
    while True:
        tiles, after = review.queue(store, project.id, wanted, after=after, size=5)
        seen += [tile.image for tile in tiles]
        decisions = tuple(Decision(t.image, "keep", version=t.version) for t in tiles)
        if decisions:
            store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", decisions))
        if after is None:
            break
    assert seen == [record.id for record in store.images(project.id)]


def test_pictures_on_another_screen_are_left_out(cars) -> None:
    store, project = cars
    everything = [record.id for record in store.images(project.id)]
    store.lease(project.id, "Ben", everything[:12])
    tiles, _ = review.queue(store, project.id, Filter(), "Ann", size=10)
    assert [tile.image for tile in tiles] == everything[12:20], (
        "the first page is Ben's, the second begins with two of his"
    )
    assert len(review.queue(store, project.id, Filter(), "Ben", size=10)[0]) == 10
    assert len(review.queue(store, project.id, Filter(), size=10)[0]) == 10


def test_the_queue_ends_with_an_empty_page_where_all_is_on_other_screens(cars) -> None:
    store, project = cars
    store.lease(project.id, "Ben", [record.id for record in store.images(project.id)])
    assert review.queue(store, project.id, Filter(), "Ann", size=10) == ([], None)


# from a browser -----------------------------------------------------------------------------------------------------


def test_an_operation_becomes_nouns() -> None:
    one, two = sent(), {"id": str(uuid.uuid4()), "undoes": str(uuid.uuid4()), "decisions": []}
    operations, refused = review.parse([one, two], "Ann", CLASSES)
    assert refused == {}
    assert operations[0] == Operation(one["id"], "Ann", (Decision(7, "reject", "interior", "", 0),))
    assert operations[1] == Operation(two["id"], "Ann", undoes=two["undoes"])


@pytest.mark.parametrize(("changes", "said"), [
    ({"image": "7"}, "image='7' is no image"),
    ({"image": True}, "is no image"),
    ({"image": -1}, "is no image"),
    ({"image": 2**70}, "is no image"),
    ({"verdict": "delete"}, "verdict='delete' of image 7 is unknown"),
    ({"verdict": ["keep"]}, "is unknown"),
    ({"reason": "ugly"}, "reason='ugly' of image 7 does not fit"),
    ({"reason": {"a": 1}}, "does not fit"),
    ({"verdict": "keep"}, "reason='interior' of image 7 does not fit keep"),
    ({"label": "../../x"}, "label='../../x' of image 7 is not a class of this project"),
    ({"version": "0"}, "version='0' of image 7 is not one"),
    ({"version": -1}, "version='-1'"),
    ({"box": "0,0,9,9"}, "box='0,0,9,9' of image 7 is no crop: wanted the four numbers left, top, right, bottom"),
    ({"box": []}, "is no crop"),
    ({"box": [0, 0, 9]}, "is no crop"),
    ({"box": [0, 0, 9, "9"]}, "is no crop"),
    ({"box": [0, 0, 9, True]}, "is no crop"),
    ({"box": [0, 0, 9, math.nan]}, "is no crop"),
    ({"box": [-math.inf, 0, 9, 9]}, "is no crop"),
    ({"box": [0, 0, 10**400, 9]}, "is no crop"),
    ({"box": [9, 0, 9, 9]}, "with left < right and top < bottom"),
    ({"box": [0, 9, 9, 3]}, "with left < right and top < bottom"),
    ({"box": {"left": 0}}, "is no crop"),
])  # fmt: skip
def test_a_bad_decision_refuses_its_operation_in_a_sentence_and_no_other(changes, said) -> None:
    bad, good = sent(**changes), sent()
    operations, refused = review.parse([bad, good], "Ann", CLASSES)
    assert [operation.id for operation in operations] == [good["id"]]
    assert list(refused) == [bad["id"]] and said in refused[bad["id"]]


def test_a_crop_drawn_by_hand_comes_with_its_decision_and_is_left_alone_without_one() -> None:
    one, none, null = sent(box=[-3, 0.5, 9000, 40]), sent(), sent(box=None)
    operations, refused = review.parse([one, none, null], "Ann", CLASSES)
    assert refused == {}
    assert [operation.decisions[0].box for operation in operations] == [(-3.0, 0.5, 9000.0, 40.0), None, None]


@pytest.mark.parametrize("item", [None, 3, [], {}, {"id": 5}, {"id": "x' OR 1=1"}, {"id": "A" * 36}])
def test_an_operation_without_an_id_is_refused_alone(item) -> None:
    good = sent()
    operations, refused = review.parse([item, good], "Ann", CLASSES)
    assert len(operations) == 1 and "wanted a UUID" in refused[""]


def test_an_image_decided_twice_an_empty_operation_and_an_undo_with_decisions_are_refused() -> None:
    twice, empty, both = sent(), sent(), sent()
    twice["decisions"] *= 2
    empty["decisions"] = []
    both["undoes"] = str(uuid.uuid4())
    operations, refused = review.parse([twice, empty, both], "Ann", CLASSES)
    assert operations == [] and len(refused) == 3
    assert "decided twice" in refused[twice["id"]]


anything = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                            st.sampled_from(["id", "decisions", "undoes", "image", "verdict", "reason", "label", "version",
                                             "box"]),
                            inner, max_size=4), max_leaves=12)  # fmt: skip


@given(anything)
def test_whatever_a_browser_sends_is_parsed_or_refused_and_never_raises(message) -> None:
    operations, refused = review.parse(message, "Ann", CLASSES)
    assert all(isinstance(operation, Operation) for operation in operations)
    assert all(isinstance(sentence, str) and sentence for sentence in refused.values())


@pytest.mark.parametrize(("typed", "kept"), [("  Ann   Lee ", "Ann Lee"), ("Zoe\u0308", "Zoë"), ("<b>", "<b>")])
def test_a_name_is_trimmed_and_kept_as_text(typed, kept) -> None:
    assert review.reviewer_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", "x" * 61, "a\x00b", "a\u202eb", "\ud800"])
def test_a_name_that_does_not_fit_is_refused(typed) -> None:
    with pytest.raises(BadInput, match="reviewer's name"):
        review.reviewer_name(typed)


# from a table -------------------------------------------------------------------------------------------------------


def test_a_table_becomes_one_operation_and_bad_rows_keep_their_line() -> None:
    rows = [
        {"image": "1", "verdict": "keep", "reason": "", "label": ""},
        {"image": "2", "verdict": "reject", "reason": REASONS[0], "label": None},
        {"image": "3", "verdict": "relabel", "reason": "", "label": "coupe"},
        {"image": "4", "verdict": "", "reason": float("nan"), "label": "sedan"},
        {"image": "five", "verdict": "keep"},
        {"image": "1", "verdict": "reject"},
        {"image": "6", "verdict": "relabel", "label": ""},
    ]  # fmt: skip
    operation, refused = review.decide(rows, "Ann", CLASSES)
    assert operation.decisions == (
        Decision(1, "keep"), Decision(2, "reject", REASONS[0]), Decision(3, "keep", "", "coupe"),
        Decision(4, "keep", "", "sedan"),
    )  # fmt: skip
    assert [line.split(":")[0] for line in refused] == ["Line 6", "Line 7", "Line 8"]
    assert "stands in the table twice" in refused[1]


def test_a_table_without_one_usable_row_is_an_error_that_names_the_columns() -> None:
    with pytest.raises(BadInput, match="columns image, verdict, reason, label"):
        review.decide([{"picture": "1"}], "Ann", CLASSES)
    with pytest.raises(BadInput, match="no rows"):
        review.decide([], "Ann", CLASSES)


def test_rows_on_images_of_no_or_another_project_are_refused_and_the_rest_is_stored(cars) -> None:
    store, project = cars
    ids = [record.id for record in store.images(project.id)]
    stranger = max(ids) + 1000
    rows = [{"image": str(stranger), "verdict": "keep"}, {"image": "x", "verdict": "keep"},
            {"image": str(ids[0]), "verdict": "reject"}]  # fmt: skip
    operation, refused = review.decide(rows, "Ann", CLASSES, lambda some: store.held(project.id, some))
    assert refused[0] == f"Line 2: there is no image {stranger} in this project."
    assert refused[1].startswith("Line 3: image='x'") and len(refused) == 2
    assert store.apply(project.id, operation).stored == 1
    assert not store.held(project.id + 1, ids)
