"""Collecting by clicks alone: a real browser, a real worker, and local servers in the place of the providers."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.model import Job, Project
from tests.browser.conftest import App, draw
from tests.browser.providers import Internet
from tests.browser.test_demo import ended, press
from tests.browser.test_screens import drawn, faults, open_page, shoot, through, unfold

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
WAIT = 60_000  # ms, for what a busy machine may take its time
LOOKS = (("light", 1280, "light"), ("dark", 1280, "dark"), ("narrow", 390, "light"))


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    with Internet() as here:
        yield here


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, internet: Internet) -> Iterator[App]:
    """One app for this file, connected to the small internet; each test has a project of its own."""
    one = App(tmp_path_factory.mktemp("collecting"), internet.settings)
    one.start()
    yield one
    one.stop()
    one.store.close()


@pytest.fixture(autouse=True)
def whole(internet: Internet) -> Iterator[None]:
    """What a test breaks is whole again after it, also where it failed."""
    yield
    internet.flickr_pictures.broken.clear()
    internet.commons_pictures.slow = 0


@pytest.fixture
def page(browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(WAIT)
    yield context.new_page()
    context.close()


def looks(page: Page, shots: str, name: str) -> None:
    """Pictures of this state: light, dark and on a telephone."""
    if not shots:
        return
    for look, width, theme in LOOKS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        shoot(page, shots, f"collect-{name}-{look}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def write(page: Page, table: Locator, row: int, at: int, text: str) -> None:
    """Type into a cell of a table; both count from 0, and the table is drawn on a canvas."""
    point(table, row)
    for _ in range(at):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    field = page.locator("#portal").locator("textarea, input").last
    field.fill(text)
    page.keyboard.press("Enter")
    expect(column(table, at).nth(row)).to_have_text(text)
    drawn(page)


def point(table: Locator, row: int) -> None:
    """Press the first cell of a row."""
    table.locator(".dvn-scroller").click(position={"x": 40, "y": 35 + 35 * row + 17})


def column(table: Locator, number: int) -> Locator:
    """The cells of a column, by the table's description for screen readers; columns count from 0."""
    return table.locator(f"[role=gridcell][aria-colindex='{number + 1}']")


def step(page: Page, name: str) -> None:
    through(page, name)
    drawn(page)


def begin(page: Page, one: App, name: str) -> None:
    """The form on the first page, folded away where there is a project already."""
    open_page(page, one.url)
    field, folded = page.get_by_label("Name of the project", exact=True), page.get_by_text("Start another project")
    field.or_(folded).locator("visible=true").first.wait_for()
    if not field.is_visible():
        unfold(page, "Start another project")
    field.fill(name)


def named(page: Page, one: App, name: str, *classes: str) -> Project:
    """A project by that form."""
    begin(page, one, name)
    page.get_by_label("Classes", exact=True).fill("\n".join(classes))
    press(page, "Create the project")
    expect(page.get_by_role("heading", name="Scrape", level=1)).to_be_visible()
    drawn(page)
    return one.store.project(name)


def labels(one: App, project: Project) -> Counter[str]:
    return Counter(record.label for record in one.store.images(project.id))


def test_collecting_by_class_name_from_a_synonym_to_the_last_retry(
    running: App, internet: Internet, page: Page, shots: str
) -> None:
    internet.openverse_has("sedan", range(14))
    internet.openverse_has("coupe", range(100, 104))
    internet.openverse_has("two-door car", [103, 104, 105], "cc0", "1.0")  # 103 is there already, at the same address
    internet.openverse_has("suv", range(200, 205), "by-nc")
    internet.commons_has("coupe", [100, *range(110, 139)])  # 100 is the very file that Openverse has
    internet.commons_has("suv", range(210, 213))
    flickr, commons = internet.flickr_pictures, internet.commons_pictures
    flickr.broken = {"/12.jpg", "/13.jpg", "/204.jpg"}
    del flickr.images["/11.jpg"]

    # a synonym
    project = named(page, running, "cars by name", "sedan", "coupe", "suv")
    step(page, "Project")
    unfold(page, "What each class is searched for")
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    write(page, table, 1, 1, "two-door car")
    looks(page, shots, "1-searched-for")
    press(page, "Keep 1 change")
    expect(page.get_by_role("button", name="Keep the changes")).to_be_disabled()
    assert running.store.project(project.name).infos["coupe"].synonyms == ("two-door car",)

    # a dozen first: nothing is kept
    step(page, "Scrape")
    page.get_by_text("Wikimedia Commons", exact=True).click()
    expect(page.get_by_role("checkbox", name="Openverse")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Wikimedia Commons")).to_be_checked()
    expect(page.get_by_text("They are asked in this order")).to_be_visible()
    press(page, "Look at 12 first")
    expect(page.get_by_text("Nothing of it was kept")).to_be_visible()
    expect(page.get_by_alt_text(re.compile(r"^Sedan no\. \d+$"))).to_have_count(11)  # one of the dozen is gone
    expect(page.get_by_text(re.compile(r"by Ann \d+ · CC BY 2\.0"))).to_have_count(12)
    looks(page, shots, "2-looked-at")
    assert (running.store.funnel(project.id).found, labels(running, project)) == (0, {})

    # a fetch with a target, of which one part comes slowly
    commons.slow = 1.2
    page.get_by_label("Pictures for each class", exact=True).fill("35")
    page.keyboard.press("Enter")
    drawn(page)
    unfold(page, "Only some classes, licence, patience")
    patience = page.get_by_role("slider", name="Seconds for one download")
    patience.press("End")
    expect(patience).to_have_value("60")
    drawn(page)
    press(page, "Fetch the pictures")
    expect(page.get_by_text(re.compile(r"\d+ of 5\d\b"))).to_be_visible()
    expect(page.get_by_text("pictures a second")).to_be_visible()
    expect(page.get_by_text("By class", exact=True)).to_be_visible()
    expect(page.get_by_text("By source", exact=True)).to_be_visible()
    expect(page.locator(".tallied").nth(1).locator("[role=listitem] .cut")).to_have_text(
        ["Openverse", "Wikimedia Commons"]
    )
    expect(page.get_by_alt_text(re.compile(r"^(sedan|coupe|suv), picture \d+$"))).to_have_count(12)
    expect(page.get_by_text("4 addresses failed so far")).to_be_visible()
    looks(page, shots, "3-running")
    job = running.store.jobs(project.id, "scrape", limit=1)[0]
    assert (job.params["source"], job.params["target"], job.params["deadline"]) == ("openverse,commons", 35, 60)

    # stopped, and on from there
    page.get_by_role("button", name="Stop", exact=True).click()
    stopped = page.get_by_text("Scrape was stopped. What was done so far is kept.")
    expect(stopped).to_be_visible()
    drawn(page)
    looks(page, shots, "4-stopped")
    there = {record.origin for record in running.store.images(project.id)}
    assert 12 <= len(there) < 53
    asked, commons.slow = Counter(flickr.asked + commons.asked), 0
    press(page, "Go on")
    expect(stopped).to_have_count(0)
    result = ended(running, "scrape").result
    expect(page.get_by_text("The last fetch")).to_be_visible()
    drawn(page)
    again = Counter(flickr.asked + commons.asked) - asked
    assert again
    assert not again.keys() & there  # what is there is not fetched once more
    assert (result["found"], result["fetched"], result["duplicate"], result["failed"]) == (59, 53, 2, 4)
    for name, number in (("Found", "59"), ("New pictures", "53"), ("Already there", "2"), ("Failed", "4")):
        expect(page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue")).to_have_text(
            number
        )
    expect(
        page.get_by_text("2 classes short of the 35 pictures you asked for: suv has 7, sedan has 11.")
    ).to_be_visible()
    unfold(page, "fell short at first, so more was asked")
    widened = page.get_by_test_id("stExpander").filter(has_text="fell short at first").get_by_test_id("stDataFrame")
    expect(column(widened, 1).filter(has_text="two-door car (Openverse)")).to_have_count(1)
    assert result["widened"]["coupe"]["two-door car (Openverse)"] == 3
    assert labels(running, project) == {"sedan": 11, "coupe": 35, "suv": 7}
    looks(page, shots, "5-ended")

    # what failed for a passing reason comes the second time
    unfold(page, "4 addresses failed: why")
    flickr.broken.clear()
    press(page, "Retry 3 addresses")
    expect(page.get_by_text("1 address failed: why")).to_be_visible()
    expect(page.get_by_text("Nothing to retry: the one failure is for good")).to_be_visible()
    drawn(page)
    looks(page, shots, "6-retried")
    assert labels(running, project) == {"sedan": 13, "coupe": 35, "suv": 8}
    assert running.store.failures(project.id) == {"http 404": 1}
    assert faults(page) == []


def collected(one: App, internet: Internet, name: str) -> tuple[Project, Job]:
    """A project with pictures of several licences, fetched by the app's own worker."""
    internet.openverse_has("roadster", range(300, 306))
    internet.openverse_has("van", range(310, 314), "by-nc", "4.0")
    internet.commons_has("van", range(320, 325))
    project = one.store.add_project(name, ["roadster", "van"])
    one.store.submit("scrape", {"source": "openverse,commons", "target": 20, "limit": 20}, project.id)
    return project, ended(one, "scrape")


def test_sources_and_licences_are_counted_filtered_and_taken_along(
    running: App, internet: Internet, page: Page, shots: str, tmp_path: Path
) -> None:
    project, job = collected(running, internet, "cars to credit")
    assert job.result["fetched"] == 15
    open_page(page, f"{running.url}/credits?project=cars+to+credit")
    expect(
        page.get_by_text("15 of 15 kept pictures may be copied with credit; 4 forbid commercial use.")
    ).to_be_visible()
    counts = page.get_by_test_id("stDataFrame").first
    expect(counts).to_be_visible()
    expect(column(counts, 0)).to_have_text(["CC BY 2.0", "CC BY-SA 4.0", "CC BY-NC 4.0"])
    expect(column(counts, 1)).to_have_text(["6", "5", "4"])
    expect(page.get_by_text("15 addresses here.")).to_be_visible()
    looks(page, shots, "7-licences")

    point(counts, 1)
    expect(page.get_by_text("5 addresses here.", exact=True)).to_be_visible()
    drawn(page)
    looks(page, shots, "8-filtered")
    page.wait_for_url("**licence=CC+BY-SA+4.0**")
    expect(column(page.get_by_test_id("stDataFrame").last, 3)).to_have_text(["CC BY-SA 4.0"] * 5)
    press(page, "Show all")
    expect(page.get_by_text("15 addresses here.")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download credits.csv").click()
    download.value.save_as(tmp_path / "credits.csv")
    credits = list(csv.DictReader(io.StringIO((tmp_path / "credits.csv").read_text("utf-8-sig"))))
    assert len(credits) == 15
    assert Counter(row["licence"] for row in credits) == {"CC BY 2.0": 6, "CC BY-SA 4.0": 5, "CC BY-NC 4.0": 4}
    [one] = [row for row in credits if row["url"].endswith("/311.jpg")]
    assert (one["label"], one["title"], one["creator"], one["source"]) == ("van", "Van no. 311", "Ann 311", "openverse")
    assert one["page"] == "https://www.flickr.com/photos/ann/311"
    assert one["attribution"] == (
        '"Van no. 311" by Ann 311, CC BY-NC 4.0 (https://creativecommons.org/licenses/by-nc/4.0/), '
        "https://www.flickr.com/photos/ann/311"
    )
    records = {record.id: record for record in running.store.images(project.id)}
    assert {int(row["image"]): row["sha256"] for row in credits} == {i: r.facts.sha256 for i, r in records.items()}
    assert faults(page) == []


def test_a_foreign_label_of_an_archive_comes_in_under_the_class_it_is_mapped_to(
    running: App, page: Page, shots: str, tmp_path: Path
) -> None:
    archive = tmp_path / "cars.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for folder, numbers in (("Limousine", range(400, 406)), ("suv", range(410, 414)), ("wheels", range(420, 423))):
            for number in numbers:
                packed.writestr(f"cars/{folder}/{number}.jpg", draw(number))
    project = named(page, running, "cars in an archive", "sedan", "suv")
    page.get_by_text("A zip or tar file", exact=True).click()
    drawn(page)
    page.locator("input[type=file]").set_input_files(archive)
    expect(page.get_by_text("cars.zip is in use")).to_be_visible()
    drawn(page)
    press(page, "Look at 12 first")
    expect(page.get_by_text("13 rows with 3 labels.")).to_be_visible()
    unfold(page, "2 labels are none of your classes: which class is each?")
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible()
    expect(column(table, 0)).to_have_text(["Limousine", "wheels"])
    expect(column(table, 2)).to_have_text(["6", "3"])
    write(page, table, 0, 1, "sedan")
    write(page, table, 1, 1, "(leave out)")
    looks(page, shots, "9-mapped")

    press(page, "Fetch the pictures")
    expect(page.get_by_text("The last fetch")).to_be_visible()
    drawn(page)
    expect(page.get_by_text("Your rules left out 3 rows of 1 label.")).to_be_visible()
    looks(page, shots, "10-unpacked")
    job = ended(running, "scrape")
    assert job.params["mapping"] == {"Limousine": "sedan", "wheels": ""}
    assert (job.result["fetched"], job.result["failed"]) == (10, 0)
    assert labels(running, project) == {"sedan": 6, "suv": 4}

    # the form is as it was, also after another page
    step(page, "Clean")
    step(page, "Scrape")
    expect(page.get_by_text("cars.zip is in use")).to_be_visible()
    unfold(page, "2 labels are none of your classes: which class is each?")
    expect(column(page.get_by_test_id("stDataFrame").first, 1)).to_have_text(["sedan", "(leave out)"])
    press(page, "Fetch the pictures")
    expect(page.get_by_test_id("stMetric").filter(has_text="Already there")).to_contain_text("10")
    assert ended(running, "scrape").params == job.params
    assert faults(page) == []


def test_a_project_from_the_car_catalogue_has_its_models_as_classes_with_a_query_for_each_year(
    running: App, internet: Internet, page: Page, shots: str
) -> None:
    begin(page, running, "Maserati")
    page.get_by_text("Car catalogue", exact=True).locator("visible=true").click()
    drawn(page)
    looks(page, shots, "11-catalogue")
    press(page, "Look up the makes")
    makes = page.get_by_role("combobox", name="Makes")
    expect(makes).to_be_visible()
    makes.fill("Maser")
    page.get_by_role("option", name="Maserati").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("19 requests to the catalogue")).to_be_visible()
    looks(page, shots, "12-makes")
    press(page, "Look up the models")
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    expect(column(table, 1)).to_have_text(["Maserati GranTurismo", "Maserati Quattroporte"])
    expect(column(table, 2)).to_have_text(["2008-2018", "2000-2018"])
    looks(page, shots, "13-models")
    press(page, "Use these 2 classes")
    expect(page.get_by_role("heading", name="Scrape", level=1)).to_be_visible()
    infos = running.store.project("Maserati").infos
    assert infos["Maserati GranTurismo"].queries == tuple(f"{year} Maserati GranTurismo" for year in range(2008, 2019))
    assert infos["Maserati Quattroporte"].parents["make"] == "Maserati"

    step(page, "Project")
    unfold(page, "What each class is searched for")
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    expect(column(table, 2).first).to_have_text(
        re.compile(r"^2008 Maserati GranTurismo \| 2009 Maserati GranTurismo \| ")
    )
    looks(page, shots, "14-classes")
    assert faults(page) == []
