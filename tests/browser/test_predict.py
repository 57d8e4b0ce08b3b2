"""Predict in a real browser: a table of many pictures, one row opened, a map under its slider, and the view for showing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.runs import run_folder
from core.settings import Settings
from db import open_store
from tests import drawn
from tests.pages import filled

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WHY = "Why? Show what spoke for it"


@pytest.fixture
def colours(home: Path) -> None:
    """A project `colours` with a network that was trained for some seconds."""
    store = open_store(f"sqlite:///{home.absolute() / 'winnow.db'}")
    project = filled.scraped(store, home, "colours", drawn.CLASSES)
    filled.split(store, project)
    [run] = filled.trained(store, project, ("vgg75",))
    drawn.trained("vgg75", run_folder(Settings(home=home), run), epochs=1)
    store.close()


def pictures(count: int) -> list[dict]:
    return [
        {"name": f"{i}.png", "mimeType": "image/png", "buffer": drawn.png(pixels)}
        for i, pixels in enumerate(drawn.drawn(count, 90, 7).pixels)
    ]


def test_many_pictures_become_a_table_and_a_row_opens_with_its_map(
    colours: None, app: Callable, home: Path, page: Page
) -> None:
    sent: list[str | bytes] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{app(home).url}/predict?project=colours")
    no_picture = {"name": "x.png", "mimeType": "image/png", "buffer": b"text"}
    page.set_input_files("input[type=file]", [*pictures(40), no_picture])
    expect(page.get_by_text("41 pictures")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("1 could not be asked about")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_text("Download as CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 42
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    table.click(position={"x": 15, "y": 60})  # the box of the first row
    page.get_by_text(WHY).click()
    over = page.locator("img[alt^='What speaks for']").first
    expect(over).to_be_visible(timeout=120_000)
    page.wait_for_timeout(500)
    assert sent
    sent.clear()
    for value, opacity in (("10", "0.1"), ("90", "0.9")):
        page.locator("input[type=range]").fill(value)
        expect(over).to_have_css("opacity", opacity, timeout=500)
    assert not sent, "the browser alone moves it"


def test_the_view_for_showing_holds_while_somebody_clicks_around(
    colours: None, app: Callable, home: Path, page: Page
) -> None:
    url = app(home).url
    page.goto(f"{url}/train?project=colours&view=demo")
    expect(page.get_by_role("heading", name="colours")).to_be_visible(timeout=60_000)
    page.set_input_files("input[type=file]", pictures(1))
    page.get_by_text(WHY).click(timeout=120_000)
    expect(page.locator("img[alt^='What speaks for']").first).to_be_visible(timeout=120_000)
    page.get_by_text("A web address").click()
    page.get_by_label("Address of a picture").fill("http://10.0.0.1/a.jpg")
    page.keyboard.press("Enter")
    expect(page.get_by_text("10.0.0.1 is a private address")).to_be_visible(timeout=60_000)
    assert re.fullmatch(rf"{url}/predict\?.*view=demo.*", page.url)
    assert (
        page.locator("a[href]:not([href='#stMain']):visible").count() == 0
    )  # that one leads to the same page's middle
    assert not page.get_by_test_id("stSidebar").is_visible()
