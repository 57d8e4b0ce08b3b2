"""The review's page and desk, without a browser: filters, payload, and what becomes of what a browser says."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from functools import cache, partial
from pathlib import Path

import pytest

from core.model import Cleaning, Cropping, Decision, Detection, Operation
from core.review.learner import learner
from db.store.queue import Filter
from pages.parts.grid.desk import AHEAD, Desk
from tests.pages import filled
from tests.pages.conftest import words
from tests.pages.vectors import described, kind

UNDECIDED = Filter(verdict="undecided", order="found")


@pytest.fixture
def cars(store, home: Path):
    return store, filled.scraped(store, home)


def told(desk: Desk, store) -> dict:
    """What the browser gets, after it went over the wire."""
    learns = cache(partial(learner, store, desk.project))
    return json.loads(json.dumps(desk.payload(store, lambda ids: "pack:" + ",".join(map(str, ids)), learns)))


def commit(page: dict, *rejected: int, reason: str = "") -> dict:
    """An operation as the browser makes it of a page."""
    decisions = [
        {"image": i, "verdict": "reject" if i in rejected else "keep", "reason": reason if i in rejected else "",
         "label": "", "version": v} for i, v in zip(page["ids"], page["versions"], strict=True)
    ]  # fmt: skip
    return {"id": str(uuid.uuid4()), "undoes": "", "decisions": decisions}


def say(desk: Desk, store, *ops: dict, **more) -> dict:
    desk.hear(store, {"epoch": desk.epoch, "cursor": desk.cursor, "ops": list(ops), "look": None} | more)
    return told(desk, store)


# the desk -----------------------------------------------------------------------------------------------------------


def test_the_payload_is_whole_pages_around_the_cursor(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    data = told(desk, store)
    assert list(data["pages"]) == [str(n) for n in range(AHEAD + 1)]
    page = data["pages"]["0"]
    assert {len(page[name]) for name in ("ids", "labels", "verdicts", "versions", "reasons", "why", "by", "guess")} == {
        5
    }
    assert (data["left"], data["total"], data["end"], data["cursor"], data["undo"]) == (36, 36, None, 0, "")
    data = say(desk, store, cursor=4)
    assert list(data["pages"])[0] == "3" and data["end"] == 8 and len(data["pages"]["7"]["ids"]) == 1


def test_pages_stand_still_while_they_are_decided(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    before = told(desk, store)["pages"]
    after = say(desk, store, commit(before["0"]), cursor=1)["pages"]
    assert [after[n]["ids"] for n in "0123"] == [before[n]["ids"] for n in "0123"]
    assert after["0"]["verdicts"] == ["keep"] * 5 and after["0"]["by"] == [""] * 5


def test_an_operation_sent_three_times_is_stored_once_and_answered_each_time(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    operation = commit(told(desk, store)["pages"]["0"])
    for _ in range(3):
        (answer,) = say(desk, store, operation)["acked"]
        assert (answer["id"], answer["stored"], answer["refused"]) == (operation["id"], 5, "")
    fresh = Desk(project, "Ann", UNDECIDED, size=5)  # the server was started again in between
    assert say(fresh, store, operation)["acked"][0]["stored"] == 5
    assert store.decision_count(project.id) == 5


def test_a_refused_operation_is_answered_with_its_sentence_and_the_others_go_through(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    pages = told(desk, store)["pages"]
    strange, gone, good = (
        commit(pages["0"], pages["0"]["ids"][0], reason="ugly"),
        commit(pages["1"]),
        commit(pages["2"]),
    )
    gone["decisions"][0]["image"] = 999_999
    answers = {answer["id"]: answer for answer in say(desk, store, strange, gone, good)["acked"]}
    assert "ugly" in answers[strange["id"]]["refused"] and "999999" in answers[gone["id"]]["refused"]
    assert answers[good["id"]]["stored"] == 5
    assert store.decision_count(project.id) == 5


def test_a_conflict_is_answered_with_the_image_and_who_decided(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    page = told(desk, store)["pages"]["0"]
    first = page["ids"][0]
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ben", (Decision(first, "reject", "blurred", version=0),)))
    data = say(desk, store, commit(page))
    assert data["acked"][0] | {"id": ""} == {
        "id": "",
        "stored": 4,
        "conflicts": [first],
        "who": {str(first): "Ben"},
        "refused": "",
    }
    assert (data["pages"]["0"]["verdicts"][0], data["pages"]["0"]["by"][0]) == ("reject", "Ben")


def test_an_undo_after_a_reload_begins_a_new_epoch_with_the_page_and_its_marks(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    page = told(desk, store)["pages"]["0"]
    say(desk, store, commit(page, page["ids"][2], reason="blurred"))
    fresh = Desk(project, "Ann", UNDECIDED, size=5)
    data = told(fresh, store)
    epoch = data["epoch"]
    undo = {"id": str(uuid.uuid4()), "undoes": data["undo"], "decisions": []}
    data = say(fresh, store, undo)
    assert data["epoch"] != epoch and data["cursor"] == 0
    assert data["pages"]["0"]["ids"] == page["ids"]
    assert data["restored"] == {"undo": undo["id"], "page": 0, "marks": {str(page["ids"][2]): "blurred"}}
    everything = [image for rows in data["pages"].values() for image in rows["ids"]]
    assert len(everything) == len(set(everything)), "what was put first does not come again"
    assert Counter(record.verdict for record in store.images(project.id)) == {"undecided": 36}


def test_two_reviewers_get_different_pages_until_there_is_nothing_else(cars) -> None:
    store, project = cars
    ann, ben, cleo = (Desk(project, name, UNDECIDED, size=6) for name in ("Ann", "Ben", "Cleo"))
    first, second = told(ann, store), told(ben, store)
    assert not set(first["pages"]["0"]["ids"]) & set(second["pages"]["0"]["ids"])
    third = told(cleo, store)
    assert third["shared"] and len(third["pages"]["0"]["ids"]) == 6
    assert not first["shared"] and not second["shared"]


def test_a_desk_that_is_left_gives_its_pictures_free(cars) -> None:
    store, project = cars
    ann, ben = (Desk(project, name, UNDECIDED, size=6) for name in ("Ann", "Ben"))
    first = told(ann, store)["pages"]["0"]["ids"]
    ann.release(store)
    assert told(ben, store)["pages"]["0"]["ids"] == first


def test_what_somebody_else_decided_is_left_for_their_own_desk(cars) -> None:
    """An open tab speaks to a session that was just started, before that knows who reviews there."""
    store, project = cars
    ann, root = (Desk(project, name, UNDECIDED, size=6) for name in ("Ann", "root"))
    operation = commit(told(ann, store)["pages"]["0"])
    assert say(root, store, operation, by="Ann")["acked"] == []
    assert store.decision_count(project.id) == 0
    assert [answer["stored"] for answer in say(ann, store, operation, by="Ann")["acked"]] == [6]
    image = operation["decisions"][0]["image"]
    assert [who for _, who, *_ in store.history(image)] == ["Ann"]


@pytest.mark.parametrize("message", [
    None, "x", [], {}, {"ops": "x"}, {"cursor": "1"}, {"cursor": -4}, {"cursor": 10**9}, {"look": "x"}, {"look": 10**9},
    {"epoch": 3, "cursor": 2}, {"fresh": "yes"},
])  # fmt: skip
def test_whatever_the_browser_says_leaves_a_desk_that_still_works(cars, message) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    desk.hear(store, {"epoch": desk.epoch} | message if isinstance(message, dict) else message)
    assert told(desk, store)["pages"]["0"]["ids"]


def test_looking_closer_tells_origins_and_history(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    page = told(desk, store)["pages"]["0"]
    image = page["ids"][0]
    look = say(desk, store, commit(page, image, reason="blurred"), look=image)["look"]
    assert look["image"] == image and look["origins"][0]["licence"] == "CC BY 4.0"
    assert [entry[1:] for entry in look["history"]] == [["Ann", f"reject (blurred) as {page['labels'][0]}"]]


def cropped(store, project, image: int, detector: str = "yolo") -> None:
    """A detector saw a car in the image, and chose it as the crop."""
    _, claim = filled.begin(store, project, "clean")
    store.add_detections(claim, project.id, detector, {image: [Detection("car", 0.9, (10.0, 20.0, 100.0, 120.5))]})
    store.set_crops(claim, project.id, {image: (5, 15, 105, 125)})
    store.finish(claim, "done")


def crop(image: int, version: int, box: object) -> dict:
    """An operation as the browser makes it of a crop drawn by hand."""
    decision = {"image": image, "verdict": "keep", "reason": "", "label": "", "version": version, "box": box}
    return {"id": str(uuid.uuid4()), "undoes": "", "decisions": [decision]}


def test_looking_closer_tells_what_a_detector_saw_and_chose(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    image, other = told(desk, store)["pages"]["0"]["ids"][:2]
    cropped(store, project, image)
    look = say(desk, store, look=image)["look"]
    assert (look["box"], look["by"]) == ([5, 15, 105, 125], "detector")
    assert look["seen"] == [["car", 0.9, [10, 20, 100, 120.5]]]
    look = say(desk, store, look=other)["look"]
    assert (look["box"], look["by"], look["seen"]) == (None, "", [])


def test_of_two_detectors_the_projects_own_is_believed(cars) -> None:
    store, project = cars
    image = next(iter(store.images(project.id))).id
    cropped(store, project, image)
    cropped(store, project, image, "torchvision")
    assert len(say(Desk(project, "Ann", UNDECIDED), store, look=image)["look"]["seen"]) == 2
    chosen = store.set_cleaning(project.id, Cleaning(crop=Cropping("yolo")))
    assert len(say(Desk(chosen, "Ann", UNDECIDED), store, look=image)["look"]["seen"]) == 1


def test_a_crop_drawn_by_hand_holds_stands_in_the_history_and_is_undone_to_the_detectors(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    page = told(desk, store)["pages"]["0"]
    image, label = page["ids"][0], page["labels"][0]
    facts = store.image(project.id, image).facts
    cropped(store, project, image)
    drawn = crop(image, 0, [-4, 3, 99.5, 9000])
    look = say(desk, store, drawn, look=image)["look"]
    assert (look["box"], look["by"]) == ([0, 3, 99.5, facts.height], "person")
    look = say(desk, store, {"id": str(uuid.uuid4()), "undoes": drawn["id"], "decisions": []}, look=image)["look"]
    assert (look["box"], look["by"]) == ([5, 15, 105, 125], "detector")
    whole = crop(image, 2, [0, 0, facts.width, facts.height])
    look = say(desk, store, whole, crop(image, 3, None), look=image)["look"]
    assert (look["box"], look["by"]) == ([0, 0, facts.width, facts.height], "person")
    assert [what.replace(f" as {label}", "") for _, _, what in look["history"]] == [
        "keep, cropped by hand", "undecided, crop taken back", "keep, the whole picture", "keep",
    ]  # fmt: skip


def test_a_crop_that_is_none_or_outside_is_refused_in_a_sentence_and_nothing_is_stored(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    image = told(desk, store)["pages"]["0"]["ids"][0]
    none, outside = crop(image, 0, [9, 0, 3, 9]), crop(image, 0, [9000, 0, 9001, 9])
    answers = {answer["id"]: answer["refused"] for answer in say(desk, store, none, outside)["acked"]}
    assert "is no crop" in answers[none["id"]] and "holds no pixel of image" in answers[outside["id"]]
    assert store.decision_count(project.id) == 0


def test_a_fresh_look_from_the_top_is_a_new_epoch_without_what_was_decided(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=20)
    page = told(desk, store)["pages"]["0"]
    epoch = desk.epoch
    data = say(desk, store, commit(page), fresh=True)
    assert data["epoch"] != epoch and data["left"] == 16 and len(data["pages"]["0"]["ids"]) == 16


# the page -----------------------------------------------------------------------------------------------------------


def payload(shown) -> dict:
    return json.loads(shown.get("bidi_component")[0].proto.json)


def test_the_page_shows_the_grid_with_the_pictures(cars, screen) -> None:
    _, project = cars
    shown = screen("review", project=project.name, order="found")
    data = payload(shown)
    assert not shown.exception and len(data["pages"]["0"]["ids"]) == 36
    assert data["pages"]["0"]["pack"].startswith("winnow/pictures/")


def test_filters_come_from_the_url_under_their_own_names(cars, screen) -> None:
    store, project = cars
    ids = [record.id for record in store.images(project.id)]
    store.apply(
        project.id, Operation(str(uuid.uuid4()), "Ann", (Decision(ids[1], "reject"), Decision(ids[2], "reject")))
    )
    shown = screen("review", **{"project": project.name, "show": "reject", "class": "coupe", "order": "label"})
    assert payload(shown)["pages"]["0"]["ids"] == [ids[1]]
    shown = screen("review", project=project.name, show="any", ids=f"{ids[5]},{ids[7]},x")
    assert payload(shown)["pages"]["0"]["ids"] == [ids[5], ids[7]]
    assert "Only the 2 pictures" in words(shown)
    shown = screen("review", project=project.name, show="nonsense", finding="'; DROP TABLE images;--", order="found")
    assert len(payload(shown)["pages"]["0"]["ids"]) == 34


def test_a_changed_filter_is_a_new_epoch_and_lies_in_the_url(cars, screen) -> None:
    _, project = cars
    shown = screen("review", project=project.name)
    epoch = payload(shown)["epoch"]
    shown.selectbox(key="class").select("suv").run()
    data = payload(shown)
    assert data["epoch"] != epoch and set(data["pages"]["0"]["labels"]) == {"suv"}
    assert shown.query_params["class"] in ("suv", ["suv"])


def test_empty_states_say_what_to_do(store, home, screen) -> None:
    project = store.add_project("empty", ("a", "b"))
    assert "There are no pictures yet. Find some first" in words(screen("review", project=project.name))
    full = filled.scraped(store, home, "full")
    data = payload(screen("review", project=full.name, show="reject"))
    assert data["empty"] == "Nothing fits these filters: choose other ones above." and data["pages"] == {}


def test_a_reviewer_s_name_that_does_not_fit_is_a_sentence(cars, screen) -> None:
    _, project = cars
    shown = screen("review", project=project.name)
    shown.text_input(key="reviewer").set_value("x" * 80).run()
    assert any("name" in error.value for error in shown.error) and not shown.exception


# look-alikes and stacks ---------------------------------------------------------------------------------------------


@pytest.fixture
def alike(store, home: Path):
    """90 pictures with vectors, two fifths of them bad; some of each kind are decided."""
    project = filled.scraped(store, home, "alike", each=30)
    ids = described(store, project)
    done = tuple(Decision(i, "reject" if kind(i) < 2 else "keep") for i in ids[:30])
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", done))
    return store, project, ids[30:]


def asked(desk: Desk, store, image: int, ask: int = 7, **more) -> dict:
    return say(desk, store, ask=ask, alike=image, **more)


def test_the_look_alikes_of_a_picture_come_with_versions_and_a_border(alike) -> None:
    store, project, rest = alike
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    image = next(i for i in rest if kind(i) == 0)
    data = asked(desk, store, image)
    found = data["alike"]
    assert (data["asked"], found["image"], found["ids"][0]) == (7, image, image)
    assert (found["rejected"], found["note"], data["stacks"]) == (False, "", None)
    columns = ("ids", "labels", "versions", "likeness", "chances")
    assert {len(found[name]) for name in columns} == {len(rest)} and set(found["ids"]) == set(rest)
    assert found["likeness"][0] == 1 and found["likeness"] == sorted(found["likeness"], reverse=True)
    same = [i for i in rest if kind(i) == 0]
    assert set(found["ids"][: len(same)]) == set(same) and found["border"] >= len(same)
    assert found["pack"] == "pack:" + ",".join(map(str, found["ids"]))


def test_the_look_alikes_are_rejected_as_one_operation_and_one_undo_takes_all_back(alike) -> None:
    store, project, rest = alike
    desk = Desk(project, "Ann", Filter(verdict="undecided", order="mixed"), size=10)
    epoch = told(desk, store)["epoch"]
    found = asked(desk, store, next(i for i in rest if kind(i) == 0))["alike"]
    first = {name: found[name][: found["border"]] for name in ("ids", "versions")}
    operation = commit(first, *first["ids"], reason="part only")
    (answer,) = say(desk, store, operation, operation)["acked"]
    assert (answer["stored"], answer["conflicts"]) == (found["border"], [])
    assert {r.reason for r in store.images_by_id(project.id, first["ids"])} == {"part only"}
    undo = {"id": str(uuid.uuid4()), "undoes": operation["id"], "decisions": [], "stay": True}
    data = say(desk, store, undo)
    assert (data["epoch"], data["restored"]) == (epoch, None), "the page on the screen stays"
    assert {r.verdict for r in store.images_by_id(project.id, first["ids"])} == {"undecided"}
    again = asked(desk, store, found["image"], ask=8)["alike"]
    assert set(again["ids"]) == set(found["ids"]) and max(again["versions"]) == 2


def test_an_answer_stays_the_same_until_another_question_comes(alike) -> None:
    store, project, rest = alike
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    image = next(i for i in rest if kind(i) == 0)
    once = asked(desk, store, image)["alike"]
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ben", (Decision(once["ids"][1], "keep"),)))
    assert asked(desk, store, image)["alike"] == told(desk, store)["alike"] == once
    assert once["ids"][1] not in asked(desk, store, image, ask=8)["alike"]["ids"]
    closed = say(desk, store)
    assert (closed["alike"], closed["stacks"], closed["asked"]) == (None, None, 0)


def test_a_question_of_another_epoch_waits_until_it_is_asked_again(alike) -> None:
    store, project, rest = alike
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    assert asked(desk, store, rest[0], epoch="of before the server was started again")["alike"] is None
    assert asked(desk, store, rest[0])["alike"]["image"] == rest[0]


def test_what_others_have_on_the_screen_is_not_among_the_look_alikes_but_ones_own_page_is(alike) -> None:
    store, project, rest = alike
    learned = Filter(verdict="undecided", order="mixed")
    ann, ben = Desk(project, "Ann", learned, size=10), Desk(project, "Ben", learned, size=10)
    mine, theirs = (told(desk, store)["pages"]["0"]["ids"] for desk in (ann, ben))
    found = asked(ann, store, mine[0])["alike"]["ids"]
    assert set(mine) <= set(found) and not set(theirs) & set(found)


def test_a_rejected_picture_shows_its_look_alikes_and_says_that_it_is(alike) -> None:
    store, project, _ = alike
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    done = next(r.id for r in store.images(project.id) if r.verdict == "reject")
    found = asked(desk, store, done)["alike"]
    assert found["rejected"] and found["ids"][0] == done and found["versions"][0] == 1


@pytest.mark.parametrize("message", [
    {"alike": 10**6}, {"alike": 10**40}, {"alike": -1}, {"alike": True}, {"alike": "7"}, {"alike": [7]}, {"stacks": "yes"},
    {"ask": "x", "stacks": 1}, {"ask": 10**40},
])  # fmt: skip
def test_a_question_about_nothing_is_answered_with_nothing(alike, message) -> None:
    store, project, _ = alike
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    told(desk, store)
    data = say(desk, store, **message)
    assert (data["alike"], data["stacks"]) == (None, None) and data["pages"]["0"]["ids"]


def test_without_vectors_the_picture_stands_alone_and_the_note_says_what_to_do(cars) -> None:
    store, project = cars
    desk = Desk(project, "Ann", UNDECIDED, size=5)
    image = told(desk, store)["pages"]["0"]["ids"][0]
    found = asked(desk, store, image)["alike"]
    assert (found["ids"], found["border"], found["chances"]) == ([image], 1, [])
    assert "Clean the project first" in found["note"]
    assert say(desk, store, ask=9, stacks=True)["stacks"] == []


def test_stacks_are_told_with_how_many_there_are_and_asked_for_again_after_each(alike) -> None:
    store, project, rest = alike
    desk = Desk(project, "Ann", Filter(verdict="undecided", order="mixed"), size=10)
    assert told(desk, store)["stacked"] >= 2
    data = say(desk, store, ask=3, stacks=True)
    assert data["asked"] == 3 and data["stacked"] == len(data["stacks"]) and data["alike"] is None
    one, other = data["stacks"][:2]
    assert {len({kind(i) for i in stack["ids"]}) for stack in (one, other)} == {1}
    assert one["chances"] == sorted(one["chances"], reverse=True) and not set(one["ids"]) & set(other["ids"])
    operation = commit(one, *one["ids"])
    data = say(desk, store, operation, operation, ask=4, stacks=True)
    assert data["acked"][0]["stored"] == len(one["ids"])
    left = {image for stack in data["stacks"] for image in stack["ids"]}
    assert data["asked"] == 4 and not left & set(one["ids"]) and left <= set(rest)


def test_stacks_are_counted_with_what_lies_on_the_desk_already(alike) -> None:
    store, project, rest = alike
    told(Desk(project, "Ann", Filter(verdict="undecided", order="mixed"), size=100), store)  # a page of all of them
    data = told(Desk(project, "Ann", Filter(verdict="undecided", order="mixed"), size=100), store)  # after a reload
    desk = Desk(project, "Ann", UNDECIDED)
    found = say(desk, store, ask=3, stacks=True)["stacks"]
    assert data["stacked"] == len(found) == desk.many.count >= 2 and len(rest) == data["left"]


def test_stacks_are_of_the_class_that_is_chosen(alike) -> None:
    store, project, _ = alike
    desk = Desk(project, "Ann", Filter("suv", "undecided", order="mixed"), size=10)
    told(desk, store)
    stacks = say(desk, store, ask=3, stacks=True)["stacks"]
    assert stacks and {label for stack in stacks for label in stack["labels"]} == {"suv"}
