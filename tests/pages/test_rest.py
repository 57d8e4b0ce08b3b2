"""How many bad pictures are left, above the grid; the certificate, and where it is shown."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from core.model import Decision, Operation
from tests.pages import filled
from tests.pages.conftest import button, plain


@pytest.fixture
def cars(store, home: Path):
    return store, filled.scraped(store, home)


def keep(store, project, images) -> None:
    decisions = tuple(Decision(i, "keep") for i in images)
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", decisions))


def test_before_a_random_picture_was_decided_the_page_says_that_nothing_is_known(cars, screen) -> None:
    _, project = cars
    shown = screen("review", project=project.name)
    said = plain(shown)
    assert "It is too early to say" in said and "more random ones without a bad one" in said
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
