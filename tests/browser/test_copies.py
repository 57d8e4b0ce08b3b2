"""Copies of one photo in the review grid, in a real browser: one tile, one press, and what the database then holds."""

from __future__ import annotations

import itertools
import re
import uuid

import pytest
from playwright.sync_api import expect

from core.model import Decision, Finding, Operation
from tests.browser.conftest import seed
from tests.browser.test_grid import Grid, verdicts
from tests.pages.filled import begin

pytestmark = pytest.mark.browser
NAMES = (f"copies {n}" for n in itertools.count())


@pytest.fixture
def copied(running):
    """120 pictures, 40 of each class; the first three sedans are one photo, and the next two another."""
    store, project = seed(running.home, 120, name=next(NAMES), size=128)
    ids = [record.id for record in store.images(project.id) if record.label == "sedan"]
    _, claim = begin(store, project, "clean")
    found = [
        Finding(i, "near_duplicate", 0.95, "pixels", f"near_duplicate-{g[0]}") for g in (ids[:3], ids[3:5]) for i in g
    ]
    store.replace_findings(claim, project.id, ["near_duplicate"], found)
    store.finish(claim, "done")
    yield store, project, ids
    store.close()


def stand(store, project, ids: list[int]) -> list[tuple[str, str, str]]:
    return [(r.verdict, r.reason, r.label) for r in store.images_by_id(project.id, ids)]


def operations(store, ids: list[int]) -> list[int]:
    """How many decisions each picture has."""
    return [len(store.history(image)) for image in ids]


def badges(page) -> list[str]:
    return page.locator(".badge:visible").all_text_contents()


def test_one_press_rejects_a_photo_with_its_copies_and_one_undo_brings_all_back(copied, running, page) -> None:
    store, project, ids = copied
    grid = Grid(page, running, project, order="found")
    assert badges(page) == ["+2", "+1"] and grid.image(0) == ids[0]
    assert grid.tile(0).locator(".badge").get_attribute("title") == "2 copies more: decided together"
    assert "2 copies more: decided together" in grid.tile(0).get_attribute("aria-label")
    assert page.locator(f".tile[data-image='{ids[1]}']").count() == 0
    grid.press("7")
    expect(page.locator(".commit").first).to_contain_text("reject 3")
    grid.commit()
    grid.stored()
    last = store.last_operation(project.id, "Ann")
    done = {d.image: (d.verdict, d.reason) for d in store.decided(last)}
    assert [done[image] for image in ids[:3]] == [("reject", "blurred")] * 3, "in the one operation of the page"
    assert [done[image] for image in ids[3:5]] == [("keep", "")] * 2
    assert verdicts(store, project)["reject"] == 3
    grid.press("u")
    grid.painted(0)
    grid.stored()
    assert grid.marked() == 1 and badges(page) == ["+2", "+1"]
    assert verdicts(store, project) == {"undecided": 120}
    grid.press("x")  # the mark goes; all are kept
    grid.commit()
    grid.stored()
    assert stand(store, project, ids[:5]) == [("keep", "", "sedan")] * 5
    assert operations(store, ids[:3]) == [3] * 3 and grid.errors == []


def test_after_a_reload_marks_and_an_undo_still_hold_for_the_whole_tile(copied, running, page) -> None:
    store, project, ids = copied
    grid = Grid(page, running, project, order="found")
    grid.press("3")
    page.reload()
    grid.painted(0)
    assert grid.marked() == 1 and badges(page) == ["+2", "+1"]
    grid.commit()
    grid.stored()
    assert stand(store, project, ids[:3]) == [("reject", "wrong class", "sedan")] * 3
    page.reload()
    grid.painted(0)
    assert not {*ids[:5]} & {grid.image(n) for n in range(page.locator(".tile").count())}
    grid.press("u")
    page.wait_for_selector(f".tile[data-image='{ids[0]}'][aria-selected=true]")
    grid.stored()
    assert grid.marked() == 1 and badges(page) == ["+2", "+1"]
    grid.commit()
    grid.stored()
    assert stand(store, project, ids[:3]) == [("reject", "wrong class", "sedan")] * 3


def test_a_stored_page_can_be_decided_anew_copies_included(copied, running, page) -> None:
    store, project, ids = copied
    grid = Grid(page, running, project, order="found", size="50")
    grid.commit()
    grid.stored()
    grid.press("p")
    grid.painted(0)
    grid.press("x")
    grid.commit()
    grid.stored()
    assert [verdict for verdict, *_ in stand(store, project, ids[:5])] == ["reject"] * 3 + ["keep"] * 2
    assert operations(store, ids[:5]) == [2, 2, 2, 1, 1]


def test_another_class_is_given_to_the_copies_too_and_a_crop_is_not(copied, running, page) -> None:
    store, project, ids = copied
    grid = Grid(page, running, project, order="found")
    grid.press("r")
    look = page.locator("dialog.look")
    look.locator("select").select_option("coupe")
    expect(look.locator(".said")).to_have_text("Kept with 2 copies, as coupe.")
    grid.stored()
    assert stand(store, project, ids[:3]) == [("keep", "", "coupe")] * 3
    grid.press("u")
    grid.stored()
    assert stand(store, project, ids[:3]) == [("undecided", "", "sedan")] * 3
    assert grid.cursor() == ids[0]
    expect(look.locator(".copy")).to_have_count(3)
    grid.press("b")
    look.locator(".crop:focus").wait_for()
    grid.press("Enter")
    grid.stored()
    assert [verdict for verdict, *_ in stand(store, project, ids[:3])] == ["keep", "undecided", "undecided"]
    grid.press("f")
    assert badges(page) == ["+2", "+1"]
    grid.commit()
    grid.stored()
    found = store.images_by_id(project.id, ids[:3])
    assert [r.verdict for r in found] == ["keep"] * 3 and [r.box is not None for r in found] == [True, False, False]
    assert operations(store, ids[:3]) == [3, 3, 3] and grid.errors == []


def test_the_large_view_shows_the_copies_and_opens_each(copied, running, page) -> None:
    _, project, ids = copied
    grid = Grid(page, running, project, order="found")
    grid.press("f")
    look = page.locator("dialog.look")
    expect(look.locator(".copy img")).to_have_count(3)
    assert "2 copies more of this photo" in look.inner_text()
    large = look.locator(".holder img")
    look.locator(".copy").nth(2).click()
    expect(large).to_have_attribute("src", re.compile(f"large={ids[2]}$"))
    assert look.locator(".stage").is_hidden(), "the crop is of the other one"
    grid.press("x")
    assert grid.marked() == 1, "the keys still mean the tile"
    grid.press("b")
    expect(large).to_have_attribute("src", re.compile(f"large={ids[0]}$"))
    assert look.locator(".stage").is_visible()
    grid.press("Escape", "ArrowRight")
    expect(look.locator(".copy")).to_have_count(0)
    grid.press("ArrowLeft")
    expect(look.locator(".copy[aria-pressed=true]")).to_have_count(1)
    assert grid.errors == []


def test_a_copy_that_somebody_else_decided_meanwhile_is_on_its_own(copied, running, page) -> None:
    store, project, ids = copied
    grid = Grid(page, running, project, order="found")
    grid.press("x")
    ben = Decision(ids[1], "keep", version=0)
    assert store.apply(project.id, Operation(str(uuid.uuid4()), "Ben", (ben,))).stored == 1
    expect(page.locator(".badge:visible").first).to_have_text("+1")
    assert grid.marked() == 1, "the mark stays"
    grid.commit()
    grid.stored()
    assert [verdict for verdict, *_ in stand(store, project, ids[:3])] == ["reject", "keep", "reject"]
    assert not page.locator(".warning").is_visible()


def test_a_conflict_on_a_copy_is_said_and_leaves_the_others_as_stored(copied, running, page) -> None:
    store, project, ids = copied
    deaf = []  # while there is something in it, the page hears nothing from the server

    def between(ws) -> None:
        server = ws.connect_to_server()
        server.on_message(lambda message: deaf or ws.send(message))

    page.route_web_socket("**/_stcore/stream", between)
    grid = Grid(page, running, project, order="found", size="50")
    grid.press("x")
    deaf.append(True)
    ben = Decision(ids[1], "keep", version=0)
    assert store.apply(project.id, Operation(str(uuid.uuid4()), "Ben", (ben,))).stored == 1
    grid.commit()
    deaf.clear()
    page.wait_for_selector(".warning:not([hidden])", timeout=30000)
    assert "Ben had decided on 1 picture meanwhile" in page.locator(".warning").text_content()
    page.get_by_role("button", name="Show").click()
    grid.painted(0)
    assert grid.tile(0).locator(".badge").text_content() == "+1"
    assert [verdict for verdict, *_ in stand(store, project, ids[:3])] == ["reject", "keep", "reject"]
    grid.press("u")
    grid.stored()
    assert [verdict for verdict, *_ in stand(store, project, ids[:3])] == ["undecided", "keep", "undecided"]
    grid.commit()
    grid.stored()
    assert [verdict for verdict, *_ in stand(store, project, ids[:3])] == ["reject", "keep", "reject"]


def test_in_a_learned_order_a_photo_is_decided_once_and_its_copies_do_not_come_again(copied, running, page) -> None:
    store, project, ids = copied
    grid = Grid(page, running, project, order="mixed")
    seen: list[int] = []
    for _ in range(40):
        if page.locator(".finish").is_visible():
            break
        seen += [grid.image(n) for n in range(page.locator(".tile").count())]
        grid.commit()
    grid.stored()
    assert len(seen) == len({*seen}) == 117 and len({*ids[:3]} & {*seen}) == len({*ids[3:5]} & {*seen}) == 1
    assert verdicts(store, project) == {"keep": 120}
    found = store.audit(project.id)
    assert (found.left, found.looked, found.open) == (0, 120, 0)
    assert operations(store, ids[:5]) == [1] * 5 and grid.errors == []
