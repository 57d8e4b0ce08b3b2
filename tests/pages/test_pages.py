"""Every page, empty, half way and full: what it says, what it starts, and that no name becomes markup."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.model import Candidate
from db.store import Store
from pages.parts import house
from tests.pages import filled
from tests.pages.conftest import ROOT, button, fine, words

Screen = Callable[..., AppTest]
PAGES = [name for name in house.SCREENS if name != "review"]


# without anything ---------------------------------------------------------------------------------------------------


def test_the_first_page_of_an_empty_house_offers_a_project_and_the_demo(screen: Screen) -> None:
    shown = screen("project")
    assert "Name the classes" in fine(shown)
    assert {"Create the project", "Try the demo"} <= {b.label for b in shown.button}


def test_a_page_without_a_project_says_to_start_one(screen: Screen) -> None:
    for page in PAGES:
        if page not in ("project", "jobs"):
            assert "There is no project yet. Name your classes first" in fine(screen(page)), page


def test_the_jobs_page_says_when_there_is_none(screen: Screen) -> None:
    assert "No job has run yet." in fine(screen("jobs"))


def test_a_project_of_the_url_that_does_not_exist_is_named_and_the_others_are_listed(
    screen: Screen, store: Store
) -> None:
    store.add_project("cars", ["suv"])
    for page in PAGES:
        shown = screen(page, project="caars")
        assert not shown.exception
        assert "There is no project named 'caars' (there are: cars)." in shown.error[0].value.replace("\\", "")


def test_a_setting_that_does_not_exist_is_named_on_every_page(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_HOM", "x")
    for page in ("project", "scrape", "jobs"):
        shown = screen(page)
        assert not shown.exception
        assert "WINNOW_HOM='x' is not a setting. Did you mean WINNOW_HOME?" in shown.error[0].value.replace("\\", "")


def test_no_page_imports_torch_before_a_model_is_asked(store: Store, home: Path) -> None:
    filled.everything(store, home)
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
for page in {PAGES!r}:
    shown = AppTest.from_file({str(ROOT / "pages" / "parts" / "shell.py")!r}, default_timeout=60)
    shown.query_params["project"] = "cars"
    shown = shown.switch_page(f"../{{page}}.py") if page != "project" else shown
    assert not shown.run().exception, page
    heavy = [m for m in ("torch", "shap", "ray", "ultralytics") if m in sys.modules]
    assert not heavy, (page, heavy)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


# naming the classes -------------------------------------------------------------------------------------------------


def test_creating_a_project_keeps_its_classes_and_goes_on_to_scrape(screen: Screen, store: Store) -> None:
    shown = screen("project")
    shown.text_input(key="new-name").set_value("sneakers")
    shown.text_area(key="new-classes").set_value("air jordan {11..13}, air max").run()
    assert "4 classes: air jordan 11, air jordan 12, air jordan 13, air max" in words(shown)
    button(shown, "Create the project").click().run()
    assert not shown.exception
    assert store.project("sneakers").classes == ("air jordan 11", "air jordan 12", "air jordan 13", "air max")
    assert shown.query_params["project"] == "sneakers"
    assert shown.title[0].value == "Scrape"


@pytest.mark.parametrize(("name", "classes", "said"), [
    ("cars", "suv\nSUV", "is there twice"),
    ("cars", "suv,,coupe", "is empty"),
    ("cars", "../../x", "wanted letters, digits"),
    ("cars", "<img src=x onerror=alert(1)>", "wanted letters, digits"),
    ("cars", "", "There is no class yet"),
    ("", "suv, coupe", "project name is empty"),
    ("old", "suv, coupe", "There is a project named 'old' already"),
])  # fmt: skip
def test_bad_names_are_answered_with_one_sentence_and_nothing_is_made(
    screen: Screen,
    store: Store,
    name: str,
    classes: str,
    said: str,
) -> None:
    store.add_project("old", ["a"])
    shown = screen("project", project="old")
    shown.text_input(key="new-name").set_value(name)
    shown.text_area(key="new-classes").set_value(classes).run()
    button(shown, "Create the project").click().run()
    assert not shown.exception
    assert len(shown.error) == 1
    assert said in shown.error[0].value.replace("\\", "")
    assert [project.name for project in store.projects()] == ["old"]


def test_classes_can_be_added_to_a_project(screen: Screen, store: Store) -> None:
    project = store.add_project("cars", ["suv"])
    shown = screen("project", project="cars")
    shown.text_area(key=f"add-{project.id}").set_value("coupe").run()
    button(shown, "Add them").click().run()
    assert store.project("cars").classes == ("suv", "coupe")
    assert "2 classes" in fine(shown)


def test_a_class_that_is_there_in_other_letters_is_not_added(screen: Screen, store: Store) -> None:
    project = store.add_project("cars", ["suv"])
    shown = screen("project", project="cars")
    shown.text_area(key=f"add-{project.id}").set_value("SUV").run()
    button(shown, "Add them").click().run()
    assert "'SUV' is there already (as 'suv')" in shown.error[0].value.replace("\\", "")
    assert store.project("cars").classes == ("suv",)


# half way and full --------------------------------------------------------------------------------------------------


def test_a_project_without_pictures_shows_what_to_do_next(screen: Screen, store: Store) -> None:
    store.add_project("cars", filled.CLASSES)
    for page in PAGES:
        said = fine(screen(page, project="cars"))
        assert "There are no pictures yet." in said


def test_every_page_of_a_finished_project_is_drawn(screen: Screen, store: Store, home: Path) -> None:
    filled.everything(store, home)
    for page in PAGES:
        assert "The models are ready to be asked." in fine(screen(page, project="cars"))


def test_hostile_class_names_are_shown_as_text_on_every_page(screen: Screen, store: Store, home: Path) -> None:
    filled.everything(store, home, "[p](javascript:alert(1))", filled.HOSTILE)
    for page in PAGES:
        said = fine(screen(page, project="[p](javascript:alert(1))"))
        for markup in (
            "](javascript",
            ":red[",
            "$x^2$",
            "`y`",
            "**z**",
            "![i]",
            "https://example.org/i.png",
            " :material/home:",
        ):
            assert markup not in said


def test_hostile_names_of_runs_are_shown_as_text_where_models_are_chosen(
    screen: Screen, store: Store, home: Path
) -> None:
    project = filled.scraped(store, home)
    filled.split(store, project)
    for run, name in zip(filled.trained(store, project, ["vgg75", "vgg100"]), filled.HOSTILE, strict=False):
        store.rename_run(project.id, run, name)
    for page in ("predict", "explain"):
        [models] = [one for one in screen(page, project="cars").expander if one.label.startswith("Models")]
        assert models.label == f"Models: {house.text(filled.HOSTILE[0])}, {house.text(filled.HOSTILE[1])}"


def test_the_newest_project_is_chosen_where_the_url_names_none(screen: Screen, store: Store) -> None:
    store.add_project("old", ["a"])
    store.add_project("new", ["b"])
    shown = screen("scrape")
    assert shown.query_params["project"] == "new"
    assert shown.sidebar.selectbox[0].value == "new"


def test_choosing_another_project_puts_it_into_the_url(screen: Screen, store: Store) -> None:
    store.add_project("old", ["a"])
    store.add_project("new", ["b"])
    shown = screen("scrape", project="new", ids="2")
    shown.sidebar.selectbox[0].set_value("old").run()
    assert dict(shown.query_params) == {"project": "old"}


# starting jobs ------------------------------------------------------------------------------------------------------


def test_fetching_queues_a_job_with_what_was_chosen_and_asks_for_a_worker(
    screen: Screen, store: Store, workers: list
) -> None:
    project = store.add_project("cars", filled.CLASSES)
    shown = screen("scrape", project="cars")
    shown.text_input(key=f"query-{project.id}").set_value("{class} car").run()
    shown.number_input(key=f"limit-search-{project.id}").set_value(30).run()
    button(shown, "Fetch the pictures").click().run()
    (job,) = store.jobs()
    assert (job.verb, job.status, job.need) == ("scrape", "queued", "cpu")
    assert job.params == {
        "source": "openverse", "query": "{class} car", "limit": 30, "target": 30, "options": {}, "only": [], "deadline": 20.0,
    }  # fmt: skip
    assert len(workers) == 1
    assert "waiting for its turn" in words(shown).replace("\\", "") + shown.get("progress")[0].proto.text.replace(
        "\\", ""
    )


def test_a_second_job_of_the_same_kind_is_refused(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home)
    shown = screen("clean", project="cars")
    store.submit("clean", {}, project.id)  # meanwhile, in another tab
    button(shown, "Look for duplicates and faults").click().run()
    assert len(store.jobs(verb="clean")) == 1


def test_retrying_queues_only_what_may_be_tried_again(screen: Screen, store: Store, home: Path) -> None:
    filled.scraped(store, home)
    shown = screen("scrape", project="cars")
    button(shown, "Retry 2 addresses").click().run()
    assert store.jobs()[0].params == {"retry": True}


def test_a_stopped_fetch_goes_on_with_what_it_left_over_and_has_one_button_for_it(screen: Screen, store: Store) -> None:
    project = store.add_project("cars", filled.CLASSES)
    _, claim = filled.begin(store, project, "scrape", source="urls")
    store.add_candidates(claim, project.id, 0, [Candidate("https://example.org/1.jpg", "suv", "urls")])
    store.finish(claim, "stopped")
    shown = screen("scrape", project="cars")
    assert not [b for b in shown.button if b.label.startswith("Retry")]
    button(shown, "Go on").click().run()
    assert (store.job(claim.job).status, len(store.jobs())) == ("queued", 1)


def test_a_split_that_does_not_sum_to_a_hundred_is_refused_before_a_job_is_made(
    screen: Screen, store: Store, home: Path
) -> None:
    filled.scraped(store, home)
    shown = screen("split", project="cars")
    shown.text_input(key="parts").set_value("80/30").run()
    button(shown, "Split the pictures").click().run()
    assert shown.error
    assert not store.jobs(verb="split")


def test_one_press_trains_both_and_evaluates_them(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home)
    filled.split(store, project)
    shown = screen("train", project="cars")
    button(shown, "Train both and ensemble them").click().run()
    job = store.jobs(verb="train")[0]
    assert job.need == "gpu"
    assert [recipe["backbone"] for recipe in job.params["recipes"]] == ["vgg75-bn", "vgg100-bn"]
    assert job.params["evaluate_on"] == "val"


def test_looking_at_the_test_part_is_warned_of_and_counted(screen: Screen, store: Store, home: Path) -> None:
    filled.everything(store, home)
    shown = screen("evaluate", project="cars")
    assert not shown.warning
    shown.button_group(key="part").set_value("test").run()
    assert "It has not been looked at yet" in shown.warning[0].value


# jobs ---------------------------------------------------------------------------------------------------------------


def test_a_failed_job_shows_its_sentence_and_can_be_tried_again(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home)
    job, claim = filled.begin(store, project, "clean")
    store.finish(claim, "failed", error="The disk is full: free 2 GB.")
    shown = screen("clean", project="cars")
    assert "The disk is full" in shown.error[0].value
    shown.button(key=f"again-{job.id}").click().run()
    assert store.job(job.id).status == "queued"


def test_a_running_job_can_be_stopped_from_its_page(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home)
    job, claim = filled.begin(store, project, "clean")
    store.progress(claim, 3, 10, "reading <b>names</b>")
    shown = screen("clean", project="cars")
    assert r"reading \<b\>names\<\/b\>" in words(shown)
    shown.button(key=f"stop-{job.id}").click().run()
    assert store.job(job.id).cancel


def test_the_jobs_page_lists_what_runs_and_what_ended(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home)
    filled.begin(store, project, "clean")
    shown = screen("jobs", project="cars")
    assert "clean" in fine(shown)
    assert any("Scrape" in expander.label for expander in shown.expander)


# pictures behind a figure -------------------------------------------------------------------------------------------


def test_a_cell_of_the_confusion_shows_its_pictures_and_links_to_the_review(
    screen: Screen, store: Store, home: Path
) -> None:
    filled.everything(store, home)
    shown = screen("evaluate", project="cars", chapter="Confusion")
    true = next(box for box in shown.selectbox if box.label == "True class")
    said = next(box for box in shown.selectbox if box.label == "The model said")
    true.set_value("suv")
    said.set_value("suv").run()
    evaluation = store.evaluations(store.project("cars").id)[0]
    found = store.predicted(evaluation.id, "average", "suv", "suv")
    assert f"**{house.count(len(found), 'picture')}** of suv called suv" in words(shown)
    assert len(shown.get("imgs")) + len(shown.get("image")) >= min(12, len(found))
    links = [link.proto.query_string for link in shown.get("page_link")]
    assert any(f"ids={'%2C'.join(str(image) for image, _ in found)}" in link for link in links)


def test_two_cells_of_the_confusion_pressed_quickly_are_no_double_click(
    screen: Screen, store: Store, home: Path
) -> None:
    filled.everything(store, home)
    charts = [one.proto for one in screen("evaluate", project="cars", chapter="Confusion").get("plotly_chart")]
    (pressed,) = [one for one in charts if one.selection_mode]
    assert json.loads(pressed.config)["doubleClickDelay"] == 0, "plotly would take the second press for nothing"


def test_clean_links_each_kind_into_the_review(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home)
    filled.cleaned(store, project)
    shown = screen("clean", project="cars")
    assert "The same photo is there in another size" in fine(shown)
    links = [link.proto.query_string for link in shown.get("page_link")]
    assert any("finding=near_duplicate" in link and "project=cars" in link for link in links)
