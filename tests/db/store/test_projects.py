"""Projects: names as they are, classes, and the funnel."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from core.errors import BadInput, Refused
from core.model import ClassInfo, Funnel
from db.tables import projects
from tests.db.conftest import candidate, facts

ODD = ["'; DROP TABLE jobs;--", "%", "_", '"quoted"', "<img src=x onerror=alert(1)>", "naïve 车 🚗"]


@pytest.mark.parametrize("name", ODD)
def test_any_name_is_kept_as_it_is_and_found_by_itself_alone(store, name):
    store.add_project("another", ["x"])
    store.add_project(name, [name, "x"])
    assert store.project(name).classes == (name, "x")
    with pytest.raises(BadInput, match="There is no project named"):
        store.project(name + "%")


@pytest.mark.parametrize(("name", "what"), [("a\x00b", "NUL"), ("a\ud800b", "half of a character")])
def test_a_name_that_no_database_can_keep_is_refused(store, name, what):
    with pytest.raises(BadInput, match=what):
        store.add_project(name, ["x"])
    with pytest.raises(BadInput, match=what):
        store.add_project("cars", [name])
    assert store.projects() == []


def test_a_name_that_is_taken_is_refused(store, project):
    with pytest.raises(BadInput, match="There is a project named 'cars' already"):
        store.add_project("cars", ["x"])


def test_classes_are_put_behind_the_ones_there_are_and_repeating_changes_nothing(store, project):
    for _ in range(2):
        assert store.add_classes(project.id, ["suv", "sedan"]).classes == ("sedan", "coupe", "suv")


def test_a_class_in_other_letters_is_refused_with_both_spellings_and_nothing_is_added(store, project):
    with pytest.raises(BadInput, match=r"'Sedan' is there already \(as 'sedan'\)"):
        store.add_classes(project.id, ["suv", "Sedan"])
    assert store.project("cars").classes == ("sedan", "coupe")


def test_labels_in_other_letters_leave_the_class_as_it_is_where_that_is_wanted(store, project):
    classes = store.add_classes(project.id, ["Sedan", "Suv", "suv"], respelled=True).classes
    assert classes == ("sedan", "coupe", "Suv")


def test_a_project_that_is_not_there_names_those_that_are(store, project):
    with pytest.raises(BadInput, match=r"There is no project named 'boats' \(there are: cars\)"):
        store.project("boats")


def test_the_funnel_counts_each_stage_as_a_part_of_the_one_before(store, project, claim):
    by = claim()
    store.add_candidates(by, project.id, 0, [candidate(f"http://a/{i}") for i in range(6)])
    store.add_fetched(by, project.id, [("http://a/0", facts("0"), ""), ("http://a/1", facts("1"), ""), ("http://a/2", facts("1"), ""),
                                       ("http://a/3", Refused("timeout"), "")])  # fmt: skip
    assert store.funnel(project.id) == Funnel(
        found=6, fetched=3, unique=2, kept=2, split=0, undecided=2, failed=1, pending=2
    )
    assert store.counts(project.id) == {"sedan": {"undecided": 2}}


def test_what_a_class_is_outlives_a_new_list_of_classes_and_a_new_search(store):
    about = ClassInfo(("red car",), (), {}, "A car that is red.", (3, 1))
    project = store.add_project("cars", ["red", "blue"], {"red": about})
    assert store.project("cars").infos == {"red": about}
    listed = {"red": ClassInfo(("red van",)), "blue": ClassInfo(("blue van",)), "green": ClassInfo((), ("verde",))}
    infos = store.add_classes(project.id, ["red", "green"], infos=listed).infos
    assert infos["red"] == ClassInfo(("red van",), (), {}, about.about, about.examples)
    assert infos["blue"] == listed["blue"] and infos["green"] == listed["green"]
    other = ClassInfo(about="Another sentence.")
    assert store.add_classes(project.id, [], infos={"red": other}).infos["red"] == other


def test_a_project_from_before_classes_could_be_described_is_read(store):
    project = store.add_project("cars", ["red"], {"red": ClassInfo(("red car",))})
    early = {"red": {"queries": ["red car"], "synonyms": [], "parents": {}}}
    with store._write() as c:
        c.execute(update(projects).where(projects.c.id == project.id).values(infos=early))
    assert store.project("cars").infos == {"red": ClassInfo(("red car",))}
