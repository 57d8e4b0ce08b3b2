"""From an empty house to a prediction by clicks alone: what somebody does who sees Winnow for the first time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.demo import draw
from core.model import Job
from tests.browser.conftest import App
from tests.browser.test_screens import drawn, faults, open_page, shoot, through, unfold

pytestmark = pytest.mark.browser
MINUTES = 25  # for each job, on one core of a busy machine; on two idle ones all of it takes under five


def ended(one: App, verb: str, minutes: float = MINUTES) -> Job:
    """The newest job of that verb once it is at its end."""
    deadline = time.monotonic() + 60 * minutes
    while time.monotonic() < deadline:
        jobs = one.store.jobs(verb=verb, limit=1)
        if jobs and jobs[0].status not in ("queued", "running"):
            assert jobs[0].status == "done", jobs[0].error
            return jobs[0]
        time.sleep(0.5)
    raise AssertionError(f"{verb} is not done: {one.store.jobs(limit=3)}")


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).first.click()
    drawn(page)


def go(page: Page, name: str, shots: str) -> None:
    """Through the sidebar, as a person does."""
    through(page, name)
    drawn(page)
    shoot(page, shots, f"demo-{name.lower()}")
    assert faults(page) == []


@pytest.mark.slow
@pytest.mark.timeout(3 * 60 * MINUTES)
def test_the_demo_runs_to_a_prediction(app: Callable, home: Path, page: Page, shots: str, tmp_path: Path) -> None:
    one = app(home)
    open_page(page, one.url)
    press(page, "Try the demo")
    result = ended(one, "demo").result
    assert result["failed"] == 5, result["failures"]
    assert result["found"] == result["fetched"] + result["duplicate"] + result["failed"] == len(list(draw.every()))
    assert result["findings"]["near_duplicate"] >= 20

    go(page, "Clean", shots)
    expect(page.get_by_text("Near copies").first).to_be_visible()

    go(page, "Review", shots)
    tiles = page.get_by_role("option")
    expect(tiles.first).to_be_visible(timeout=30_000)
    page.wait_for_selector(".list[data-painted]")
    page.get_by_role("listbox").focus()
    for key in ("x", "ArrowRight", "2", "Enter"):
        page.keyboard.press(key)
    deadline = time.monotonic() + 60
    [project] = one.store.projects()
    while one.store.decision_count(project.id) < 10 and time.monotonic() < deadline:
        time.sleep(0.2)
    funnel = one.store.funnel(project.id)
    assert (one.store.decision_count(project.id), funnel.unique - funnel.kept) == (10, 2), "the first page is small"

    go(page, "Split", shots)
    press(page, "Split the pictures")
    split = ended(one, "split").result
    assert split["leak"] == 0
    assert split["train"] + split["val"] + split["test"] == funnel.kept

    go(page, "Train", shots)
    press(page, "Train both and ensemble them")
    trained = ended(one, "train").result["runs"]
    assert [run["recipe"] for run in trained] == ["vgg75-bn", "vgg100-bn"]
    shoot(page, shots, "demo-trained")

    go(page, "Evaluate", shots)
    expect(page.get_by_text("On the validation part")).to_be_visible()
    assert one.store.openings(project.id) == 0  # nobody looked at the test part
    [scored] = one.store.evaluations(project.id)
    assert scored.result["models"]["average"]["accuracy"] > 0.6

    go(page, "Predict", shots)
    car = next(item for item in draw.every() if item.kind == "good" and item.label == "truck")
    photo = tmp_path / "my car.jpg"
    photo.write_bytes(draw.render(car))
    page.locator("input[type=file]").set_input_files(photo)
    expect(page.get_by_text("ms in all")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("heading", name=re.compile("^(sedan|coupe|suv|truck|None of these)$"))).to_be_visible()
    unfold(page, "Why? Show what spoke for it")
    expect(page.get_by_text("as the model sees it")).to_have_count(2, timeout=120_000)  # one for each network
    shoot(page, shots, "demo-predicted")
    assert faults(page) == []
