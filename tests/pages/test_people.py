"""Who reviews here: the table of those who do, what they differ on, how much is looked at twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.model import Decision, Reviewing, Showing
from tests.db.conftest import operation, reject
from tests.pages import filled
from tests.pages.conftest import fine, plain

ROOT = Path(__file__).resolve().parents[2]


def opened(name: str) -> AppTest:
    """What the button opens, for itself."""

    def script(root: str, name: str) -> None:
        import sys

        sys.path.insert(0, root)
        from pages.parts import house, people

        people._people(house.store().project(name))

    return AppTest.from_function(script, args=(str(ROOT), name), default_timeout=30).run()


@pytest.fixture
def cars(store, home: Path):
    return store, filled.scraped(store, home)


@pytest.fixture
def two(cars):
    """Ann and Ben said the same of 11 pictures and differ on one."""
    store, project = cars
    ids = [one.id for one in store.images(project.id)][:12]
    store.apply(
        project.id, operation(*(reject(i) for i in ids[:4]), *(Decision(i, "keep") for i in ids[4:]), who="Ann")
    )
    store.show_again(project.id, "Ben", [Showing(i) for i in ids])
    store.apply(
        project.id, operation(*(reject(i) for i in ids[:5]), *(Decision(i, "keep") for i in ids[5:]), who="Ben")
    )
    return store, project


def test_who_is_alone_is_told_so_in_one_line(cars) -> None:
    shown = opened(cars[1].name)
    assert "You are the only one" in fine(shown) and not shown.selectbox


def test_two_see_how_far_they_agree_and_what_they_differ_on(two) -> None:
    store, project = two
    shown = opened(project.name)
    said = plain(shown)
    assert "| Ann | 12 |" in said and "| Ben | 12 |" in said
    assert said.count("almost perfect, 0.82 (") == 2
    assert [each.label for each in shown.button] == ["Look at 1 disputed picture"]
    shown.button[0].click().run()
    assert shown.session_state["show"] == "disputed"


def test_what_is_chosen_is_kept_and_what_others_chose_beside_it_stays(two) -> None:
    store, project = two
    store.set_reviewing(project.id, Reviewing(overlap=0.03, references=(7,)))
    shown = opened(project.name)
    assert shown.selectbox(key="overlap").value == 0.03, "also where it is none of the choices"
    shown.selectbox(key="overlap").select(0.1).run()
    shown.selectbox(key="checks").select(0.05).run()
    assert fine(shown)
    shown.selectbox(key="trusted").select("Ben").run()
    assert store.project(project.name).reviewing == Reviewing(0.1, 0.05, "Ben", (7,))


def test_names_are_shown_as_they_are(cars) -> None:
    store, project = cars
    image = next(one.id for one in store.images(project.id))
    for name in ("a | b :red[x]", "Zoë"):
        store.apply(project.id, operation(reject(image), who=name))
    assert r"a \| b \:red\[x\]" in fine(opened(project.name))
