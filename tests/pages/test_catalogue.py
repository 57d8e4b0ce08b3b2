"""The page Project: classes from a file and from the car catalogue, and what each class is searched for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import catalogue
from core.errors import BadInput
from core.model import ClassInfo, Job
from core.web import Web, blocking
from db.store import Store
from pages.parts import house, searched
from tests.pages.conftest import button, plain, words
from tests.providers.vpic import Vpic

Screen = Callable[..., AppTest]
M3 = ClassInfo(("2008 BMW M3", "2009 BMW M3"), ("M3 coupe",), {"make": "BMW", "years": "2008-2009"})


@pytest.fixture
def vpic(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vpic]:
    with Vpic() as running:
        monkeypatch.setenv("WINNOW_VPIC_URL", running.url)
        monkeypatch.setenv("WINNOW_ALLOW_HOSTS", running.allow)
        yield running


def chosen(screen: Screen, way: str, key: str = "new-classes", **query: str) -> AppTest:
    return screen("project", **query).button_group(key=f"{key}-way").set_value(way).run()


def table(shown: AppTest):
    [found] = shown.dataframe
    return found.value


def edit(shown: AppTest, rows: dict[int, dict[str, object]]) -> AppTest:
    """Change cells of the one table that can be changed."""
    [editor] = shown.data_editor
    shown.session_state[editor.key] = {"edited_rows": rows, "added_rows": [], "deleted_rows": []}
    return shown.run()


def work(store: Store, vpic: Vpic) -> Job:
    """Do the queued look-up, as its job does."""
    found = store.claim("test", 60)
    assert found is not None
    job, claim = found
    with blocking(Web((vpic.allow,))) as get:
        step = catalogue.look(job.params, get, catalogue.folder(house.settings().home), vpic.url)
        try:
            while True:
                next(step)
        except StopIteration as end:
            store.finish(claim, "done", end.value)
    return store.job(job.id)


def looked_up(screen: Screen, store: Store, vpic: Vpic, *makes: str) -> AppTest:
    """The page with the models of these makes in 2008 and 2009."""
    shown = chosen(screen, "Car catalogue")
    shown.slider(key="new-classes-years").set_range(2008, 2009).run()
    button(shown, "Look up the makes").click().run()
    work(store, vpic)
    shown.run()
    shown.multiselect(key="new-classes-makes").set_value(list(makes)).run()
    button(shown, "Look up the models").click().run()
    work(store, vpic)
    return shown.run()


# from a file --------------------------------------------------------------------------------------------------------


def test_a_class_file_by_its_path_makes_a_project_with_what_is_known(
    screen: Screen, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "cars.csv").write_text("class,queries,make\nBMW M3,2008 BMW M3|2009 BMW M3,BMW\nsedan,,\n")
    shown = chosen(screen, "From a file")
    shown.text_input(key="new-name").set_value("cars")
    shown.text_input(key="new-classes-path").set_value(str(tmp_path / "cars.csv")).run()
    said = plain(shown)
    assert "2 classes: BMW M3, sedan" in said
    assert "1 class with words of its own to search for  \nGrouped by make" in said
    button(shown, "Create the project").click().run()
    made = store.project("cars")
    assert made.classes == ("BMW M3", "sedan")
    assert made.infos == {"BMW M3": ClassInfo(("2008 BMW M3", "2009 BMW M3"), (), {"make": "BMW"})}


def test_an_uploaded_table_that_does_not_fit_names_its_line(screen: Screen, store: Store) -> None:
    shown = chosen(screen, "From a file")
    shown.file_uploader(key="new-classes-file").set_value(
        ("cars.csv", b"class,make\nM3,BMW\nm3,BMW\n", "text/csv")
    ).run()
    assert "cars.csv, line 3: the class 'm3' is on line 2 already" in shown.error[0].value.replace("\\", "")
    shown.text_input(key="new-name").set_value("cars")
    button(shown, "Create the project").click().run()
    assert len(shown.error) == 1
    assert store.projects() == []


@pytest.mark.parametrize("path", ["/nowhere/cars.csv", "/", "a\x00b", "~nobody/x", "relative.csv"])
def test_a_path_that_leads_nowhere_is_said(screen: Screen, path: str) -> None:
    shown = chosen(screen, "From a file")
    shown.text_input(key="new-classes-path").set_value(path).run()
    assert not shown.exception
    assert "There is no file" in shown.error[0].value or "cannot be read" in shown.error[0].value


def test_no_file_is_no_class(screen: Screen, store: Store) -> None:
    shown = chosen(screen, "From a file")
    shown.text_input(key="new-name").set_value("cars")
    button(shown, "Create the project").click().run()
    assert shown.error[0].value == "There is no class yet: choose a file."


def test_a_file_adds_classes_to_a_project(screen: Screen, store: Store, tmp_path: Path) -> None:
    project = store.add_project("cars", ["suv"])
    (tmp_path / "f.csv").write_text("class,queries\nM3,BMW M3\n")
    shown = chosen(screen, "From a file", f"add-{project.id}", project="cars")
    shown.text_input(key=f"add-{project.id}-path").set_value(str(tmp_path / "f.csv")).run()
    button(shown, "Add them").click().run()
    assert not shown.exception
    assert store.project("cars").infos == {"M3": ClassInfo(("BMW M3",))}


# what was written stays ---------------------------------------------------------------------------------------------


def test_names_stay_through_another_page_until_they_are_used(screen: Screen, store: Store) -> None:
    shown = screen("project")
    shown.text_input(key="new-name").set_value("sneakers")
    shown.text_area(key="new-classes").set_value("boot, clog").run()
    shown.switch_page("../jobs.py").run()
    shown.switch_page("../project.py").run()
    assert (shown.text_input(key="new-name").value, shown.text_area(key="new-classes").value) == (
        "sneakers",
        "boot, clog",
    )
    button(shown, "Create the project").click().run()
    shown.switch_page("../project.py").run()
    plain(shown)
    assert (shown.text_input(key="new-name").value, shown.text_area(key="new-classes").value) == ("", "")
    written = f"add-{store.project('sneakers').id}"
    shown.text_area(key=written).set_value("sandal").run()
    button(shown, "Add them").click().run()
    plain(shown)
    assert shown.text_area(key=written).value == ""


# from the catalogue -------------------------------------------------------------------------------------------------


def test_what_a_look_up_costs_is_said_before_it_is_started(screen: Screen, store: Store, workers: list) -> None:
    shown = chosen(screen, "Car catalogue")
    assert "1 request to the catalogue, about 1 s at one a second." in plain(shown)
    shown.button_group(key="new-classes-types").set_value(["car", "truck", "mpv"]).run()
    assert "3 requests to the catalogue, about 3 s" in plain(shown)
    assert store.jobs() == []
    button(shown, "Look up the makes").click().run()
    plain(shown)
    (job,) = store.jobs()
    assert (job.verb, job.project, job.params) == (
        "catalogue", None, {"types": ["car", "truck", "mpv"], "years": [], "makes": []})  # fmt: skip
    assert len(workers) == 1
    assert button(shown, "Look up the makes").disabled


def test_two_look_ups_at_once_are_refused(screen: Screen, store: Store) -> None:
    shown = chosen(screen, "Car catalogue")
    store.submit("catalogue", {"types": ["mpv"], "years": [], "makes": []}, alone=True)  # meanwhile, in another tab
    button(shown, "Look up the makes").click().run()
    assert not shown.exception
    assert len(store.jobs()) == 1


def test_makes_then_models_then_a_project(screen: Screen, store: Store, vpic: Vpic) -> None:
    shown = chosen(screen, "Car catalogue")
    button(shown, "Look up the makes").click().run()
    work(store, vpic)
    shown.run()
    assert "There are 4. Choose those" in plain(shown)
    assert button(shown, "Create the project").disabled
    makes = shown.multiselect(key="new-classes-makes")
    assert makes.options == ["BMW", "Ford", "Maserati", "Mercedes-Benz"]
    makes.set_value(["Maserati", "BMW"]).run()
    assert "38 requests to the catalogue, about 38 s at one a second." in plain(shown)
    button(shown, "Look up the models").click().run()
    job = work(store, vpic)
    assert (job.params["makes"], job.params["years"]) == (["BMW", "Maserati"], list(range(2000, 2019)))
    shown.run()
    assert list(table(shown)["class"]) == ["BMW 328i", "BMW M3", "Maserati GranTurismo", "Maserati Quattroporte"]
    assert table(shown)["searched for"][2].startswith("2008 Maserati GranTurismo | 2009 Maserati GranTurismo | ")
    assert "4 classes with words of their own to search for  \nGrouped by make, model, years" in plain(shown)
    shown.text_input(key="new-name").set_value("cars")
    button(shown, "Use these 4 classes").click().run()
    made = store.project("cars")
    assert made.classes == ("BMW 328i", "BMW M3", "Maserati GranTurismo", "Maserati Quattroporte")
    assert made.infos["Maserati GranTurismo"].parents["years"] == "2008-2018"
    assert len(made.infos["Maserati GranTurismo"].queries) == 11


def test_what_is_known_is_not_counted_as_a_request(screen: Screen, store: Store, vpic: Vpic) -> None:
    shown = looked_up(screen, store, vpic, "BMW")
    shown.multiselect(key="new-classes-makes").set_value(["BMW", "Ford"]).run()
    assert "2 requests to the catalogue, about 2 s at one a second; 2 more are known from before." in plain(shown)


def test_looking_again_needs_no_job(screen: Screen, store: Store, vpic: Vpic) -> None:
    looked_up(screen, store, vpic, "BMW")
    shown = chosen(screen, "Car catalogue")
    shown.slider(key="new-classes-years").set_range(2008, 2009).run()
    shown.multiselect(key="new-classes-makes").set_value(["BMW"]).run()
    assert "2 classes: BMW 328i, BMW M3" in plain(shown)
    assert len(store.jobs()) == 2


def test_only_what_is_ticked_is_used(screen: Screen, store: Store, vpic: Vpic) -> None:
    shown = edit(looked_up(screen, store, vpic, "BMW"), {0: {"use": False}})
    assert "1 class: BMW M3" in plain(shown)
    shown.text_input(key="new-name").set_value("cars")
    button(shown, "Use this 1 class").click().run()
    assert store.project("cars").infos.keys() == {"BMW M3"}


def test_nothing_ticked_is_no_class(screen: Screen, store: Store, vpic: Vpic) -> None:
    shown = looked_up(screen, store, vpic, "BMW")
    assert button(shown, "Use these 2 classes")
    shown.toggle(key="new-classes-all").set_value(False).run()
    plain(shown)
    assert button(shown, "Create the project").disabled


def test_years_that_were_not_answered_are_named_and_can_be_asked_for_again(
    screen: Screen, store: Store, vpic: Vpic
) -> None:
    vpic.answers["GetModelsForMakeIdYear/makeId/452/modelyear/2009/vehicletype/car"] = (500, b"")
    shown = looked_up(screen, store, vpic, "BMW")
    assert "1 of 2 requests were not answered: BMW 2009, passenger car (http 500)." in plain(shown)
    vpic.answers.clear()
    button(shown, "Ask again for 1 answer").click().run()
    work(store, vpic)
    shown.run()
    assert not shown.warning
    assert list(table(shown)["years"]) == ["2008-2009", "2008-2009"]


def test_a_look_up_that_failed_says_so_and_can_be_started_again(screen: Screen, store: Store) -> None:
    shown = chosen(screen, "Car catalogue")
    button(shown, "Look up the makes").click().run()
    found = store.claim("test", 60)
    assert found is not None
    store.finish(found[1], "failed", error="The catalogue <b>did not</b> answer.")
    shown.run()
    assert r"\<b\>did not" in shown.error[0].value
    assert not button(shown, "Look up the makes").disabled


def test_hostile_names_of_the_catalogue_are_shown_as_text(screen: Screen, store: Store, vpic: Vpic) -> None:
    hostile = "[x](javascript:alert(1)) **z** :red[y]"
    vpic.answers["GetMakesForVehicleType/car"] = (200, Vpic.body([{"MakeId": 1, "MakeName": hostile}]))
    vpic.answers["GetModelsForMakeIdYear/makeId/1/modelyear/2008/vehicletype/car"] = (
        200, Vpic.body([{"Model_Name": hostile}, {"Model_Name": "![i](https://example.org/i.png) " + "x" * 100}]))  # fmt: skip
    shown = looked_up(screen, store, vpic, hostile)
    assert not shown.exception
    for markup in ("](javascript", ":red[", "**z**", "![i]"):
        assert markup not in words(shown)


def test_the_catalogue_is_offered_in_one_place_at_a_time(screen: Screen, store: Store) -> None:
    project = store.add_project("cars", ["suv"])
    shown = chosen(screen, "Car catalogue", f"add-{project.id}", project="cars")
    plain(shown)
    assert "Car catalogue" not in shown.button_group(key="new-classes-way").options


# what each class is searched for ------------------------------------------------------------------------------------


def test_the_table_shows_queries_synonyms_and_parents(store: Store) -> None:
    project = store.add_project("cars", ["sedan", "BMW M3"], {"BMW M3": M3})
    shown = searched.frame(project, ["make", "years"])
    assert shown.to_dict("records") == [
        {"class": "sedan", "queries": "", "synonyms": "", "make": "", "years": ""},
        {"class": "BMW M3", "queries": "2008 BMW M3 | 2009 BMW M3", "synonyms": "M3 coupe", "make": "BMW",
         "years": "2008-2009"},
    ]  # fmt: skip


def test_only_what_was_changed_is_kept_and_parents_stay(store: Store) -> None:
    project = store.add_project("cars", ["sedan", "BMW M3", "suv"], {"BMW M3": M3})
    same = ["", "2008 BMW M3 | 2009 BMW M3", ""]
    assert searched.changed(project, same, ["", "M3 coupe", ""]) == {}
    new = searched.changed(project, ["sedan car; saloon", "", ""], ["", "M3 coupe", ""])
    assert new == {"sedan": ClassInfo(("sedan car", "saloon")), "BMW M3": ClassInfo((), M3.synonyms, M3.parents)}
    assert store.set_infos(project.id, new).infos == new


def test_a_query_that_cannot_be_names_its_class(store: Store) -> None:
    project = store.add_project("cars", ["sedan"])
    with pytest.raises(BadInput, match="sedan: The query 'x+'... has 201 characters"):
        searched.changed(project, ["x" * 201], [""])


def opened(screen: Screen, project: int) -> AppTest:
    shown = screen("project", project="cars")
    shown.session_state[f"searched-{project}"] = True
    return shown.run()


def test_a_changed_cell_is_kept_by_a_press(screen: Screen, store: Store) -> None:
    project = store.add_project("cars", ["sedan", "BMW M3"], {"BMW M3": M3})
    shown = edit(opened(screen, project.id), {0: {"queries": "sedan car | saloon"}, 1: {"synonyms": None}})
    plain(shown)
    button(shown, "Keep 2 changes").click().run()
    plain(shown)
    assert store.project("cars").infos == {
        "sedan": ClassInfo(("sedan car", "saloon")),
        "BMW M3": ClassInfo(M3.queries, (), M3.parents),
    }
    assert list(table(shown)["queries"]) == ["sedan car | saloon", "2008 BMW M3 | 2009 BMW M3"]
    assert button(shown, "Keep the changes").disabled


def test_a_cell_that_does_not_fit_is_said_and_nothing_is_kept(screen: Screen, store: Store) -> None:
    project = store.add_project("cars", ["sedan"])
    shown = edit(opened(screen, project.id), {0: {"queries": "x" * 201}})
    assert "sedan: The query" in shown.error[0].value.replace("\\", "")
    assert not [b for b in shown.button if b.label.startswith("Keep")]


def test_the_editor_is_drawn_with_hostile_names(screen: Screen, store: Store) -> None:
    hostile = "[p](javascript:alert(1)) $x^2$"
    project = store.add_project("cars", [hostile], {hostile: ClassInfo((hostile,), (), {hostile: hostile})})
    shown = opened(screen, project.id)
    plain(shown)
    assert table(shown)["class"].tolist() == [hostile]
    assert "](javascript" not in words(shown)
