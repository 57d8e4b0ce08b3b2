"""Predict: a few pictures closely, many as a table, a table of addresses, what classes are, and the view for showing."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import runs
from core.model import ClassInfo, Cropping, Decision, Operation, Project
from core.settings import load
from db.store import Store
from pages.parts import asked, house
from tests import drawn
from tests.pages import filled
from tests.pages.conftest import button, fine, plain, words

Screen = Callable[..., AppTest]
HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) **bold**"


@pytest.fixture
def project(store: Store, home: Path) -> Iterator[Project]:
    """A project `colours` with two models that were trained for a second."""
    made = filled.scraped(store, home, "colours", drawn.CLASSES)
    filled.split(store, made)
    with drawn.tiny_backbones():
        numbers = filled.trained(store, made, ("tiny24", "tiny32"))
        for run, name in zip(numbers, ("tiny24", "tiny32"), strict=True):
            drawn.trained(name, runs.run_folder(load(), run), epochs=1)
        yield made


PICTURES = [drawn.png(pixels) for pixels in drawn.drawn(12, 48, 3).pixels]


def given(shown: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """After these were uploaded."""
    return shown.file_uploader[0].set_value([(name, data, "image/png") for name, data in files]).run(timeout=60)


def ended(shown: AppTest) -> AppTest:
    """After as many looks as it takes until all is asked about."""
    for _ in range(100):
        if shown.session_state[asked.MARK].done:
            return shown.run(timeout=60)
        shown.run(timeout=60)
    raise AssertionError("It does not come to its end.")


def packed(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files:
            file.writestr(name, data)
    return out.getvalue()


def test_a_few_pictures_are_shown_one_by_one_and_what_is_none_says_why(project: Project, screen: Screen) -> None:
    shown = given(
        screen("predict", project="colours"), ("a.png", PICTURES[0]), ("b.png", b"text"), ("c.png", PICTURES[1])
    )
    assert not shown.exception
    assert len(shown.get("plotly_chart")) == 2 and words(shown).count("ms in all") == 2
    [error] = shown.error
    assert "b\\.png" in error.value and "No picture could be read" in error.value
    assert asked.MARK not in shown.session_state


def test_many_become_a_table_with_failures_as_rows(project: Project, screen: Screen) -> None:
    inside = packed(
        *((f"in/{i}.png", data) for i, data in enumerate(PICTURES)), ("bomb.png", bytes(9_000_000)), ("x.txt", b"x")
    )
    files = [
        ("=1.png", PICTURES[0]),
        ("two.png", PICTURES[1]),
        ("two.png", PICTURES[2]),
        (f"{HOSTILE}.png", b"no"),
        ("all.zip", inside),
    ]
    shown = ended(given(screen("predict", project="colours"), *files))
    assert "**18 pictures**: " in fine(shown) and ", 3 could not be asked about" in fine(shown)
    table = shown.session_state[asked.MARK]
    names = ["=1.png", "two.png", "two.png (2)", f"{HOSTILE}.png", *(f"all.zip!/in/{i}.png" for i in range(12))]
    assert [row.name for row in table.rows] == [*names, "all.zip!/bomb.png", "all.zip!/x.txt"]
    assert [bool(row.error) for row in table.rows] == [False, False, False, True, *[False] * 12, True, True]
    assert table.read("two.png (2)") == PICTURES[2] and table.read("all.zip!/in/7.png") == PICTURES[7]
    good = [row for row in table.rows if not row.error]
    assert all(
        row.label in drawn.CLASSES and len(row.words) == 2 and row.picture.startswith("data:image/jpeg") for row in good
    )
    frame = shown.dataframe[0].value
    assert list(frame.columns) == ["picture", "answer", "sure", "name", "nearest", "model 0", "model 1", "why not"]
    shown.button_group(key="asked-order").set_value("Surest first").run()
    sure = shown.dataframe[0].value["sure"].tolist()
    assert sure[:15] == sorted(sure[:15], reverse=True) and all(one != one for one in sure[15:]), "failures last"


def test_the_csv_of_a_table_runs_no_formula_and_reads_back(project: Project, screen: Screen) -> None:
    files = [*((f"@{i}.png", data) for i, data in enumerate(PICTURES)), ("a\nb.png", b"no")]
    table = ended(given(screen("predict", project="colours"), *files)).session_state[asked.MARK]
    rows = list(csv.DictReader(io.StringIO(asked.csv(table))))
    assert list(rows[0]) == ["id", "label", "confidence", "known", "tiny24", "tiny32", "error"]
    assert rows[0]["id"] == "'@0.png" and rows[0]["label"] == table.rows[0].label and rows[0]["known"] in ("yes", "no")
    assert (rows[-1]["id"], rows[-1]["label"]) == ("a b.png", "") and rows[-1]["error"]
    assert len(rows) == 13


def test_other_files_or_another_word_that_counts_begin_a_new_table(project: Project, screen: Screen) -> None:
    shown = ended(given(screen("predict", project="colours"), *((f"{i}.png", data) for i, data in enumerate(PICTURES))))
    first = shown.session_state[asked.MARK]
    assert shown.run().session_state[asked.MARK] is first
    shown.button_group(key="ensemble").set_value("priority").run(timeout=60)
    assert shown.session_state[asked.MARK] is not first


def test_a_model_may_be_called_as_a_column_is(project: Project, screen: Screen, store: Store) -> None:
    for run, name in zip(store.runs(project.id), ("answer", "why not"), strict=True):
        store.rename_run(project.id, run.id, name)
    files = [*((f"{i}.png", data) for i, data in enumerate(PICTURES)), ("x.png", b"no")]
    assert "**13 pictures**" in fine(ended(given(screen("predict", project="colours"), *files)))


def test_a_broken_archive_is_a_row_and_its_reason(project: Project, screen: Screen) -> None:
    shown = ended(given(screen("predict", project="colours"), ("a.zip", b"no archive"), ("b.png", PICTURES[0])))
    first, second = shown.session_state[asked.MARK].rows
    assert "cannot be read" in first.error and not second.error
    assert "**2 pictures**" in fine(shown)


def test_the_toggle_for_whole_pictures_is_there_where_models_learned_from_crops(
    project: Project, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = given(screen("predict", project="colours"), ("a.png", PICTURES[0]))
    assert not [toggle for toggle in shown.toggle if toggle.key == "whole"]
    from dataclasses import replace

    split = house.split
    monkeypatch.setattr(house, "split", lambda *of: replace(split(*of), crop=Cropping("yolo", ("car", "truck"))))
    shown.run()
    assert "No car or truck was found in it" in plain(shown)
    shown.toggle(key="whole").set_value(True).run()
    assert "Asked about the whole picture, as you wanted" in plain(shown)


def test_a_table_of_addresses_is_a_job_and_its_answers_are_shown(
    project: Project, screen: Screen, store: Store, home: Path
) -> None:
    shown = screen("predict", project="colours")
    shown.button_group(key="way").set_value("A table of addresses").run()
    assert "id and url, or url alone" in plain(shown).replace("`", "")
    shown.file_uploader[0].set_value(("urls.csv", b"id,url\n1,http://10.0.0.1/a.jpg\n", "text/csv")).run()
    button(shown, "Fetch and ask").click().run()
    [job] = store.jobs(verb="predict")
    assert Path(job.params["table"]).read_bytes().startswith(b"id,url") and job.params["ensemble"] == "average"
    to = Path(job.params["to"])
    assert to.is_relative_to(home) and job.params["runs"] and job.params["whole"] is False
    to.parent.mkdir(parents=True)
    to.write_text("id,label,confidence,known,error\n'=1,red,0.9000,yes,\n2,,,,10.0.0.1 is a private address.\n")
    _, claim = store.claim("here", 60) or (None, None)
    store.finish(claim, "done", {"answers": str(to), "images": 2, "answered": 1, "failed": 1, "error": "x"})
    shown.run()
    assert "**2 addresses** of urls.csv: 1 answered, 1 could not be fetched" in plain(shown)
    assert shown.dataframe[0].value["id"].tolist() == ["=1", "2"]
    assert shown.dataframe[0].value["confidence"].tolist()[0] == 90


def test_a_table_without_addresses_is_one_sentence_and_starts_nothing(
    project: Project, screen: Screen, store: Store
) -> None:
    shown = screen("predict", project="colours")
    shown.button_group(key="way").set_value("A table of addresses").run()
    shown.file_uploader[0].set_value(("urls.csv", b"id,link\n1,x\n", "text/csv")).run()
    assert not shown.exception and "no column 'url'" in shown.error[0].value.replace("\\", "")
    assert not [each for each in shown.button if each.label == "Fetch and ask"]


# what each class is -------------------------------------------------------------------------------------------------


def described(store: Store, project: Project, label: str) -> list[int]:
    ids = [record.id for record in store.images(project.id) if record.label == label][:2]
    store.set_infos(project.id, {label: ClassInfo(about=HOSTILE, examples=tuple(ids))})
    return ids


def test_what_a_class_is_stands_beside_the_answer_without_examples_that_were_rejected(
    project: Project, screen: Screen, store: Store
) -> None:
    for label in drawn.CLASSES:
        described(store, project, label)
    shown = given(screen("predict", project="colours", view="demo"), ("a.png", PICTURES[0]))
    said = fine(shown)
    assert said.count(house.text(HOSTILE)) in (3, 4), "once for each class, and beside an answer that is known"
    assert "<img" not in said.replace("\\<", "") and len(pictures(shown)) >= 6
    rejected = [record.id for record in store.images(project.id)]
    store.apply(project.id, Operation("1", "ann", tuple(Decision(image, "reject") for image in rejected)))
    assert len(pictures(shown.run())) < 2, "the picture that was asked about, and no example"


def pictures(shown: AppTest) -> list:
    return list(shown.get("image"))


def test_the_owner_writes_what_a_class_is_and_chooses_examples(project: Project, screen: Screen, store: Store) -> None:
    shown = screen("project", project="colours")
    shown.session_state[f"about-{project.id}"] = True
    shown.run()
    shown.text_area(key=f"about-{project.id}-0").set_value("  It is\nred. ").run()
    assert store.project("colours").infos["red"].about == "It is red."
    boxes = [box for box in shown.checkbox if box.label.startswith("picture ")]
    boxes[1].set_value(True).run()
    boxes = [box for box in shown.checkbox if box.label.startswith("picture ")]
    assert [box.value for box in boxes].count(True) == 1 and boxes[0].value, "what is chosen stands first"
    info = store.project("colours").infos["red"]
    assert len(info.examples) == 1 and info.about == "It is red."
    boxes[0].set_value(False).run()
    assert store.project("colours").infos["red"].examples == ()


# the view for showing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["predict", "train", "review", "jobs"])
def test_the_view_for_showing_is_predict_whatever_page_is_asked_for(
    project: Project, screen: Screen, page: str
) -> None:
    shown = screen(page, project="colours", view="demo")
    assert shown.title[0].value == "colours"
    assert "Show a picture, and see which of these it is: **red, green, blue**." in fine(shown)
    assert shown.query_params["view"] in ("demo", ["demo"])


def test_from_the_view_for_showing_nothing_else_can_be_reached(project: Project, screen: Screen, store: Store) -> None:
    for label in drawn.CLASSES:
        described(store, project, label)
    shown = given(screen("predict", project="colours", view="demo"), ("a.png", PICTURES[0]))
    shown.toggle(key="why-0").set_value(True).run(timeout=60)
    said = plain(shown)
    assert (
        not shown.button and not shown.get("page_link") and not shown.get("link_button") and not shown.sidebar.children
    )
    assert not [box for box in shown.selectbox] and not shown.multiselect
    for word in ("calibrated", "validation", "ensemble", "deletion", "tiny24", "Next", "split", " ms "):
        assert word not in said, word
    drawn_maps = [html.proto.body for html in shown.get("html") if "--heat" in html.proto.body]
    assert len(drawn_maps) == 2, "one of each model"
    shown.button_group(key="way").set_value("A web address").run()
    assert shown.title[0].value == "colours" and "A table of addresses" not in shown.button_group(key="way").options


def test_the_maps_lie_on_their_picture_and_the_slider_is_the_browsers_alone(project: Project, screen: Screen) -> None:
    shown = given(screen("predict", project="colours"), ("a.png", PICTURES[0]))
    shown.toggle(key="why-0").set_value(True).run(timeout=60)
    maps = [html.proto.body for html in shown.get("html") if "--heat" in html.proto.body]
    assert len(maps) == 2 and all(one.count("data:image/png;base64,") == 2 for one in maps)
    sliders = shown.get("bidi_component")
    assert len(sliders) == 1 and json.loads(sliders[0].proto.json) == {"usual": 60}
