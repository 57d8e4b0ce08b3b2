"""How many bad pictures are left, above the grid; the certificate, and where it is shown."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from core.model import TOGETHER, Decision, Operation, Showing
from tests.pages import filled
from tests.pages.conftest import button, opened, plain
from tests.pages.vectors import described, kind


@pytest.fixture
def cars(store, home: Path):
    return store, filled.scraped(store, home)


def keep(store, project, images) -> None:
    decisions = tuple(Decision(i, "keep") for i in images)
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", decisions))


def test_before_a_random_picture_was_decided_the_page_says_that_nothing_is_known(cars, screen) -> None:
    _, project = cars
    shown = screen("review", project=project.name)
    assert "Too early to say" in plain(shown)
    opened(shown, "known")
    said = plain(shown)
    assert "more random ones without a bad one" in said
    assert "nothing was decided yet" in said or "clean the project" in said
    assert "Store the certificate" not in [each.label for each in shown.button]


def test_once_every_picture_was_looked_at_one_press_keeps_the_certificate_and_the_project_shows_it(
    cars, screen
) -> None:
    store, project = cars
    keep(store, project, [one.id for one in store.images(project.id)])
    shown = screen("review", project=project.name)
    assert "Every picture was looked at" in plain(shown)
    button(shown, "Store the certificate").click().run()
    said = plain(screen("review", project=project.name))
    assert "Certificate signed by" in said and "Store the certificate" not in said
    made = store.certificate(project.id)
    assert made.result["looked"] == 36 and made.result["left"] == 0
    said = plain(screen("project", project=project.name))
    assert "Reviewed." in said and made.reviewer in said and "36 pictures had been looked at" in said
    assert "Pictures came since" not in said


def test_pictures_that_came_since_are_not_covered_and_the_project_says_so(cars, screen) -> None:
    store, project = cars
    everything = [one.id for one in store.images(project.id)]
    keep(store, project, everything)
    store.add_certificate(
        project.id, "Ann", everything[-1] - 1, {"left": 0, "low": 0, "high": 0, "draws": 0, "looked": 36, "found": 0}
    )
    assert "Pictures came since then" in plain(screen("project", project=project.name))


@pytest.fixture
def begun(store, home: Path):
    """90 pictures with vectors, two fifths of them bad; of the first 40 half were shown at random, and all are decided."""
    project = filled.scraped(store, home, "begun", each=30)
    ids = described(store, project)
    store.show(
        project.id, "Ann", [Showing(i, "random" if i % 2 else "likely", 0.5, "") for i in ids[:40]], 0, lambda n: 0
    )
    made = tuple(Decision(i, "reject" if kind(i) < 2 else "keep") for i in ids[:40])
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", made))
    return store, project, ids[40:]


def test_the_rest_of_a_class_is_kept_by_one_press_that_says_what_it_takes(begun, screen) -> None:
    store, project, rest = begun
    shown = opened(screen("review", project=project.name), "together")
    shown.select_slider(key=f"together-{project.id}-above").set_value(0.8).run()
    said = plain(shown)
    assert "nobody has seen are at least 80.0% likely good" in said and "random ones like them" in said
    press = next(each for each in shown.button if each.label.startswith("Keep these"))
    many = int(press.label.split()[2])
    press.click().run()
    assert not shown.exception
    kept = [one.image for one in store.tiles(project.id, rest) if (one.verdict, one.reason) == ("keep", TOGETHER)]
    assert len(kept) == many and sum(kind(i) == 2 for i in kept) > 0.9 * many
    shown.selectbox(key=f"together-{project.id}-class").set_value("coupe").run()
    assert "of coupe" in plain(shown)
    button(shown, f"Take back the {many} pictures kept last").click().run()
    assert {one.verdict for one in store.tiles(project.id, kept)} == {"undecided"}
    assert "Take back" not in " ".join(each.label for each in shown.button)


def test_the_random_ones_found_bad_can_be_looked_at_once_more(begun, screen) -> None:
    store, project, rest = begun
    bad = [one.image for one in store.judged(project.id) if one.queue == "random" and one.bad]
    shown = opened(screen("review", project=project.name), "known")
    button(shown, f"Look once more at {len(bad)} random ones found bad").click().run()
    assert f"Only the {len(bad)} pictures you chose" in plain(shown)
    assert shown.selectbox(key="show").value == "any", "they are decided"
