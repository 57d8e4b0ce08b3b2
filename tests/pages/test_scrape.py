"""The form of the page Scrape: what stays in it, what it offers for which source, and what it says of what does not fit."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.model import Job, Project
from db.store import Store
from pages.parts import rules, sources, upload
from tests.pages import filled
from tests.pages.conftest import button, plain, words

Screen = Callable[..., AppTest]


def form(screen: Screen, project: Project, kind: str) -> AppTest:
    return screen("scrape", project=project.name).button_group(key=f"source-{project.id}").set_value(kind).run()


def away_and_back(shown: AppTest) -> AppTest:
    shown.switch_page("../jobs.py").run()
    return shown.switch_page("../scrape.py").run()


def fetched(shown: AppTest, store: Store) -> Job:
    """Press the button, and let the job be done at once."""
    button(shown, "Fetch the pictures").click().run()
    plain(shown)
    return ended(shown, store)


def looked(shown: AppTest, store: Store, rows: Mapping[str, tuple[int, str]]) -> Job:
    """A look ahead that saw these labels: label -> rows, and the class that is guessed."""
    button(shown, "Look at 12 first").click().run()
    plain(shown)
    some = [{"label": label, "rows": number, "class": guess} for label, (number, guess) in rows.items()]
    numbers = [(row["label"], row["rows"]) for row in some]
    found = {"rows": sum(n for _, n in numbers), "unusable": 0, "labels": len(rows), "most": numbers[:20],
             "least": numbers[::-1][:20], "sizes": [("1", 0), ("2 to 3", len(rows))], "some": some}  # fmt: skip
    picture = {"url": "a", "label": "a", "title": "", "creator": "", "licence": "unknown", "page": "", "error": "gone", "picture": ""}  # fmt: skip
    return ended(shown, store, {"results": [picture], "labels": found})


def ended(shown: AppTest, store: Store, result: Mapping[str, Any] | None = None) -> Job:
    claimed = store.claim("test", 60)
    assert claimed is not None
    store.finish(claimed[1], "done", result or {})
    shown.run()
    plain(shown)
    return store.job(claimed[0].id)


def mapped(shown: AppTest, cells: Mapping[int, str]) -> AppTest:
    """Choose classes in the table of labels, by row."""
    [editor] = shown.data_editor
    assert editor.key
    rows = {row: {"class": name} for row, name in cells.items()}
    shown.session_state[editor.key] = {"edited_rows": rows, "added_rows": [], "deleted_rows": []}
    return shown.run()


@lru_cache
def packed() -> bytes:  # once: an archive holds the time it was made
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Limousine/1.jpg", filled.jpeg(1))
    return out.getvalue()


@pytest.fixture
def cars(store: Store) -> Project:
    return store.add_project("cars", filled.CLASSES)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "cars.csv"
    path.write_text(
        "url,label,rights\n" + "".join(f"https://example.org/{i}.jpg,Limousine,CC BY 4.0\n" for i in range(3))
    )
    return path


def with_table(screen: Screen, project: Project, path: Path) -> AppTest:
    shown = form(screen, project, "urls")
    shown.button_group(key=f"table-where-{project.id}").set_value(upload.HERE).run()
    return shown.text_input(key=f"table-path-{project.id}").set_value(str(path)).run()


# what stays ---------------------------------------------------------------------------------------------------------


def test_an_uploaded_file_stays_in_use_through_a_fetch_and_another_page(
    screen: Screen, store: Store, cars: Project
) -> None:
    shown = form(screen, cars, "archive")
    assert button(shown, "Fetch the pictures").disabled
    [uploader] = shown.file_uploader
    uploader.set_value(("my cars.zip", packed(), "application/zip")).run()
    assert "**my cars.zip** is in use" in plain(shown)
    job = fetched(shown, store)
    kept = Path(job.params["options"]["path"])
    assert (kept.name, kept.read_bytes()) == ("my cars.zip", packed())
    assert "**my cars.zip** is in use" in plain(shown)
    assert "**my cars.zip** is in use" in plain(away_and_back(shown))
    assert fetched(shown, store).params == job.params
    assert "**my cars.zip** is in use" in plain(screen("scrape", project="cars"))  # in another tab, by the last fetch
    button(shown, "Leave it out").click().run()
    assert "is in use" not in plain(shown)
    assert button(shown, "Fetch the pictures").disabled


def test_another_upload_takes_the_place_of_the_first(screen: Screen, store: Store, cars: Project) -> None:
    shown = form(screen, cars, "archive")
    shown.file_uploader[0].set_value(("a.zip", packed(), "application/zip")).run()
    shown.file_uploader[0].set_value(("b.zip", packed() + b" ", "application/zip")).run()
    assert "**b.zip** is in use" in plain(shown)
    assert fetched(shown, store).params["options"]["path"].endswith("/b.zip")


def test_what_labels_were_mapped_to_stays_through_a_fetch_and_another_page(
    screen: Screen, store: Store, cars: Project, table: Path
) -> None:
    shown = with_table(screen, cars, table)
    looked(shown, store, {"Limousine": (6, ""), "wheels": (3, ""), "coupés": (2, "coupe"), "suv": (1, "suv")})
    assert "3 labels are none of your classes: which class is each?" in [each.label for each in shown.expander]
    mapped(shown, {0: "sedan", 1: "(leave out)"})
    away_and_back(shown)
    wanted = {"Limousine": "sedan", "wheels": "", "coupés": "coupe"}
    assert fetched(shown, store).params["mapping"] == wanted
    assert fetched(shown, store).params["mapping"] == wanted
    other_tab = screen("scrape", project="cars")
    assert other_tab.data_editor[0].value["class"].tolist() == ["sedan", "(leave out)", "coupe"]
    assert fetched(other_tab, store).params["mapping"] == wanted


def test_a_table_of_labels_is_where_the_hand_begins_and_stays(
    screen: Screen, store: Store, cars: Project, table: Path
) -> None:
    shown = with_table(screen, cars, table)
    looked(shown, store, {"Limousine": (6, ""), "wheels": (3, "")})
    assert shown.file_uploader[0].label == "Or a table with the columns label and class"
    shown.file_uploader[0].set_value(("map.csv", b"label,class\nLimousine,sedan\nrare one,suv\n", "text/csv")).run()
    assert "**map.csv** is in use" in plain(shown)
    mapped(shown, {1: "suv"})
    wanted = {"Limousine": "sedan", "wheels": "suv", "rare one": "suv"}
    assert fetched(shown, store).params["mapping"] == wanted
    assert "**map.csv** is in use" in plain(away_and_back(shown))
    assert fetched(shown, store).params["mapping"] == wanted


def test_numbers_columns_and_words_stay_too(screen: Screen, store: Store, cars: Project, table: Path) -> None:
    shown = with_table(screen, cars, table)
    next(box for box in shown.selectbox if box.label == "Column with the licence").set_value("rights").run()
    shown.number_input(key=f"per_class-urls-{cars.id}").set_value(50).run()
    shown.selectbox(key=f"licence-urls-{cars.id}").set_value("open").run()
    first = fetched(shown, store)
    assert first.params["rules"] == {"per_class": 50}
    assert first.params["options"] == {
        "table": str(table), "url_column": "url", "label_column": "label", "licence_column": "rights", "licence": "open",
    }  # fmt: skip
    away_and_back(shown)
    assert fetched(shown, store).params == first.params
    assert fetched(screen("scrape", project="cars"), store).params == first.params


def test_each_project_has_a_form_of_its_own(screen: Screen, store: Store, cars: Project) -> None:
    other = store.add_project("shoes", ["boot"])
    shown = screen("scrape", project="cars")
    shown.text_input(key=f"query-{cars.id}").set_value("{class} car").run()
    shown.sidebar.selectbox[0].set_value("shoes").run()
    assert shown.text_input(key=f"query-{other.id}").value == "{class}"
    shown.sidebar.selectbox[0].set_value("cars").run()
    assert shown.text_input(key=f"query-{cars.id}").value == "{class} car"


def test_what_is_folded_away_for_one_kind_of_source_does_not_hold_for_another(
    screen: Screen, store: Store, cars: Project, table: Path, tmp_path: Path
) -> None:
    shown = with_table(screen, cars, table)
    shown.number_input(key=f"per_class-urls-{cars.id}").set_value(5).run()
    shown.checkbox(key=f"become-urls-{cars.id}").check().run()
    shown.button_group(key=f"source-{cars.id}").set_value("folder").run()
    shown.text_input(key=f"folder-{cars.id}").set_value(str(tmp_path)).run()
    params = fetched(shown, store).params
    assert (params["rules"], params["add_classes"]) == ({}, False)


# what is offered ----------------------------------------------------------------------------------------------------


def test_a_web_page_can_be_limited_by_licence_and_number(screen: Screen, store: Store, cars: Project) -> None:
    shown = form(screen, cars, "page")
    shown.text_input(key=f"address-{cars.id}").set_value("https://shop.example/{class}?page={1..9}").run()
    job = fetched(shown, store)
    assert (job.params["limit"], job.params["target"], job.params["only"]) == (10_000, 0, [])
    shown.number_input(key=f"limit-page-{cars.id}").set_value(30).run()
    shown.selectbox(key=f"licence-page-{cars.id}").set_value("open").run()
    job = fetched(shown, store)
    assert (job.params["limit"], job.params["target"]) == (30, 30)
    assert job.params["options"] == {"address": "https://shop.example/{class}?page={1..9}", "licence": "open"}


def test_a_page_that_is_of_one_class_asks_which(screen: Screen, store: Store, cars: Project) -> None:
    shown = form(screen, cars, "page")
    shown.text_input(key=f"address-{cars.id}").set_value("https://shop.example/coupes").run()
    shown.selectbox(key=f"page-class-{cars.id}").set_value("coupe").run()
    assert fetched(shown, store).params["only"] == ["coupe"]


@pytest.mark.parametrize("kind", ["folder", "archive", "urls"])
def test_a_licence_is_asked_for_only_where_one_is_named(
    screen: Screen, store: Store, cars: Project, table: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "folder":
        shown = form(screen, cars, kind)
        shown.text_input(key=f"folder-{cars.id}").set_value(str(tmp_path)).run()
    elif kind == "archive":
        shown = form(screen, cars, kind)
        shown.file_uploader[0].set_value(("a.zip", packed(), "application/zip")).run()
    else:
        shown = with_table(screen, cars, table)
    assert "counts as *licence unknown*" in plain(shown)
    assert not [box for box in shown.selectbox if box.label == "Licence"]
    assert shown.number_input(key=f"per_class-{kind}-{cars.id}")
    assert "licence" not in fetched(shown, store).params["options"]


def test_only_some_classes_of_a_table_can_be_taken_before_a_look_ahead(
    screen: Screen, store: Store, cars: Project, table: Path
) -> None:
    shown = with_table(screen, cars, table)
    shown.multiselect(key=f"only-{cars.id}-urls").set_value(["suv"]).run()
    assert fetched(shown, store).params["only"] == ["suv"]


# what does not fit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "key", "value", "said"), [
    ("folder", "folder", "/nowhere/at all", "There is no folder '/nowhere/at all' on the computer"),
    ("page", "address", "shop.example", "is not one to look at"),
    ("page", "address", "https://shop.example/{9..1}", "ends before it begins"),
])  # fmt: skip
def test_what_does_not_fit_is_said_before_a_job_is_made(
    screen: Screen, store: Store, cars: Project, kind: str, key: str, value: str, said: str
) -> None:
    shown = form(screen, cars, kind)
    shown.text_input(key=f"{key}-{cars.id}").set_value(value).run()
    assert not shown.exception
    assert said in shown.error[0].value.replace("\\", "")
    assert button(shown, "Fetch the pictures").disabled
    assert button(shown, "Look at 12 first").disabled


def test_rules_that_leave_nothing_are_said(screen: Screen, store: Store, cars: Project, table: Path) -> None:
    shown = with_table(screen, cars, table)
    shown.number_input(key=f"min_images-urls-{cars.id}").set_value(5).run()
    shown.number_input(key=f"max_images-urls-{cars.id}").set_value(3).run()
    assert "No class can have at least 5 and at most 3" in shown.error[0].value
    assert button(shown, "Fetch the pictures").disabled


def test_duckduckgo_and_a_licence_do_not_go_together(screen: Screen, store: Store, cars: Project) -> None:
    shown = screen("scrape", project="cars")
    shown.checkbox(key=f"ask-ddgs-{cars.id}").check().run()
    assert not shown.error
    shown.selectbox(key=f"licence-search-{cars.id}").set_value("open").run()
    assert "DuckDuckGo knows no licences" in shown.error[0].value


def test_a_source_that_lacks_a_setting_says_so_in_a_short_sentence(screen: Screen, store: Store, cars: Project) -> None:
    shown = screen("scrape", project="cars")
    box = shown.checkbox(key=f"ask-flickr-{cars.id}")
    assert box.disabled
    [said] = [caption for caption in shown.caption if "FLICKR" in caption.value]
    assert said.value.replace("\\", "") == "Needs the setting WINNOW_FLICKR_KEY."
    assert "flickr.com/services/apps/create" in said.proto.help.replace("\\", "")


# words and numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("labels", "said"), [
    ([], "The table has no rows."),
    (["suv"], "A class of this project stands in the first row."),
    (["x"], "No class of this project stands in this column in the first row, but for example x."),
    (["suv", "SUV", "x"], "Of the first 3 rows, 2 have a class of this project."),
    (["suv", "x", "x"], "Of the first 3 rows, 1 has a class of this project."),
    (["suv", "coupe"], "Each of the first 2 rows has a class of this project."),
])  # fmt: skip
def test_how_many_rows_fit_is_good_english(
    screen: Screen, store: Store, cars: Project, tmp_path: Path, labels: Sequence[str], said: str
) -> None:
    (tmp_path / "t.csv").write_text(
        "url,label\n" + "".join(f"https://example.org/{i}.jpg,{each}\n" for i, each in enumerate(labels))
    )
    assert said in plain(with_table(screen, cars, tmp_path / "t.csv"))


@pytest.mark.parametrize(("number", "listed", "labels", "said"), [
    (1, 1, 1, "1 label is none of your classes: which class is it?"),
    (2, 3, 3, "2 labels are none of your classes: which class is each?"),
    (500, 500, 15_000, "The 500 most frequent labels are none of your classes: which class is each?"),
    (499, 500, 15_000, "499 of the 500 most frequent labels are none of your classes: which class is each?"),
])  # fmt: skip
def test_how_many_labels_are_foreign_is_good_english(number: int, listed: int, labels: int, said: str) -> None:
    assert rules._title(number, listed, labels) == said


@pytest.mark.parametrize("number", [1, 3, 30, 15_000])
def test_the_counts_of_a_look_ahead_are_right_for_few_and_many_labels(
    screen: Screen, store: Store, cars: Project, table: Path, number: int
) -> None:
    shown = with_table(screen, cars, table)
    looked(shown, store, {f"label {i}": (number - i, "") for i in range(number)})
    assert f"with **{number:,} label{'s' if number > 1 else ''}**" in plain(shown)
    frames = [frame.value for frame in shown.dataframe if "rows" in frame.value or "labels" in frame.value][-3:]
    if number <= 30:
        assert frames[-1]["rows"].tolist() == list(range(number, 0, -1))
        assert "Most frequent" not in words(shown)
    else:
        assert [len(frame) for frame in frames] == [10, 10, 1]
        assert frames[2]["rows of a label"].tolist() == ["2 to 3"]  # there is none with one row
    assert f"{number:,} label{'s are' if number > 1 else ' is'} none of your classes" in " ".join(
        e.label for e in shown.expander
    )


def test_a_job_belongs_to_the_choice_it_was_started_from() -> None:
    assert [sources.kind({"source": name}) for name in ("openverse,commons", "urls", "page", "demo")] == [
        "search", "urls", "page", "demo"]  # fmt: skip
    assert sources.kind({}) == ""


@pytest.mark.parametrize(("name", "kept"), [
    ("cars.tar.gz", "cars.tar.gz"), ("Ärzte 1.zip", "Ärzte 1.zip"), ("../../etc/passwd", "passwd"), ("..", "upload"),
    ("", "upload"), ("a\x00b\n.csv", "a_b_.csv"), ("<b>.csv", "_b_.csv"), ("x" * 300 + ".zip", "x" * 56 + ".zip"),
    (".part", "part"), ("\ud800.csv", "_.csv"),
])  # fmt: skip
def test_an_uploaded_file_keeps_its_name_as_far_as_that_is_safe(home: Path, name: str, kept: str) -> None:
    path = upload.keep(name, b"data")
    assert (path.name, path.read_bytes()) == (kept, b"data")
    assert path.parent.parent == home.absolute() / "uploads"
    assert upload.keep(name, memoryview(b"data")) == path


def test_a_look_ahead_that_failed_says_so_once_and_until_a_fetch(screen: Screen, store: Store, cars: Project) -> None:
    shown = screen("scrape", project="cars")
    button(shown, "Look at 12 first").click().run()
    claimed = store.claim("test", 60)
    assert claimed is not None
    store.finish(claimed[1], "failed", error="Openverse did not answer.")
    shown.run()
    assert not shown.exception
    assert [error.value.replace("\\", "") for error in shown.error] == ["Openverse did not answer."]
    button(shown, "Fetch the pictures").click().run()
    ended(shown, store)


def test_only_the_most_frequent_labels_can_be_mapped_by_hand_and_the_page_says_so(
    screen: Screen, store: Store, cars: Project, table: Path
) -> None:
    shown = with_table(screen, cars, table)
    button(shown, "Look at 12 first").click().run()
    some = [{"label": name, "rows": 9, "class": ""} for name in ("suv", "tank", "tram")]
    ended(shown, store, {"results": [], "labels": {
        "rows": 40, "unusable": 1, "labels": 41, "most": [("suv", 9)], "least": [("x", 1)], "sizes": [("1", 41)], "some": some}})  # fmt: skip
    assert "2 of the 3 most frequent labels are none of your classes: which class is each?" in [
        e.label for e in shown.expander
    ]
    assert "**40 rows** with **41 labels**; 1 row cannot be used." in words(shown)
