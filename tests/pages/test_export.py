"""Export: what goes out is said before, a press queues a job, and what is done lies there with its files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from core.blobs import Blobs
from core.export import place
from core.export.dataset import dataset
from core.export.layouts import LAYOUTS
from core.model import Decision, Operation, Project
from db.store import Store
from pages.parts import exported, routes
from tests.core.export.conftest import end
from tests.pages import filled
from tests.pages.conftest import button, fine, plain

Screen = Callable[..., AppTest]
HOSTILE = "[x](javascript:alert(1)) :red[y]"


def made(store: Store, project: Project, home: Path, form: str = "coco", name: str = "coco-split-1") -> Path:
    folder = place.shelf(home, project.id) / name
    end(dataset(store, Blobs(str(home.absolute())), project, form, folder))
    return folder


def test_without_a_picture_it_says_where_to_find_some(screen: Screen, store: Store) -> None:
    store.add_project("trees", ("oak",))
    assert "there is nothing to take along: fetch pictures first" in fine(screen("export", project="trees"))


def test_without_a_split_or_a_model_it_says_what_that_means(screen: Screen, store: Store, home: Path) -> None:
    filled.scraped(store, home)
    said = plain(screen("export", project="cars"))
    assert "**all 36 kept pictures** go out in one part, named train" in said
    assert "There is no trained model to export yet." in said


def test_it_says_which_pictures_go_out(screen: Screen, store: Store, project: Project) -> None:
    first = next(iter(store.images(project.id)))
    store.apply(project.id, Operation("op", "ann", (Decision(first.id, "reject"),)))
    said = plain(screen("export", project="cars"))
    assert (
        "**36 pictures** of split 1 (18 train, 14 validation, 4 test)" in said
        and "1 rejected picture stays out." in said
    )


def test_every_form_has_a_name_a_sentence_and_its_numbers_by_licence(screen: Screen, project: Project) -> None:
    shown = screen("export", project="cars")
    assert shown.radio(key="form").options == [exported.FORMS[form] for form in LAYOUTS]
    assert all(form.about.endswith(".") for form in LAYOUTS.values())
    options = shown.selectbox(key="export-licence").options
    assert options[0] == "all pictures · 36 of 36 kept" and any(option.endswith("· 0 of 36 kept") for option in options)


def test_a_press_queues_the_job_into_a_folder_of_its_own(
    screen: Screen, store: Store, project: Project, home: Path
) -> None:
    shown = screen("export", project="cars")
    shown.radio(key="form").set_value("huggingface")
    shown.selectbox(key="export-licence").set_value("open")
    button(shown, "Export the pictures").click().run()
    fine(shown)
    [job] = store.jobs(project.id, "export")
    to = str(home.absolute() / "exports" / str(project.id) / "huggingface-split-1-open")
    assert job.params == {"format": "huggingface", "licence": "open", "to": to} and job.need == "cpu"
    assert button(shown, "Export the pictures").disabled


def test_the_models_that_predict_asks_are_chosen(screen: Screen, store: Store, project: Project) -> None:
    runs = filled.trained(store, project)
    shown = screen("export", project="cars")
    assert shown.multiselect(key="export-runs").value == runs
    assert "vgg75-bn · run 1, split 1" in shown.multiselect(key="export-runs").options
    button(shown, "Export the models").click().run()
    fine(shown)
    [job] = store.jobs(project.id, "export")
    assert job.params["runs"] == runs and job.params["format"] == "model" and job.params["ensemble"] == "average"
    assert job.params["to"].endswith("model-runs-1-2-average")


def test_models_of_two_splits_do_not_go_together(screen: Screen, store: Store, project: Project) -> None:
    runs = filled.trained(store, project, ("vgg75-bn",))
    filled.split(store, project)
    runs += filled.trained(store, project, ("vgg100-bn",))
    shown = screen("export", project="cars")
    shown.multiselect(key="export-runs").set_value(runs)
    button(shown, "Export the models").click().run()
    assert "choose runs of one split" in shown.error[0].value.replace("\\", "") and not store.jobs(project.id, "export")


def test_what_is_done_lies_there_with_its_files_and_what_they_are(
    screen: Screen, store: Store, project: Project, home: Path
) -> None:
    made(store, project, home)
    shown = screen("export", project="cars")
    said = plain(shown)
    assert (
        "Ready to take along" in said
        and "**36 pictures** (18 train, 14 validation, 4 test)." in said
        and "test).L" not in said
    )
    files = shown.dataframe[0].value
    assert "annotations/instances_train.json" in list(files["file"]) and "36 pictures" in list(files["file"])
    assert all(files["what it is"])


def test_what_was_not_finished_is_not_offered(screen: Screen, store: Store, project: Project, home: Path) -> None:
    folder = made(store, project, home)
    place.mark(folder, project.name, "coco", {"finished": False})
    assert "Ready to take along" not in plain(screen("export", project="cars"))


def test_names_are_text(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home, name=HOSTILE[:24])
    filled.trained(store, filled_split(store, project))
    store.rename_run(project.id, 1, HOSTILE)
    shown = screen("export", project=project.name)
    fine(shown)
    assert "python -m core export --project '[x](javascript:alert(1))'" in shown.code[0].value


def filled_split(store: Store, project: Project) -> Project:
    filled.split(store, project)
    return project


# the .zip ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.ROUTES))


def test_the_zip_holds_the_export(client: TestClient, store: Store, project: Project, home: Path) -> None:
    folder = made(store, project, home)
    answer = client.get("/" + routes.export_address(project.id, folder.name))
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''coco-split-1.zip"
    assert answer.headers["x-content-type-options"] == "nosniff"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        there = {f"coco-split-1/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()}
        assert archive.testzip() is None and set(archive.namelist()) == there


@pytest.mark.parametrize(("change", "status"), [
    (lambda url: url.split("?")[0], 403), (lambda url: url.replace("coco", "other"), 403),
    (lambda url: url.replace("exports/1", "exports/2"), 403), (lambda url: url.replace("exports", "pictures"), 403),
    (lambda url: url.replace("coco-split-1", "..%2F..%2Fwinnow"), (403, 404)),
])  # fmt: skip
def test_an_address_that_was_not_signed_gives_nothing(
    client: TestClient, store: Store, project: Project, home: Path, change: Callable, status: int | tuple
) -> None:
    made(store, project, home)
    answer = client.get("/" + change(routes.export_address(project.id, "coco-split-1")))
    assert answer.status_code in (status if isinstance(status, tuple) else (status,))


def test_only_finished_exports_of_the_shelf_are_sent(client: TestClient, project: Project, home: Path) -> None:
    for name in ("gone", "..", "../../winnow"):
        answer = client.get("/" + routes.export_address(project.id, name))
        assert answer.status_code in (403, 404)
