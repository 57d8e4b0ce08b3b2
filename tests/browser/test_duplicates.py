"""Groups of copies in a real browser: a press settles one in its place, and nothing above or around it jumps."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from core.model import DUPLICATE, Cleaning, Finding, Link
from db.store.groups import EXACT, NEAR
from tests.browser.test_screens import drawn, faults, open_page, unfold
from tests.pages import filled

pytestmark = pytest.mark.browser
NAMES = (f"copies {n}" for n in itertools.count())


@pytest.fixture
def copied(running):
    return with_copies(running)


def with_copies(app):
    """36 pictures: a group in different classes, six groups of near copies, one of exact ones, and three links."""
    store = app.store
    project = filled.scraped(store, app.home, next(NAMES))
    ids = [record.id for record in store.images(project.id)]
    _, claim = filled.begin(store, project, "clean")
    groups = [
        (NEAR, ids[:2]),
        *((NEAR, [i, i + 3, i + 6]) for i in (ids[3], ids[4], ids[5], ids[12], ids[13], ids[14])),
    ]
    groups += [(EXACT, [ids[24], ids[27]])]
    found = [Finding(i, kind, 0.95, "pixels", f"{kind}-{some[0]}") for kind, some in groups for i in some]
    store.replace_findings(claim, project.id, [NEAR, EXACT], found)
    links = [Link(ids[0], ids[1], 0.95, "pixels"), Link(ids[3], ids[6], 0.93, "pixels"), Link(ids[4], ids[5], 0.7, "x")]
    store.add_links(claim, project.id, links, ids)
    store.finish(claim, "done", {})
    return project


def at(page: Page, app, project, **query: str) -> None:
    open_page(page, f"{app.url}/duplicates?project={project.name}" + "".join(f"&{k}={v}" for k, v in query.items()))
    page.locator(".copy img").first.wait_for()
    drawn(page)


def box(page: Page, number: int):
    return page.locator("[class*=st-key-group-], [class*=st-key-settled-]").nth(number)


def place(page: Page, number: int) -> float:
    bounds = box(page, number).bounding_box()
    assert bounds
    return bounds["y"]


def test_a_settled_group_becomes_a_line_in_its_place_and_undo_brings_it_back(running, page: Page, copied) -> None:
    at(page, running, copied)
    third = box(page, 2)
    third.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    before = [place(page, n) for n in (1, 2)]
    third.get_by_role("button", name="Keep this copy, reject the other 2").click()
    box(page, 2).get_by_text("One copy stays; 2 copies were rejected.").wait_for()
    drawn(page)
    assert [place(page, n) for n in (1, 2)] == before
    assert Counter(one.reason for one in running.store.images(copied.id)) == {"": 34, DUPLICATE: 2}
    expect(page.get_by_text("Near copies · 5")).to_be_visible()
    box(page, 2).get_by_role("button", name="Undo").click()
    box(page, 2).get_by_role("button", name="Keep this copy, reject the other 2").wait_for()
    drawn(page)
    assert [place(page, n) for n in (1, 2)] == before
    assert {one.verdict for one in running.store.images(copied.id)} == {"undecided"}


def test_choosing_another_copy_moves_nothing(running, page: Page, copied) -> None:
    at(page, running, copied)
    before = [place(page, n) for n in range(4)]
    first = box(page, 0).locator(".copy.stays img").get_attribute("alt")
    box(page, 0).get_by_role("button", name="Keep this one instead").click()
    page.wait_for_function("alt => document.querySelector('.copy.stays img').alt !== alt", arg=first)
    drawn(page)
    assert [place(page, n) for n in range(4)] == before


def test_pictures_keep_their_aspect_ratio_and_lead_to_the_review(running, page: Page, copied) -> None:
    at(page, running, copied)
    page.wait_for_function("[...document.querySelectorAll('.copy img')].every(one => one.naturalWidth > 0)")
    shown = page.evaluate(
        "[...document.querySelectorAll('.copy img')].map(i => [i.naturalWidth, getComputedStyle(i).objectFit])"
    )
    assert len(shown) >= 14 and all(width > 0 and fit == "contain" for width, fit in shown)
    box(page, 0).get_by_role("link", name="In the review").click()
    page.locator("h1", has_text="Review").wait_for()
    shown = parse_qs(urlsplit(page.url).query)
    members = [one.id for one in running.store.images(copied.id)][:2]
    assert shown["show"] == ["any"] and sorted(map(int, shown["ids"][0].split(","))) == members


def slide(page: Page, key: str, steps: int) -> None:
    """Unfold the limit and move its slider."""
    unfold(page, "How alike must two pictures be to count as copies?")
    page.get_by_text("At 90 %: 2 groups of 4 pictures beside the exact copies.").wait_for()
    drawn(page)
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(steps):
        slider.press(key)


def test_the_slider_shows_pairs_on_both_sides_of_a_limit(running, page: Page, copied) -> None:
    at(page, running, copied)
    slide(page, "ArrowLeft", 4)
    page.get_by_text("At 94 %: 1 group of 2 pictures beside the exact copies.").wait_for()
    pairs = page.locator(".pairs")
    expect(pairs.nth(0).locator("figcaption")).to_have_text(["95.0 % alike"])
    expect(pairs.nth(1).locator("figcaption")).to_have_text(["93.0 % alike", "70.0 % alike"])
    assert page.get_by_role("button", name="Use this").is_enabled()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_use_this_cleans_again_with_the_limit_and_the_looser_groups_are_there(app, home, page: Page) -> None:
    own = app(home)  # of its own: the worker that it starts takes every job that is submitted there
    store, copied = own.store, with_copies(own)
    _, claim = filled.begin(store, copied, "clean")
    store.set_cleaning(copied.id, Cleaning(embedder="plain"))
    ids = [record.id for record in store.images(copied.id)]
    looser = Link(ids[20], ids[21], 0.85, "pixels")
    store.add_links(claim, copied.id, [looser], ids[20:22])
    store.finish(claim, "done", {})
    at(page, own, copied)
    slide(page, "ArrowRight", 6)
    page.get_by_text("At 84 %: 3 groups of 6 pictures beside the exact copies.").wait_for()
    page.get_by_role("button", name="Use this").click()
    deadline = time.monotonic() + 240
    while (job := store.jobs(copied.id, "clean", limit=1)[0]).id == claim.job or job.status in ("queued", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    assert job.status == "done", job.error
    assert next(p for p in store.projects() if p.id == copied.id).cleaning.likeness == 0.84
    groups = store.groups(copied.id, NEAR)
    assert groups[looser.image] == groups[looser.other]
    page.get_by_text("This is the limit in force.").wait_for()
    drawn(page)
    assert not faults(page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_the_page_fits_its_window_and_shows_no_fault(
    running, browser: Browser, copied, width: int, theme: Literal["dark", "light"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    at(page, running, copied)
    assert not faults(page)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")
    context.close()
