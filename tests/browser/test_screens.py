"""Every page in a real Chromium: light, dark and on a telephone; nothing breaks, nothing leaves this machine.

With WINNOW_SHOTS=FOLDER each of them is kept as a picture, to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, TimeoutError

from core.scrape import Tally
from pages.parts import house
from tests.pages import filled

pytestmark = pytest.mark.browser
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "narrow": (390, "light")}


def open_page(page: Page, url: str) -> None:
    """Go there and wait until Streamlit has drawn all of it."""
    page.goto(url)
    page.get_by_test_id("stAppViewContainer").wait_for()
    drawn(page)


DRAWN = """() => !document.querySelector('[data-testid=stApp][data-test-script-state=running]')
  && document.querySelector('h1') && !document.querySelector('[data-testid=stSkeleton]')
  && ![...document.querySelectorAll('details')].some(one => one.getAnimations().length)"""


def drawn(page: Page) -> None:
    """Wait until the page stands still. A press is on its way for a moment before the page is drawn anew."""
    still = False
    while not still:
        page.wait_for_function(DRAWN, timeout=60_000)
        page.wait_for_timeout(400)
        still = page.evaluate(f"Boolean(({DRAWN})())")


def unfold(page: Page, label: str) -> None:
    """Open what is folded away, and wait until it is open: a page drawn anew in that half second folds it once more for
    a moment, and a press that comes then falls on something else."""
    page.get_by_text(label).click()
    drawn(page)


def through(page: Page, name: str) -> None:
    """To another page by the sidebar. As a person, it presses again where nothing happens: of two wishes to run the page
    that wait at once, a click and the last one of a job's bar, Streamlit keeps the page of the later one."""
    link = page.get_by_test_id("stSidebar").get_by_role("link", name=re.compile(f"{name}$"))
    heading = page.get_by_role("heading", name=name, level=1)
    link.click()
    with suppress(TimeoutError):
        heading.wait_for(timeout=10_000)
        return
    link.click()
    heading.wait_for()


def faults(page: Page) -> list[str]:
    """What no page may show."""
    found = page.get_by_test_id("stException").all_inner_texts()
    text = page.locator("body").inner_text()
    return found + [word for word in ("Traceback", "did not foresee", "Page not found") if word in text]


def shoot(page: Page, shots: str, name: str) -> None:
    if shots:
        Path(shots).mkdir(parents=True, exist_ok=True)
        width = (page.viewport_size or {"width": 1280})["width"]
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": max(600, min(height, 3000))})
        page.wait_for_timeout(600)
        page.screenshot(path=Path(shots) / f"{name}.png")
        page.set_viewport_size({"width": width, "height": 900})


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_drawn_and_nothing_leaves_this_machine(
    home: Path, app: Callable, browser: Browser, shots: str, look: str
) -> None:
    started = app(home)
    filled.everything(started.store, home)
    width, theme = LOOKS[look]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page, outside, dialogs = context.new_page(), [], []
    page.on("request", lambda r: None if r.url.startswith((started.url, "data:", "blob:")) else outside.append(r.url))
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    for name in house.SCREENS:
        open_page(page, f"{started.url}/{'' if name == 'project' else name}?project=cars")
        assert page.locator("h1").inner_text() == house.SCREENS[name].title
        assert not faults(page), name
        shoot(page, shots, f"{name}-{look}")
        wide = page.evaluate(
            "document.querySelector('[data-testid=stMain]').scrollWidth - document.querySelector('[data-testid=stMain]').clientWidth"
        )
        assert wide <= 0, f"{name} is {wide} px wider than the window"
    assert not outside
    assert not dialogs
    context.close()


@pytest.mark.slow
def test_an_empty_house_is_drawn_and_says_what_to_do_first(home: Path, app: Callable, page: Page, shots: str) -> None:
    started = app(home)
    for name in house.SCREENS:
        open_page(page, f"{started.url}/{'' if name == 'project' else name}")
        assert not faults(page), name
        shoot(page, shots, f"{name}-empty")
    open_page(page, started.url)
    page.get_by_role("button", name="Create the project").wait_for()
    page.get_by_role("button", name="Try the demo").wait_for()


@pytest.mark.slow
def test_hostile_names_stay_text_in_the_browser(home: Path, app: Callable, page: Page) -> None:
    started = app(home)
    name = "[p](javascript:alert(1)) www.example.org http://example.org me@example.org"
    filled.everything(started.store, home, name, [*filled.HOSTILE, "a <img src=x onerror=alert(1)>"])
    dialogs: list[str] = []
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    for screen in house.SCREENS:
        open_page(page, f"{started.url}/{'' if screen == 'project' else screen}?project={quote(name)}")
        assert not faults(page), screen
        assert not page.evaluate(
            "[...document.links].filter(a => a.hostname !== location.hostname).map(a => a.href)"
        ), screen
        for made in ("img[src*='example.org']", "img[src='x']", ".katex"):
            assert page.locator(made).count() == 0, (screen, made)
    assert not dialogs
    open_page(page, f"{started.url}/?project={quote(name)}")
    assert name in page.get_by_test_id("stMain").inner_text().replace("\N{WORD JOINER}", "")


@pytest.mark.slow
@pytest.mark.parametrize("held", [50, 400])
def test_a_press_right_after_typing_is_heard_however_long_it_is_held(
    home: Path, app: Callable, page: Page, held: int
) -> None:
    """What was typed arrives while the button is down, and the page is drawn anew: the button must not move away."""
    started = app(home, {"WINNOW_OPENVERSE_URL": "http://127.0.0.1:9"})  # nobody is asked
    project = started.store.add_project("boats", ["sail", "motor"])

    def hold(name: str) -> None:
        button = page.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        page.wait_for_timeout(500)  # the scrolling ends
        button.click(delay=held)

    open_page(page, started.url)
    unfold(page, "Add classes")
    page.get_by_label("New classes", exact=True).fill("canoe")
    hold("Add them")
    page.get_by_text("3 classes:").first.wait_for()
    drawn(page)
    assert started.store.project("boats").classes == ("sail", "motor", "canoe")

    unfold(page, "Start another project")
    page.get_by_label("Name of the project", exact=True).fill("cars")
    page.get_by_label("Classes", exact=True).fill("sedan\ncoupe\nsuv")
    hold("Create the project")
    page.locator("h1", has_text="Scrape").wait_for()
    assert started.store.project("cars").classes == ("sedan", "coupe", "suv")

    open_page(page, f"{started.url}/scrape?project=boats")
    page.get_by_label("What to search for", exact=True).fill("boats")
    hold("Look at 12 first")
    page.get_by_text("Without {class} every class is asked for with the same words.").wait_for()
    page.get_by_role("button", name=re.compile("Stop|Try again")).first.wait_for()
    (job,) = started.store.jobs(project.id)
    assert (job.verb, job.params["query"]) == ("preview", "boats")


@pytest.mark.slow
def test_the_project_stays_in_the_url_from_page_to_page(home: Path, app: Callable, page: Page) -> None:
    started = app(home)
    filled.scraped(started.store, home, "cars")
    started.store.add_project("boats", ["sail", "motor"])
    open_page(page, f"{started.url}/?project=cars")
    for title in ("Clean", "Split", "Jobs", "Project"):
        page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
        page.locator("h1", has_text=title).wait_for()
        assert "project=cars" in page.url
    page.get_by_role("button", name="Next: Look for duplicates").click()
    page.locator("h1", has_text="Clean").wait_for()
    assert "project=cars" in page.url


@pytest.mark.slow
def test_a_press_on_a_cell_of_the_confusion_shows_its_pictures(home: Path, app: Callable, page: Page) -> None:
    started = app(home)
    project = filled.everything(started.store, home)
    open_page(page, f"{started.url}/evaluate?project=cars&chapter=Confusion")
    evaluation = started.store.evaluations(project.id)[0]
    classes, counts = evaluation.result["classes"], evaluation.result["models"]["average"]["confusion"]
    plot = page.get_by_test_id("stPlotlyChart").first.locator(".nsewdrag").first
    plot.scroll_into_view_if_needed()

    def press(row: int, column: int) -> None:
        hover = page.locator(".hoverlayer .hovertext", has_text=f"true {classes[row]}, said {classes[column]}")
        for nudge in range(10):  # plotly presses what it has hovered over, and a chart laid out anew forgets that
            area = plot.bounding_box()
            assert area
            left, top = area["x"] + area["width"] * (column + 0.2) / 3, area["y"] + area["height"] * (row + 0.5) / 3
            page.mouse.move(left + nudge % 2, top)
            with suppress(TimeoutError):
                hover.wait_for(timeout=3_000)
                break
        else:
            raise AssertionError("plotly never saw the mouse")
        page.mouse.down()
        page.mouse.up()

    def told(row: int, column: int) -> None:
        noun = house.count(counts[row][column], "picture")
        page.get_by_text(f"{noun} of {classes[row]} called {classes[column]}, the surest first").wait_for()
        drawn(page)

    told(0, 0)  # as the page begins
    press(2, 2)
    told(2, 2)
    press(0, 0)
    told(0, 0)


@pytest.mark.slow
def test_a_running_job_moves_on_its_page_and_its_end_draws_the_page_once_more(
    home: Path, app: Callable, page: Page
) -> None:
    started = app(home)
    project = filled.scraped(started.store, home)
    job, claim = filled.begin(started.store, project, "clean")
    started.store.progress(claim, 3, 10, "comparing")
    open_page(page, f"{started.url}/clean?project=cars")
    page.get_by_text("3 of 10").wait_for()
    started.store.progress(claim, 7, 10, "nearly there")
    page.get_by_text("7 of 10").wait_for(timeout=60_000)
    page.get_by_text("nearly there").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stopping…").wait_for()
    assert started.store.job(job.id).cancel
    started.store.finish(claim, "failed", error="The disk is full: free 2 GB.")
    page.get_by_text("The disk is full: free 2 GB.").wait_for(timeout=60_000)
    page.get_by_role("button", name="Try again").wait_for(timeout=60_000)
    assert page.get_by_role("button", name="Stop").count() == 0
    frames: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda sent: frames.append(sent)))
    open_page(page, f"{started.url}/clean?project=cars")
    page.wait_for_timeout(1000)
    quiet = len(frames)
    page.wait_for_timeout(3500)
    assert len(frames) == quiet, "nothing refreshes by itself when no job runs"


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_while_a_fetch_runs_nothing_on_its_page_moves(home: Path, app: Callable, page: Page, width: int) -> None:
    started = app(home)
    project = filled.scraped(started.store, home, each=2)
    job, claim = filled.begin(started.store, project, "scrape", source="openverse,commons")
    page.set_viewport_size({"width": width, "height": 1500})
    url = f"{started.url}/scrape?project=cars"
    places = []
    for new, asking in ((1, ""), (30, "; asking Openverse for 'a car of many words'"), (123_456, ""), (123_457, "")):
        tally = Tally({("suv", "openverse", "fetched", ""): new, ("suv", "openverse", "pending", ""): 7})
        if new > 30:
            tally.found({("sedan", "commons", "duplicate", ""): 99_999, ("coupe", "commons", "failed", "http 404"): 4})
        detail = {**tally.detail(), "images_per_second": new / 8, "bytes_per_second": 999 * new}
        started.store.progress(claim, tally.done, tally.total, tally.sentence() + asking, detail)
        if not places:
            open_page(page, url)
        page.get_by_title(f"suv: {new:,} new").wait_for()
        page.wait_for_timeout(1500)
        things = page.locator("h1, [data-testid=stProgress], .latest, .tallied, .legend, button:has-text('Stop')")
        boxes = [box for each in things.all() if (box := each.bounding_box())]
        places.append([(round(box["x"]), round(box["y"])) for box in boxes])
    assert len(places[0]) == 7
    assert page.locator(".latest > *").count() == 12
    assert len({box["y"] for each in page.locator(".latest > *").all() if (box := each.bounding_box())}) in (2, 3)
    assert places == [places[0]] * 4
    assert page.get_by_text("4 addresses failed so far").is_visible()
    assert not started.store.job(job.id).cancel
