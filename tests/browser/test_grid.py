"""The review grid in a real browser: what a reviewer does, and what the database then holds."""

from __future__ import annotations

import itertools
import json
import re
import time
import uuid
from collections import Counter
from contextlib import suppress
from math import inf
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Error

from core.model import REASONS, Decision, Operation
from tests.browser.conftest import seed
from tests.pages.vectors import described

pytestmark = pytest.mark.browser


class Grid:
    """The grid on a page, in the words of a reviewer."""

    def __init__(self, page, app, project, reviewer: str = "Ann", **query: str) -> None:
        # A plain order, unless another one is asked for: learned pages are smaller at first.
        self.page, self.app, self.query = page, app, {"project": project.name, "order": "score", **query}
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(f"localStorage.setItem('winnow:reviewer', {json.dumps(json.dumps(reviewer))})")
        self.open()

    def open(self) -> None:
        self.page.goto(f"{self.app.url}/review?{urlencode(self.query)}")
        self.painted()

    def painted(self, number: int | None = None) -> None:
        which = "" if number is None else f"='{number}'"
        self.page.wait_for_selector(f".list[data-painted{which}]", timeout=60_000)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def commit(self) -> None:
        """Enter, and the next page on the screen."""
        here = int(self.page.locator(".list").get_attribute("data-painted"))
        self.press("Enter")
        self.page.wait_for_function(
            "n => { const l = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;"
            " return +l.querySelector('.list').dataset.painted > n || l.querySelector('.finish') }", arg=here,
        )  # fmt: skip

    def stored(self) -> None:
        self.page.wait_for_selector(".stored:text('all stored')", state="attached", timeout=60_000)

    def chosen_anew(self) -> None:
        """The page behind the one on the screen was chosen anew by the marks, and lies ready."""
        self.page.wait_for_selector(".list[data-next]:not([data-next='0'])", timeout=60_000)

    def tile(self, at: int):
        return self.page.locator(".tile").nth(at)

    def image(self, at: int) -> int:
        return int(self.tile(at).get_attribute("data-image"))

    def marked(self) -> int:
        return self.page.locator(".tile[aria-selected=true]").count()

    def cursor(self) -> int:
        """The image the screen reader is told of."""
        return int(self.page.locator(".list").get_attribute("aria-activedescendant").removeprefix("winnow-"))


NAMES = (f"cars {n}" for n in itertools.count())


@pytest.fixture
def cars(running):
    """450 pictures in a project of the test's own."""
    _, project = seed(running.home, 450, name=next(NAMES))
    return running.store, project


def verdicts(store, project) -> Counter:
    return Counter(record.verdict for record in store.images(project.id))


def test_a_page_is_stored_with_its_marks_and_reasons(cars, running, page) -> None:
    store, project = cars
    grid = Grid(page, running, project)
    first, third = grid.image(0), grid.image(2)
    grid.press("x", "ArrowRight", "ArrowRight", "3")
    assert grid.marked() == 2 and grid.cursor() == third
    assert grid.tile(2).locator(".chip").text_content() == "wrong class"
    grid.commit()
    grid.stored()
    assert verdicts(store, project) == {"keep": 98, "reject": 2, "undecided": 350}
    assert [(r.verdict, r.reason) for r in store.images_by_id(project.id, [first, third])] == [
        ("reject", ""), ("reject", "wrong class")]  # fmt: skip
    assert grid.errors == []


def test_the_numbers_at_the_top_follow_what_is_decided(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    page.get_by_text("450 of 450 undecided").wait_for()
    grid.press("x")
    grid.commit()
    page.get_by_text("350 of 450 undecided").wait_for(timeout=60_000)


def test_findings_come_first_the_surest_first(cars, running, page) -> None:
    store, project = cars
    Grid(page, running, project)
    scores = {finding.image: finding.score for finding in store.findings(project.id)}
    shown = [int(t.get_attribute("data-image")) for t in page.locator(".tile").all()][: len(scores)]
    assert shown == sorted(scores, key=scores.get, reverse=True)
    assert page.locator(".tile .why").first.text_content() == "near duplicate"


def test_every_key_does_what_the_list_says(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    columns = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stBidiComponentIsolated]')"
                            ".shadowRoot.querySelector('.page')).gridTemplateColumns.split(' ').length")  # fmt: skip
    grid.press("End")
    assert grid.cursor() == grid.image(99)
    grid.press("Home", "ArrowDown")
    assert grid.cursor() == grid.image(columns)
    grid.press("ArrowUp", "Space")
    assert grid.marked() == 1
    grid.press("Space", "a")
    assert grid.marked() == 100
    grid.press("k")
    assert grid.marked() == 0
    grid.press("Shift+ArrowRight", "Shift+ArrowRight")
    assert page.locator(".tile.ranged").count() == 3
    grid.press("1")
    assert grid.marked() == 3 and page.locator(".chip:visible").all_text_contents() == ["interior"] * 3
    grid.press("i")
    assert grid.marked() == 97
    grid.press("?")
    assert page.locator("dialog.help").is_visible()
    grid.press("Escape", "/")
    focused = page.evaluate("document.activeElement.closest('.st-key-review_filters') !== null")
    assert focused
    grid.press("x")
    assert grid.marked() == 97, "typing in a filter marks nothing"


def test_mouse_click_marks_shift_click_marks_a_range_double_click_looks(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    grid.tile(1).click()
    grid.tile(4).click(modifiers=["Shift"])
    assert grid.marked() == 4
    grid.tile(4).click(modifiers=["Shift"])
    assert grid.marked() == 0
    grid.tile(6).dblclick()
    assert page.locator("dialog.look").is_visible()
    grid.press("Escape")
    assert grid.marked() == 0
    page.get_by_role("button", name=re.compile("Invert")).click()
    assert grid.marked() == 100


def test_on_a_new_page_one_shift_click_marks_from_the_first_picture_on(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    grid.tile(6).click(modifiers=["Shift"])
    assert grid.marked() == 7
    grid.tile(3).click()
    assert grid.marked() == 6


def test_a_drag_marks_all_from_there_to_here_and_once_more_takes_it_back(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)

    def drag(start: int, *over: int) -> None:
        for number, at in enumerate((start, *over)):
            box = grid.tile(at).bounding_box()
            page.mouse.move(box["x"] + 40, box["y"] + 40, steps=3)
            if not number:
                page.mouse.down()
        page.mouse.up()

    drag(2, 3, 5)
    assert grid.marked() == 4 and [grid.tile(i).get_attribute("aria-selected") for i in (1, 2, 5, 6)] == [
        "false", "true", "true", "false"]  # fmt: skip
    drag(5, 3, 2)
    assert grid.marked() == 0
    drag(1, 4, 2)
    assert grid.marked() == 2, "as far as the mouse is in the end"
    drag(8, 9, 8)
    assert grid.marked() == 3, "back where it began, it is a click"
    grid.tile(8).click()
    assert grid.marked() == 2


def test_a_drag_marks_also_after_a_menu_has_taken_the_release_of_the_button(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    down = {"pointerType": "mouse", "button": 2, "buttons": 2, "bubbles": True, "composed": True}
    grid.tile(7).dispatch_event("pointerdown", down)
    for at in (2, 3, 5):
        box = grid.tile(at).bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 40, steps=3)
        if at == 2:
            page.mouse.down()
    page.mouse.up()
    assert grid.marked() == 4


def test_the_middle_button_over_a_picture_is_left_to_the_browser_that_scrolls_by_it(cars, running, page) -> None:
    _, project = cars
    Grid(page, running, project)
    prevented = (
        "(tile, button) => !tile.dispatchEvent(new MouseEvent('mousedown', {button, bubbles: true, cancelable: true}))"
    )
    assert [page.locator(".tile").first.evaluate(prevented, button) for button in (0, 1)] == [True, False]


def test_a_drag_goes_on_while_the_wheel_scrolls(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    box = grid.tile(0).bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.wheel(0, 1500)
    page.wait_for_function("y => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
                           ".querySelector('.tile').getBoundingClientRect().top < y", arg=box["y"] - 1000)  # fmt: skip
    page.mouse.move(box["x"] + 80, box["y"] + 60, steps=4)
    page.mouse.up()
    assert grid.marked() > 20, "more than a screen of them, by one press"


def test_after_a_press_on_a_reason_or_a_button_with_the_mouse_enter_still_stores_the_page(cars, running, page) -> None:
    store, project = cars
    grid = Grid(page, running, project)
    grid.tile(1).click()
    page.get_by_role("button", name=re.compile("wrong class")).click()
    page.get_by_role("button", name=re.compile("Invert")).click()
    grid.commit()
    grid.stored()
    assert verdicts(store, project) == {"keep": 1, "reject": 99, "undecided": 350}


def test_touch_marks_and_a_long_press_looks(cars, running, browser) -> None:
    _, project = cars
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    grid = Grid(page, running, project)
    grid.tile(1).tap()
    page.locator(".tile[aria-selected=true]").first.wait_for()
    assert grid.marked() == 1
    box = grid.tile(0).bounding_box()
    session = context.new_cdp_session(page)
    point = {"x": box["x"] + 40, "y": box["y"] + 40}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    page.wait_for_selector("dialog.look[open]")
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    time.sleep(0.3)
    page.locator("dialog.look .close").tap()
    page.wait_for_selector("dialog.look", state="hidden")
    assert grid.marked() == 1, "the long press itself marks nothing"
    page.locator(".commit").first.tap()
    grid.painted(1)
    grid.stored()
    context.close()


def test_undo_brings_the_page_back_with_its_marks_also_after_a_reload(cars, running, page) -> None:
    store, project = cars
    grid = Grid(page, running, project)
    images = [grid.image(i) for i in range(3)]
    grid.press("x", "ArrowRight", "7")
    grid.commit()
    grid.press("u")
    grid.painted(0)
    assert grid.marked() == 2
    grid.commit()
    grid.stored()
    assert verdicts(store, project)["reject"] == 2
    page.reload()
    grid.painted(0)
    assert grid.image(0) not in images
    grid.press("u")
    page.wait_for_selector(f".tile[data-image='{images[0]}'][aria-selected=true]")
    grid.stored()
    assert grid.marked() == 2 and [grid.image(i) for i in range(3)] == images
    assert page.locator(".chip:visible").all_text_contents() == ["reject", "blurred"]
    assert verdicts(store, project) == {"undecided": 450}


def test_marks_survive_a_reload_and_a_visit_to_another_page(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    grid.press("2", "ArrowRight", "x")
    page.reload()
    grid.painted(0)
    assert grid.marked() == 2
    assert page.locator(".chip:visible").all_text_contents() == ["drawing or poster", "reject"]
    page.goto(f"{grid.app.url}/jobs")
    grid.open()
    assert grid.marked() == 2


def test_enter_shows_a_page_that_has_learned_from_the_marks_of_this_one(running, page) -> None:
    store, project = seed(running.home, 450, name=next(NAMES))
    described(store, project)
    grid = Grid(page, running, project, order="mixed")

    def here() -> list[int]:
        return [int(tile.get_attribute("data-image")) for tile in page.locator(".tile").all()]

    first = here()
    assert len(first) == 10 and set(page.locator(".tile .why").all_text_contents()) == {"first look"}
    grid.press("End", "x")
    grid.chosen_anew()
    assert store.decision_count(project.id) == 0
    grid.commit()
    reasons = page.locator(".tile .why").all_text_contents()
    assert len(reasons) == 20, "the second page is larger, once the first one is known"
    assert sum("likely bad" in reason for reason in reasons) >= 18 and "first look" not in reasons
    grid.stored()
    shown = {one.image for one in store.judged(project.id) if one.queue}
    assert {*here()} <= shown and grid.errors == []
    store.close()


def test_who_pages_on_faster_than_pages_are_chosen_sees_one_in_the_end(running, page) -> None:
    store, project = seed(running.home, 450, name=next(NAMES))
    described(store, project)
    grid = Grid(page, running, project, order="mixed")
    page.locator(".list").evaluate("list => 'nnnnn'.split('').forEach(key =>"
                                   " list.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, composed: true})))")  # fmt: skip
    page.wait_for_function("() => { const list = document.querySelector('[data-testid=stBidiComponentIsolated]')"
                           ".shadowRoot.querySelector('.list'); return list.dataset.painted > 0 && !list.ariaBusy; }")  # fmt: skip
    grid.commit()
    grid.stored()
    store.close()


class Slow:
    """A slow network: only so many packs arrive, the others wait; and while `deaf` the page hears nothing from the server."""

    def __init__(self, page, packs: float) -> None:
        self.page, self.packs, self.waiting, self.deaf, self.unheard = page, packs, [], False, 0
        page.route("**/winnow/pictures/**", self.pack)
        page.route_web_socket("**/_stcore/stream", self.between)

    def pack(self, route) -> None:
        self.packs -= 1
        if self.packs < 0:
            self.waiting.append(route)
        else:
            route.continue_()

    def between(self, ws) -> None:
        def heard(message) -> None:
            self.unheard += self.deaf
            if not self.deaf:
                ws.send(message)

        ws.connect_to_server().on_message(heard)

    def until(self, happened) -> None:
        for _ in range(300):
            if happened():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("it did not happen within 30 s")

    def arrive(self) -> None:
        self.packs = inf
        for route in self.waiting:
            with suppress(Error):  # nobody waits for it any more
                route.continue_()


def test_the_page_that_enter_goes_to_before_its_pictures_are_there_is_the_one_that_is_noted(running, page) -> None:
    store, project = seed(running.home, 450, name=next(NAMES))
    described(store, project)
    slow = Slow(page, packs=1)
    grid = Grid(page, running, project, order="mixed")

    def here() -> set[int]:
        return {grid.image(n) for n in range(page.locator(".tile").count())}

    slow.until(lambda: slow.waiting)
    slow.deaf = True
    grid.press("End", "x")
    slow.until(lambda: slow.unheard)
    page.wait_for_timeout(2000)  # all of the answer: the next page chosen anew, of which this one never hears
    grid.press("Enter")
    page.wait_for_timeout(500)
    slow.arrive()
    grid.painted(1)
    seen, slow.deaf = here(), False
    grid.stored()
    assert here() == seen
    noted = {one.image for one in store.judged(project.id) if one.bad is None and one.queue != "random"}
    assert noted <= seen, "nothing is noted that nobody saw"
    store.close()


def test_what_is_rejected_beside_the_page_is_so_on_the_next_one_too_that_comes_late(running, page) -> None:
    store, project = seed(running.home, 450, name=next(NAMES))
    described(store, project)
    slow = Slow(page, packs=inf)
    grid = Grid(page, running, project, order="mixed")
    page.wait_for_selector(".list[data-next='0']")
    slow.packs = 1
    page.locator(".list").evaluate(
        "list => ['End', 'x', 'l'].forEach(key =>"
        " list.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, composed: true})))"
    )
    page.locator("dialog.many[open] .tile img").first.wait_for()
    slow.until(lambda: slow.waiting)
    slow.deaf = True
    grid.press("End", "Enter")
    slow.arrive()
    grid.chosen_anew()
    page.wait_for_timeout(1000)  # a second press at once would not count
    grid.commit()
    assert grid.marked() > 5, "these wait to be stored, and are not asked for again"
    slow.deaf = False
    grid.stored()
    assert not page.locator(".warning:visible").count()
    store.close()


def test_two_reviewers_get_different_pages_and_every_decision_is_stored(cars, running, browser) -> None:
    store, project = cars
    ann, ben = (Grid(browser.new_context().new_page(), running, project, name) for name in ("Ann", "Ben"))
    first, second = ({grid.image(i) for i in range(100)} for grid in (ann, ben))
    assert not first & second
    for grid in (ann, ben):
        grid.press("x")
        grid.commit()
    for grid in (ann, ben):
        grid.stored()
    assert verdicts(store, project) == {"keep": 198, "reject": 2, "undecided": 250}
    for grid in (ann, ben):
        grid.page.context.close()


def test_a_conflict_is_shown_on_the_tile_and_overwrites_nothing(cars, running, page) -> None:
    store, project = cars
    deaf = []  # while there is something in it, the page hears nothing from the server

    def between(ws) -> None:
        server = ws.connect_to_server()
        server.on_message(lambda message: deaf or ws.send(message))

    page.route_web_socket("**/_stcore/stream", between)
    grid = Grid(page, running, project, "Ann", show="any")
    image = grid.image(0)
    deaf.append(True)
    ben = Decision(image, "reject", "blurred", version=0)
    assert store.apply(project.id, Operation(str(uuid.uuid4()), "Ben", (ben,))).stored == 1
    grid.commit()
    deaf.clear()
    page.wait_for_selector(".warning:not([hidden])", timeout=30000)
    assert "Ben had decided on 1 picture meanwhile" in page.locator(".warning").text_content()
    page.get_by_role("button", name="Show").click()
    tile = page.locator(f".tile[data-image='{image}']")
    tile.wait_for()
    assert tile.locator(".chip").text_content() == "Ben: reject, blurred"
    (record,) = store.images_by_id(project.id, [image])
    assert (record.verdict, record.reason, record.version) == ("reject", "blurred", 1)
    assert verdicts(store, project)["keep"] == 99


def test_a_decision_of_somebody_else_appears_on_the_open_page(cars, running, browser) -> None:
    _, project = cars
    ann, ben = (Grid(browser.new_context().new_page(), running, project, name, show="any") for name in ("Ann", "Ben"))
    ben.press("x")
    ben.commit()
    ben.stored()
    ann.page.wait_for_selector(".tile.other", timeout=60_000)
    assert ann.tile(0).locator(".chip").text_content() == "Ben: reject"
    for grid in (ann, ben):
        grid.page.context.close()


def test_the_large_view_tells_where_a_picture_came_from_and_gives_it_another_class(cars, running, page) -> None:
    store, project = cars
    grid = Grid(page, running, project)
    image = grid.image(0)
    grid.press("f")
    look = page.locator("dialog.look")
    look.get_by_text("creativecommons").or_(look.get_by_role("link", name="by")).first.wait_for()
    number = store.images_by_id(project.id, [image])[0].origin.split("/")[-1].removesuffix(".jpg")
    assert look.get_by_text(f"Ann {number}").is_visible()
    assert (
        look.get_by_role("link", name=f"https://example.org/page/{number}").get_attribute("rel")
        == "noopener noreferrer nofollow"
    )
    page.wait_for_function("() => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
                           ".querySelector('.picture img')?.src.includes('large=')")  # fmt: skip
    grid.press("ArrowRight")
    assert grid.cursor() == grid.image(1)
    grid.press("ArrowLeft", "r")
    was = look.locator("select").input_value()
    other = next(c for c in project.classes if c != was)
    look.locator("select").select_option(other)
    grid.stored()
    (record,) = store.images_by_id(project.id, [image])
    assert (record.label, record.verdict, record.source_label) == (other, "keep", was)
    look.get_by_text(f"keep as {other}").or_(look.get_by_text(re.compile(f"as {other}"))).first.wait_for()
    grid.press("f")
    assert look.is_hidden()


def test_names_from_outside_are_shown_as_text(running, page) -> None:
    evil = "<img src=x onerror=alert(1)>"
    store, project = seed(running.home, 30, name=f"{evil} {next(NAMES)}", classes=(evil, '"><script>alert(2)</script>'), creator=evil, title=evil,
                          page="javascript:alert(3)", licence_url="data:text/html,x")  # fmt: skip
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    grid = Grid(page, running, project, evil)
    assert grid.tile(0).locator(".label").text_content() in project.classes
    grid.press("f")
    page.locator("dialog.look dd", has_text="javascript:alert(3)").first.wait_for()
    assert page.locator("dialog.look a").evaluate_all("all => all.map(a => new URL(a.href).protocol)") == ["https:"]
    grid.press("Escape", "x")
    grid.press("Enter")
    page.wait_for_selector(".finish")
    grid.stored()
    assert dialogs == []
    store.close()


def test_six_pages_sixty_milliseconds_apart_are_each_stored_exactly_once(running, page) -> None:
    store, project = seed(running.home, 800, name=next(NAMES))
    grid = Grid(page, running, project)
    time.sleep(2)  # four pages ahead are decoded by now
    for _ in range(6):
        grid.commit()
        time.sleep(0.06)
    grid.stored()
    assert verdicts(store, project) == {"keep": 600, "undecided": 200}
    assert {record.version for record in store.images(project.id) if record.verdict == "keep"} == {1}
    store.close()


def test_an_idle_tab_delivers_after_the_server_was_killed_and_started_again(app, page, home) -> None:
    running = app(home)
    store, project = seed(home, 450)
    grid = Grid(page, running, project)
    grid.commit()
    grid.stored()
    running.stop()
    grid.press("x", "Enter")  # kept by the browser, whether or not it has the next page
    time.sleep(1)
    running.start()
    grid.stored()
    assert verdicts(store, project) == {"keep": 199, "reject": 1, "undecided": 250}
    assert {who for record in store.images(project.id) for _, who, *_ in store.history(record.id)} == {"Ann"}


def test_what_was_not_delivered_survives_closing_the_page(app, page, home) -> None:
    running = app(home)
    store, project = seed(home, 450)
    grid = Grid(page, running, project)
    running.stop()
    grid.press("4", "Enter")
    page.goto("about:blank")
    running.start()
    grid.open()
    grid.stored()
    assert verdicts(store, project) == {"keep": 99, "reject": 1, "undecided": 350}


def test_a_typed_name_is_remembered_by_the_browser_and_pages_wait_for_it(cars, running, browser) -> None:
    store, project = cars
    page = browser.new_page()
    page.goto(f"{running.url}/review?project={project.name}")
    page.wait_for_selector(".list[data-painted]")
    page.get_by_role("textbox", name="Your name").fill("Zoë")
    page.get_by_role("textbox", name="Your name").press("Enter")
    page.wait_for_function("() => localStorage.getItem('winnow:reviewer') === '\"Zoë\"'")
    page.reload()
    page.wait_for_selector(".list[data-painted]")
    assert page.get_by_role("textbox", name="Your name").input_value() == "Zoë"
    page.keyboard.press("Enter")
    page.wait_for_selector(".list[data-painted='1']")
    page.wait_for_selector(".stored:text('all stored')")
    (image,) = [record for record in store.images(project.id) if record.verdict == "keep"][:1]
    assert [entry[1] for entry in store.history(image.id)] == ["Zoë"]
    page.close()


def test_a_key_held_down_stores_one_page_only(cars, running, page) -> None:
    store, project = cars
    grid = Grid(page, running, project)
    for _ in range(5):
        page.keyboard.down("Enter")  # without an up in between: repeats
    page.keyboard.up("Enter")
    grid.painted(1)
    grid.stored()
    assert verdicts(store, project)["keep"] == 100


def test_the_keys_work_at_once_after_coming_from_another_page_and_after_choosing_a_filter(cars, running, page) -> None:
    _, project = cars
    grid = Grid(page, running, project)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Jobs").click()
    page.locator("h1", has_text="Jobs").wait_for()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Review").click()
    grid.painted()
    grid.press("x")
    assert grid.marked() == 1
    grid.press("/")
    page.keyboard.type("coupe")
    grid.press("Enter")
    page.wait_for_function("() => { const labels = [...document.querySelector('[data-testid=stBidiComponentIsolated]')"
                           "?.shadowRoot.querySelectorAll('.tile .label') ?? []];"
                           " return labels.length && labels.every(label => label.textContent === 'coupe'); }")  # fmt: skip
    before = grid.marked()
    grid.press("End", "x")
    assert grid.marked() == before + 1
    assert "class=coupe" in page.url


@pytest.mark.slow
def test_a_thousand_decisions_by_keyboard_alone(running, page) -> None:
    store, project = seed(running.home, 1000, name=next(NAMES), size=128)
    grid = Grid(page, running, project)
    expected = Counter()
    for number in range(10):
        for step in range(5):
            grid.press(str(1 + (number + step) % 9), "ArrowRight")
            expected[REASONS[(number + step) % 9]] += 1
        grid.commit()
    page.wait_for_selector(".finish")
    grid.stored()
    assert Counter(r.reason for r in store.images(project.id) if r.verdict == "reject") == expected
    assert verdicts(store, project) == {"keep": 950, "reject": 50}
    assert store.decision_count(project.id) == 1000
    store.close()
