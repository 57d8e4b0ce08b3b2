"""The crop in the large view, in a real browser: what a reviewer draws, and what the database then holds."""

from __future__ import annotations

import itertools
import re

import pytest

from core.model import Detection
from tests.browser.conftest import seed
from tests.browser.test_grid import Grid
from tests.pages import filled

pytestmark = pytest.mark.browser

SIZE = (256, 192)  # px, width and height of the drawn pictures
CHOSEN = (32.0, 24.0, 160.0, 120.0)  # the detector's crop
SEEN = [Detection("car", 0.912, (36, 28, 156, 116)), Detection("traffic light", 0.4, (200, 20, 240, 60))]
NAMES = (f"crops {n}" for n in itertools.count())


@pytest.fixture
def cars(running):
    """30 pictures, in each of which a detector saw two things and chose a crop."""
    store, project = seed(running.home, 30, name=next(NAMES))
    _, claim = filled.begin(store, project, "clean")
    ids = [record.id for record in store.images(project.id)]
    store.add_detections(claim, project.id, "yolo", dict.fromkeys(ids, SEEN))
    store.set_crops(claim, project.id, dict.fromkeys(ids, CHOSEN))
    store.finish(claim, "done")
    yield store, project
    store.close()


class Large(Grid):
    """The large view on the first picture."""

    def __init__(self, page, app, project, **query: str) -> None:
        super().__init__(page, app, project, order="found", **query)
        self.look = page.locator("dialog.look")
        self.press("f")
        self.known()

    def known(self) -> None:
        self.look.locator(".cropping:visible").wait_for()

    def button(self, name: str):
        return self.look.get_by_role("button", name=re.compile(name))

    def change(self) -> None:
        self.press("b")
        self.look.locator(".handle.se:visible").wait_for()

    def drag(self, selector: str, across: float, down: float, beside: tuple[float, float] = (0.5, 0.5)) -> None:
        """Drag with the mouse, by shares of the picture; `beside` says where in the element it begins."""
        stage, box = (self.look.locator(s).bounding_box() for s in (".stage", selector))
        x, y = box["x"] + beside[0] * box["width"], box["y"] + beside[1] * box["height"]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + across * stage["width"] / 2, y + down * stage["height"] / 2)
        self.page.mouse.move(x + across * stage["width"], y + down * stage["height"])
        self.page.mouse.up()


def box(store, project, image: int) -> tuple[float, ...]:
    return store.image(project.id, image).box


def near(*wanted: float):
    return pytest.approx(wanted, abs=1.5)


def test_a_dragged_corner_is_saved_and_u_brings_the_detectors_crop_back(cars, running, page) -> None:
    store, project = cars
    large = Large(page, running, project)
    image = large.image(0)
    assert "Chosen by the detector" in large.look.locator(".cropping").text_content()
    large.change()
    large.drag(".handle.se", 0.25, 0.125)
    large.button("Save the crop").click()
    large.stored()
    assert box(store, project, image) == near(32, 24, 224, 144)
    record = store.image(project.id, image)
    assert (record.verdict, record.version) == ("keep", 1)
    large.look.get_by_text("cropped by hand").wait_for()
    assert "Drawn by hand. Only this part is what the model will learn from." in large.look.text_content()
    large.press("u")
    large.look.get_by_text("crop taken back").wait_for()
    large.stored()
    assert box(store, project, image) == CHOSEN
    assert store.image(project.id, image).verdict == "undecided"
    assert "Chosen by the detector" in large.look.locator(".cropping").text_content()
    assert large.errors == []


def test_each_side_moves_alone_the_inside_moves_all_and_nothing_leaves_the_picture(cars, running, page) -> None:
    store, project = cars
    large = Large(page, running, project)
    large.change()
    large.drag(".handle.w", 0.125, 0.3)
    large.drag(".handle.s", 0.3, 0.125)
    large.drag(".crop", 0.0625, 0, beside=(0.5, 0.75))
    large.press("Enter")
    large.stored()
    assert box(store, project, large.image(0)) == near(80, 24, 176, 144)
    large.change()
    large.drag(".crop", 0.9, 0.9, beside=(0.5, 0.75))
    large.drag(".handle.nw", 0.9, 0.9)
    large.press("Enter")
    large.stored()
    assert box(store, project, large.image(0)) == near(240, 176, *SIZE)


def test_a_drag_beside_the_crop_draws_a_new_one_and_a_mere_press_does_not(cars, running, page) -> None:
    store, project = cars
    large = Large(page, running, project)
    large.change()
    large.drag(".stage", 0, 0, beside=(0.75, 0.75))
    assert "128 × 96 of 256 × 192 px" in large.look.text_content()
    large.drag(".stage", -0.5, -0.25, beside=(0.875, 0.875))
    large.press("Enter")
    large.stored()
    assert box(store, project, large.image(0)) == near(96, 120, 224, 168)


def test_the_keys_change_the_crop_and_none_of_the_grids_keys_fires(cars, running, page) -> None:
    store, project = cars
    large = Large(page, running, project)
    image = large.image(0)
    large.change()
    large.press("x", "3", "a", "n", "r", "Home", "?", "u", "/")
    large.press(*["ArrowRight"] * 10, *["ArrowUp"] * 2, *["Shift+ArrowLeft"] * 5, *["Shift+ArrowDown"] * 10)
    assert large.cursor() == image and large.marked() == 0 and page.locator("dialog.help").is_hidden()
    large.press("Enter")
    large.stored()
    assert [record.version for record in store.images(project.id) if record.version] == [1]
    assert box(store, project, image) == pytest.approx((57.6, 18.9, 172.8, 140.5), abs=6)
    large.press("ArrowRight")
    assert large.cursor() == large.image(1), "afterwards the keys mean the pictures again"


def test_a_detected_box_that_is_pressed_is_taken_as_the_crop(cars, running, page) -> None:
    store, project = cars
    large = Large(page, running, project)
    large.look.locator(".outline", has_text="traffic light 40 %").click()
    large.press("Enter")
    large.stored()
    assert box(store, project, large.image(0)) == (200, 20, 240, 60)
    large.change()
    large.button("car, 91 % sure").click()
    large.press("Enter")
    large.stored()
    assert box(store, project, large.image(0)) == (36, 28, 156, 116)


def test_two_pictures_in_a_row_and_one_of_them_twice_without_a_reload(cars, running, page) -> None:
    store, project = cars
    large = Large(page, running, project)
    for _ in range(2):
        large.change()
        large.press(*["Shift+ArrowRight"] * 4, "Enter")
    large.press("ArrowRight")
    large.known()
    assert "128 × 96" in large.look.text_content()
    large.change()
    large.press(*["Shift+ArrowLeft"] * 4, "Enter")
    large.stored()
    first, second = (store.image(project.id, large.image(at)) for at in (0, 1))
    assert (first.version, second.version) == (2, 1)
    assert first.box == pytest.approx((32, 24, 182, 120), abs=3)
    assert second.box == pytest.approx((32, 24, 149, 120), abs=3)
    large.press("ArrowLeft")
    large.look.get_by_text("Drawn by hand").wait_for()
    large.press("u")
    large.stored()
    assert large.cursor() == large.image(1), "undo goes to the picture it is about"
    assert box(store, project, large.image(1)) == CHOSEN


@pytest.mark.parametrize("way", ["Escape", "Cancel", "close"])
def test_what_is_given_up_is_not_stored(cars, running, page, way) -> None:
    store, project = cars
    large = Large(page, running, project)
    large.change()
    large.press("ArrowRight", "ArrowRight")
    if way == "Escape":
        large.press("Escape")
    else:
        large.look.locator(".close").click() if way == "close" else large.button("Cancel").click()
    assert large.look.is_hidden() == (way == "close"), "giving up a crop leaves the large view open"
    if way == "close":
        large.press("f")
        large.known()
    assert "128 × 96" in large.look.text_content() and large.look.locator(".handle").first.is_hidden()
    page.wait_for_timeout(600)
    assert store.decision_count(project.id) == 0
    assert {record.box for record in store.images(project.id)} == {CHOSEN}


def test_the_whole_picture_takes_the_place_of_a_crop_and_a_crop_that_of_the_whole_picture(cars, running, page) -> None:
    store, project = cars
    large = Large(page, running, project)
    large.button("Use the whole picture").click()
    large.stored()
    assert box(store, project, large.image(0)) == (0, 0, *SIZE)
    assert "The whole picture, chosen by hand" in large.look.text_content()
    assert large.look.locator(".crop").is_hidden() and large.button("Use the whole picture").is_hidden()
    large.button("Draw a crop").click()
    large.drag(".handle.nw", 0.25, 0.25)
    large.press("Enter")
    large.stored()
    assert box(store, project, large.image(0)) == near(64, 48, *SIZE)


def test_what_the_detector_saw_can_be_hidden_and_stays_so(cars, running, page) -> None:
    _, project = cars
    large = Large(page, running, project)
    assert large.look.locator(".outline:visible").count() == 2
    large.button("Show what the detector saw").click()
    assert large.look.locator(".outline:visible").count() == 0
    large.open()
    large.press("f")
    large.known()
    assert large.look.locator(".outline:visible").count() == 0
    assert large.button("Show what the detector saw").get_attribute("aria-pressed") == "false"


def test_a_finger_changes_the_crop_on_a_telephone(cars, running, browser) -> None:
    store, project = cars
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    large = Large(page, running, project)
    large.button("Change the crop").tap()
    large.look.locator(".handle.nw:visible").wait_for()  # a tap becomes a click a little later
    stage, handle = (large.look.locator(s).bounding_box() for s in (".stage", ".handle.nw"))
    assert handle["width"] >= 24 and handle["height"] >= 24
    session = context.new_cdp_session(page)
    start = (handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    for kind, share in (("touchStart", 0), ("touchMove", 0.1), ("touchMove", 0.25), ("touchEnd", None)):
        moved = [] if share is None else [{"x": start[0] + share * stage["width"], "y": start[1]}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": moved})
        page.wait_for_timeout(200)  # a tap in the same instant as a swipe counts as a part of it
    large.button("Save the crop").tap()
    large.look.get_by_text("Kept, with your crop.").wait_for()
    large.stored()
    assert box(store, project, large.image(0)) == near(96, 24, 160, 120)
    context.close()
