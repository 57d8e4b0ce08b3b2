"""Many pictures by one press, in a real browser: the look-alikes of one up to a border, and stacks of likely rejects."""

from __future__ import annotations

import itertools
import uuid

import pytest

from core.model import Decision, Operation
from tests.browser.conftest import seed
from tests.browser.test_grid import Grid
from tests.pages.vectors import described, kind

pytestmark = pytest.mark.browser
NAMES = (f"many {n}" for n in itertools.count())


@pytest.fixture
def cars(running):
    """160 pictures with vectors, two fifths of them bad in one of two ways; the first 40 are decided."""
    store, project = seed(running.home, 160, name=next(NAMES), size=128)
    ids = described(store, project)
    done = tuple(Decision(i, "reject" if kind(i) < 2 else "keep") for i in ids[:40])
    store.apply(project.id, Operation(str(uuid.uuid4()), "Zoë", done))
    yield running.store, project
    store.close()


class Many(Grid):
    """The dialog over the grid."""

    def ask(self, key: str = "l") -> None:
        self.press(key)
        self.shown()

    def shown(self) -> None:
        self.page.wait_for_selector("dialog.many[open] .many-list[data-painted] .tile", timeout=60_000)
        self.page.wait_for_timeout(700)  # a press soon after another one counts as the same

    def one(self, at: int):
        return self.page.locator("dialog.many .tile").nth(at)

    def ids(self) -> list[int]:
        return [int(one.get_attribute("data-image")) for one in self.page.locator("dialog.many .tile").all()]

    def going(self) -> list[int]:
        chosen = self.page.locator("dialog.many .tile[aria-selected=true]").all()
        return [int(one.get_attribute("data-image")) for one in chosen]

    def border(self, to: int) -> None:
        self.page.locator("dialog.many input[type=range]").fill(str(to))

    def words(self) -> str:
        return self.page.locator("dialog.many").inner_text()

    def closed(self) -> None:
        self.page.wait_for_selector("dialog.many", state="hidden")


def rejected(store, project) -> dict[int, str]:
    """What Ann rejected -> why."""
    found = {r.id: r.reason for r in store.images(project.id) if r.verdict == "reject"}
    return {image: reason for image, reason in found.items() if store.history(image)[-1][1] == "Ann"}


def to_a_bad_one(grid: Grid) -> int:
    """The cursor on the first picture that is bad in the first way."""
    at = next(n for n in range(60) if kind(grid.image(n)) == 0)
    grid.press(*["ArrowRight"] * at)
    return grid.image(at)


def test_exactly_what_is_chosen_is_rejected_as_one_operation_and_one_undo_takes_it_back(cars, running, page) -> None:
    store, project = cars
    grid = Many(page, running, project, order="found")
    image = to_a_bad_one(grid)
    grid.ask()
    ids = grid.ids()
    assert ids[0] == image and grid.going()[0] == image
    assert len(ids) == 120 and grid.words().count("Reject all like this") == 1
    same = sum(kind(i) == 0 for i in ids)
    assert {kind(i) for i in ids[:same]} == {0}, "those of its kind come first"
    assert same <= len(grid.going()) <= 61, "the learner proposes them"
    grid.border(12)
    assert grid.going() == ids[:12] and "first 12 of 120" in grid.words()
    grid.one(4).click()
    grid.one(20).click()
    chosen = [*ids[:4], *ids[5:12], ids[20]]
    assert grid.going() == chosen and "Reject 12, keep 1" in grid.words()
    grid.press("3", "Enter")
    grid.closed()
    grid.stored()
    assert rejected(store, project) == {i: "wrong class" for i in chosen}
    assert store.decision_count(project.id) == 40 + 13
    assert store.image(project.id, ids[4]).verdict == "keep", "who takes it out has looked at it"
    on_page = [grid.image(n) for n in range(100)]
    assert page.locator(".tile.rejected").count() == len(set(on_page) & set(chosen)) > 3
    page.wait_for_timeout(700)
    grid.press("u")
    grid.stored()
    assert rejected(store, project) == {} and store.decision_count(project.id) == 40 + 26
    assert store.image(project.id, ids[4]).verdict == "undecided"
    assert grid.tile(0).is_visible() and page.locator(".tile.rejected").count() == 0
    assert grid.errors == []


def test_it_works_by_keys_alone(cars, running, page) -> None:
    store, project = cars
    grid = Many(page, running, project, order="found")
    to_a_bad_one(grid)
    grid.ask()
    ids = grid.ids()
    grid.press("Home")
    assert grid.going() == ids[:1]
    grid.press("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft")
    border = len(grid.going())
    assert border > 3 and grid.going() == ids[:border]
    grid.press("Shift+ArrowLeft", "x")
    assert grid.going() == [*ids[: border - 2], ids[border - 1]]
    grid.press("x")
    assert grid.going() == ids[:border]
    grid.press("ArrowLeft", "x")
    assert grid.going() == ids[: border - 2], "without a cursor x means the last one before the border"
    assert page.locator("dialog.many .chip:visible").all_text_contents() == ["this one", "keep"]
    grid.press("End", "c", "/")  # what means something elsewhere means nothing here
    assert len(grid.going()) == 119
    grid.press("Escape")
    grid.closed()
    assert grid.marked() == 0 and rejected(store, project) == {}
    grid.press("x")
    assert grid.marked() == 1, "the keys belong to the grid again"


def test_two_presses_store_once_and_never_the_page_behind(cars, running, page) -> None:
    store, project = cars
    grid = Many(page, running, project, order="found")
    to_a_bad_one(grid)
    grid.ask()
    grid.border(5)
    chosen = grid.going()
    grid.press("Enter", "Enter")
    page.keyboard.press("Enter")
    grid.stored()
    assert set(rejected(store, project)) == set(chosen) and store.decision_count(project.id) == 45
    page.wait_for_timeout(700)
    grid.ask()
    grid.border(4)
    page.get_by_role("button", name="Reject 3").dblclick()  # the picture itself was rejected by the first press
    grid.closed()
    grid.stored()
    assert store.decision_count(project.id) == 48
    assert grid.page.locator(".list").get_attribute("data-painted") == "0"


def test_up_to_here_by_mouse_and_in_the_large_view(cars, running, page) -> None:
    _, project = cars
    grid = Many(page, running, project, order="found")
    image = to_a_bad_one(grid)
    page.get_by_role("button", name="All like this").click()
    grid.shown()
    grid.one(6).hover()
    grid.one(6).locator(".to-here").click()
    assert grid.going() == grid.ids()[:7]
    page.get_by_role("button", name="Cancel").click()
    grid.closed()
    grid.press("f")
    page.wait_for_selector("dialog.look[open]")
    grid.ask()
    assert page.locator("dialog.look").is_hidden() and grid.ids()[0] == image


def test_what_somebody_else_decided_meanwhile_stands_and_is_said(cars, running, page) -> None:
    store, project = cars
    grid = Many(page, running, project, order="found")
    to_a_bad_one(grid)
    grid.ask()
    grid.border(6)
    ids = grid.going()
    ben = Operation(str(uuid.uuid4()), "Ben", (Decision(ids[2], "keep"),))
    assert store.apply(project.id, ben).stored == 1
    grid.press("Enter")
    page.wait_for_selector(".warning:not([hidden])", timeout=30_000)
    assert "Ben had decided on 1 picture meanwhile" in page.locator(".warning").text_content()
    grid.stored()
    assert set(rejected(store, project)) == {*ids[:2], *ids[3:]}
    assert store.images_by_id(project.id, [ids[2]])[0].verdict == "keep"


def test_stacks_are_rejected_one_after_the_other_and_taken_back(cars, running, page) -> None:
    store, project = cars
    grid = Many(page, running, project, order="mixed", size="50")
    page.get_by_role("button", name="Stacks of likely rejects").wait_for()
    grid.ask("s")
    first = grid.ids()
    assert len({kind(i) for i in first}) == 1 and grid.going() == first and "stack 1 of" in grid.words()
    grid.press("n")
    page.wait_for_selector(f"dialog.many .many-list:not([data-painted='{first[0]}'])")
    grid.shown()
    second = grid.ids()
    assert not set(first) & set(second) and "stack 2 of" in grid.words()
    grid.press("p")
    page.wait_for_selector(f"dialog.many .many-list[data-painted='{first[0]}']")
    grid.shown()
    grid.one(0).click()
    grid.press("1", "Enter", "Enter")
    page.wait_for_selector(f"dialog.many .many-list:not([data-painted='{first[0]}'])")
    grid.shown()
    grid.stored()
    assert rejected(store, project) == {i: "interior" for i in first[1:]}
    assert not set(grid.ids()) & set(first[1:])
    grid.press("u")
    page.wait_for_selector("dialog.many .said:text('wait for a decision again')")
    grid.stored()
    assert rejected(store, project) == {}
    grid.press("u")
    page.wait_for_selector("dialog.many .said:text('nothing to undo here')")
    grid.press("Escape")
    grid.closed()
    assert grid.errors == []


def test_when_all_stacks_are_rejected_it_says_so(cars, running, page) -> None:
    store, project = cars
    grid = Many(page, running, project, order="mixed", size="50")
    page.get_by_role("button", name="Stacks of likely rejects").wait_for()
    grid.ask("s")
    for _ in range(12):
        if page.locator("dialog.many .finish").count():
            break
        grid.press("Enter")
        page.wait_for_timeout(1500)
    page.locator("dialog.many .finish", has_text="no stack of likely rejects").wait_for()
    grid.stored()
    assert len(rejected(store, project)) > 30 and {kind(i) for i in rejected(store, project)} <= {0, 1, 2}
    grid.press("Escape")
    page.get_by_role("button", name="Stacks of likely rejects").wait_for(state="hidden")


def test_on_a_telephone_it_fits_and_works_by_touch(cars, running, browser) -> None:
    store, project = cars
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    grid = Many(page, running, project, order="found")
    at = next(n for n in range(60) if kind(grid.image(n)) == 0)
    grid.tile(at).tap()
    page.get_by_role("button", name="All like this").tap()
    grid.shown()
    ids = grid.ids()
    grid.one(5).locator(".to-here").tap()
    grid.one(1).tap()
    assert grid.going() == [ids[0], *ids[2:6]]
    wide = "e => [e.scrollWidth - e.clientWidth, e.getBoundingClientRect().right]"
    assert page.locator("dialog.many").evaluate(wide) == [0, 390]
    assert page.locator(".many-list").evaluate(wide)[0] <= 0
    page.get_by_role("button", name="Reject 5").tap()
    grid.closed()
    grid.stored()
    assert set(rejected(store, project)) == {ids[0], *ids[2:6]}
    context.close()


def test_without_vectors_it_says_what_to_do(running, page) -> None:
    store, project = seed(running.home, 30, name=next(NAMES), size=128)
    grid = Many(page, running, project, order="found")
    image = grid.image(0)
    grid.ask()
    assert grid.ids() == [image] and "Clean the project first" in grid.words()
    assert page.locator(".piles").is_hidden()
    grid.press("Enter")
    grid.closed()
    grid.stored()
    assert set(rejected(store, project)) == {image}
    store.close()


def test_what_is_chosen_is_delivered_after_the_server_was_started_again(app, page, home) -> None:
    running = app(home)
    store, project = seed(home, 160, size=128)
    described(store, project)
    grid = Many(page, running, project, order="found")
    to_a_bad_one(grid)
    grid.ask()
    grid.border(9)
    chosen = grid.going()
    running.stop()
    grid.press("Enter")
    grid.closed()
    running.start()
    grid.stored()
    assert set(rejected(store, project)) == set(chosen) and store.decision_count(project.id) == 9
    page.wait_for_timeout(700)
    grid.ask()
    assert not set(grid.ids()[1:]) & set(chosen)
    store.close()
