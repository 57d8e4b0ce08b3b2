"""Another class for pictures, in a real browser: by key, for many at once, and with two classes side by side."""

from __future__ import annotations

import itertools
import uuid

import pytest

from core.model import Decision, Finding, Operation
from tests.browser.conftest import seed
from tests.browser.test_many import Grid, Many, to_a_bad_one
from tests.pages import filled
from tests.pages.vectors import described, kind

pytestmark = pytest.mark.browser
NAMES = (f"labels {n}" for n in itertools.count())


@pytest.fixture
def cars(running):
    """120 pictures with vectors, 20 decided; of those after, clean noticed five sedans that look like coupes and two coupes
    that look like sedans."""
    store, project = seed(running.home, 120, name=next(NAMES), size=128)
    ids = described(store, project)
    store.apply(
        project.id,
        Operation(str(uuid.uuid4()), "Zoë", tuple(Decision(i, "reject" if kind(i) < 2 else "keep") for i in ids[:20])),
    )
    of = {name: [r.id for r in store.images(project.id) if r.label == name][10:] for name in project.classes}
    found = [issue(i, "coupe", "sedan", 95 - n) for n, i in enumerate(of["sedan"][:5])]
    found += [issue(i, "sedan", "coupe", 90 - n) for n, i in enumerate(of["coupe"][:2])]
    _, claim = filled.begin(store, project, "clean")
    store.replace_findings(claim, project.id, ["label_issue"], found)
    store.finish(claim, "done", {"borders": {}, "embedder": "drawn"})
    yield running.store, project, of
    store.close()


def issue(image: int, like: str, label: str, chance: int) -> Finding:
    note = f"looks more like {like} ({chance}%) than {label} (2%); 9 of the 10 most similar pictures are {like}"
    return Finding(image, "label_issue", 0.5 + chance / 200, "embedding", note=note)


def by_ann(store, project) -> dict[int, tuple[str, str, str]]:
    """What Ann decided -> (verdict, reason, class)."""
    found = {r.id: (r.verdict, r.reason, r.label) for r in store.images(project.id) if r.version}
    return {image: said for image, said in found.items() if store.history(image)[-1][1] == "Ann"}


def sides(grid: Many) -> Many:
    grid.press("v")
    grid.shown()
    return grid


def test_a_key_gives_the_class_that_a_picture_looks_like_with_the_page_and_undo_takes_it_back(
    cars, running, page
) -> None:
    store, project, of = cars
    grid = Grid(page, running, project, order="labels", size="50")
    first, second = grid.image(0), grid.image(1)
    assert [first, second] == of["sedan"][:2], "wrong class first, the surest first"
    assert grid.tile(0).locator(".why").text_content() == "looks like coupe, 95%"
    grid.press("c")
    assert grid.tile(0).locator(".chip").text_content() == "→ coupe"
    grid.press("c")
    assert grid.tile(0).locator(".chip").is_hidden(), "taken back"
    grid.press("c", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "c")
    assert page.locator(".tile.moves").count() == 4
    page.reload()
    grid.painted()
    assert page.locator(".tile.moves").count() == 4, "not stored, and not forgotten"
    grid.press("ArrowRight", "x")
    assert page.get_by_role("button", name="Keep 49 (3 moved), reject 1").is_visible()
    assert by_ann(store, project) == {}
    grid.commit()
    grid.stored()
    said = by_ann(store, project)
    assert said[first] == ("keep", "", "coupe") and said[second] == ("reject", "", "sedan") and len(said) == 50
    assert [said[i][2] for i in of["sedan"][2:5]] == ["coupe", "coupe", "sedan"]
    grid.press("u")
    grid.painted(0)
    grid.stored()
    assert {r.label for r in store.images_by_id(project.id, of["sedan"])} == {"sedan"}
    assert page.locator(".tile.moves").count() == 3 and grid.errors == []


def test_where_it_is_not_sure_the_key_opens_the_list_of_classes(cars, running, page) -> None:
    _, project, _ = cars
    grid = Grid(page, running, project, order="labels", size="50")
    grid.press("End", "c")
    page.wait_for_selector("dialog.look[open] select:focus")


def test_all_like_this_get_another_class_as_one_operation(cars, running, page) -> None:
    store, project, _ = cars
    grid = Many(page, running, project, order="found")
    to_a_bad_one(grid)
    grid.ask()
    ids = grid.ids()
    labels = {r.id: r.label for r in store.images(project.id)}
    target = next(name for name in project.classes if name != labels[ids[0]])
    page.locator("dialog.many .fate").select_option(target)
    assert f"Give all like this the class {target}" in grid.words() and "Reason" not in grid.words()
    grid.border(6)
    grid.one(3).click()
    assert "Move 5, keep 1" in grid.words()
    grid.press("Enter")
    grid.closed()
    grid.stored()
    moved = [*ids[:3], *ids[4:6]]
    assert by_ann(store, project) == {i: ("keep", "", target) for i in moved} | {ids[3]: ("keep", "", labels[ids[3]])}
    page.wait_for_timeout(700)
    grid.press("u")
    grid.stored()
    now = store.images_by_id(project.id, ids[:6])
    assert [(r.verdict, r.label) for r in now] == [("undecided", labels[r.id]) for r in now] and grid.errors == []


def test_two_classes_lie_side_by_side_and_only_what_is_marked_is_stored(cars, running, page) -> None:
    store, project, of = cars
    grid = sides(Many(page, running, project, order="found"))
    heads = page.locator("dialog.many h4").all_text_contents()
    assert heads[0].startswith("coupe") and "like sedan" in heads[0] and heads[1].startswith("sedan")
    left, right = (
        [int(t.get_attribute("data-image")) for t in column.locator(".tile").all()]
        for column in page.locator("dialog.many section").all()
    )
    assert left[:2] == of["coupe"][:2] and right[:5] == of["sedan"][:5] and page.locator(".to-here").count()
    number = len(left)
    grid.one(0).click()
    grid.one(number).click()
    grid.one(number + 1).click()
    grid.one(number + 1).click()  # taken back
    grid.press("ArrowRight", "x")
    marks = page.locator("dialog.many .chip:visible").all_text_contents()
    assert marks == ["→ sedan", "→ coupe", "wrong class"] and "Move 2, reject 1" in grid.words()
    grid.press("Enter", "Enter")
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot.querySelector('.many .moves')"
    )
    grid.stored()
    rejected = next(i for i, said in by_ann(store, project).items() if said[0] == "reject")
    assert by_ann(store, project) == {
        left[0]: ("keep", "", "sedan"), right[0]: ("keep", "", "coupe"), rejected: ("reject", "wrong class", "sedan")
    }  # fmt: skip
    assert rejected in right
    page.wait_for_timeout(1500)
    grid.press("u")
    page.wait_for_selector("dialog.many .said:text('wait for a decision again')")
    grid.stored()
    assert {r.verdict for r in store.images_by_id(project.id, [left[0], right[0], rejected])} == {"undecided"}
    assert grid.errors == []


def test_the_rest_is_kept_by_a_press_of_its_own(cars, running, page) -> None:
    store, project, _ = cars
    grid = sides(Many(page, running, project, order="found"))
    ids = grid.ids()
    grid.one(len(ids) - 1).click()
    page.get_by_role("button", name=f"Move 1, keep the other {len(ids) - 1}").click()
    grid.stored()
    page.wait_for_timeout(1500)
    said = by_ann(store, project)
    assert set(said) == set(ids) and {verdict for verdict, _, _ in said.values()} == {"keep"}
    assert sum(1 for i in ids if store.image(project.id, i).label != store.image(project.id, i).source_label) == 1


def test_on_a_telephone_the_two_classes_stay_side_by_side(cars, running, browser) -> None:
    store, project, _ = cars
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    grid = Many(page, running, project, order="found")
    page.get_by_role("button", name="Side by side").tap()
    grid.shown()
    boxes = [column.bounding_box() for column in page.locator("dialog.many section").all()]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
    assert page.locator(".many-list").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    image = grid.ids()[0]
    grid.one(0).locator(".to-here").tap()
    assert page.locator("dialog.many .chip:visible").all_text_contents() == ["wrong class"]
    page.get_by_role("button", name="Reject 1", exact=True).tap()
    grid.stored()
    assert by_ann(store, project) == {image: ("reject", "wrong class", store.image(project.id, image).label)}
    context.close()
