"""The list of augmentations on the page Train: what is chosen, what it shows, what a training is told."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core import pixels
from core.augment import AUGMENTATIONS
from core.model import Candidate, Recipe
from pages.parts import augmented
from tests.pages import filled
from tests.pages.conftest import button, opened, plain


@pytest.fixture
def cars(store, home: Path):
    project = filled.scraped(store, home)
    filled.split(store, project)
    return store, project


def pairs(shown) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(label, before, after) of each pair of pictures on the page, (S, S, 3) uint8."""
    [body] = [one.proto.body for one in shown.get("html") if "<figure>" in one.proto.body]
    figures = []
    for figure in body.split("<figure>")[1:]:
        before, after = (
            np.asarray(Image.open(BytesIO(b64decode(data)))) for data in re.findall(r"base64,([^\"]+)", figure)
        )
        [label] = re.findall(r"<figcaption[^>]*>([^<]*)<", figure)
        figures.append((label, before, after))
    return figures


def box(shown, name: str):
    return shown.checkbox(key=f"augment-{name}")


def test_every_augmentation_is_there_with_its_sentence_and_the_usual_three_are_chosen(cars, screen) -> None:
    shown = screen("train", project="cars")
    assert "Now: Crop, Flip, Colour." in plain(shown)
    labels = [one.label.replace("\\", "") for one in shown.checkbox]
    for name, about in AUGMENTATIONS.items():
        assert any(about in label and augmented.title(name) in label for label in labels), name
    assert [name for name in AUGMENTATIONS if box(shown, name).value] == list(Recipe("vgg75").augment)


def test_no_picture_is_decoded_before_the_list_is_opened(cars, screen, monkeypatch) -> None:
    monkeypatch.setattr(augmented, "squares", lambda *_: pytest.fail("It was decoded."))
    assert not [one for one in screen("train", project="cars").get("html") if "<figure>" in one.proto.body]


def test_twelve_pictures_of_the_training_part_are_shown_before_and_after_spread_over_the_classes(cars, screen) -> None:
    store, project = cars
    shown = opened(screen("train", project="cars"), "augment-panel")
    seen = pairs(shown)
    assert Counter(label for label, _, _ in seen) == {"sedan": 4, "coupe": 4, "suv": 4}
    assert all(before.shape == after.shape == (75, 75, 3) for _, before, after in seen)
    assert sum(not np.array_equal(before, after) for _, before, after in seen) >= 11
    frozen = store.split(project.id)
    assert set(augmented.twelve(frozen)) <= set(frozen.parts["train"])


def test_draw_again_changes_the_same_pictures_in_another_way(cars, screen) -> None:
    shown = opened(screen("train", project="cars"), "augment-panel")
    first = pairs(shown)
    again = pairs(button(shown, "Draw again").click().run())
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(first, again, strict=True))
    assert sum(not np.array_equal(one[2], other[2]) for one, other in zip(first, again, strict=True)) >= 11


def test_without_any_the_page_says_that_nothing_is_changed_and_asks_about_no_mirror(cars, screen) -> None:
    shown = opened(screen("train", project="cars"), "augment-panel")
    for name in Recipe("vgg75").augment:
        box(shown, name).uncheck()
    shown.run()
    assert "Nothing is changed" in plain(shown)
    assert "Classes that mirroring would change" not in [one.label for one in shown.multiselect]
    button(shown, "Train it").click().run()
    assert [one["augment"] for one in cars[0].jobs(verb="train")[0].params["recipes"]] == [[]]


def test_what_is_chosen_is_what_the_training_is_told(cars, screen) -> None:
    shown = screen("train", project="cars")
    box(shown, "erasing").check()
    box(shown, "colour").uncheck()
    shown.run()
    next(one for one in shown.multiselect if "mirroring" in one.label).set_value(["suv"]).run()
    button(shown, "Train it").click().run()
    for recipe in cars[0].jobs(verb="train")[0].params["recipes"]:
        assert recipe["augment"] == ["crop", "flip", "erasing"] and recipe["fixed_sides"] == ["suv"]


def test_pictures_of_a_class_that_mirroring_would_change_are_never_mirrored(cars, screen) -> None:
    shown = opened(screen("train", project="cars"), "augment-panel")
    for name in ("crop", "colour"):
        box(shown, name).uncheck()
    shown.run()
    sides = next(one for one in shown.multiselect if "mirroring" in one.label)
    assert "left shoe" in sides.help
    sides.set_value(["suv", "coupe"]).run()
    mirrored = Counter()
    for _ in range(4):
        button(shown, "Draw again").click().run()
        for label, before, after in pairs(shown):
            kept = np.abs(after.astype(int) - before).mean() < 3
            assert kept or np.abs(after.astype(int) - before[:, ::-1]).mean() < 3
            mirrored[label] += not kept
    assert mirrored["sedan"] and not mirrored["suv"] and not mirrored["coupe"]


def test_a_picture_whose_file_is_gone_is_left_out(cars, screen, home: Path) -> None:
    store, project = cars
    image = augmented.twelve(store.split(project.id))[0][0]
    [record] = store.images_by_id(project.id, [image])
    [file] = [one for one in (home / "images").rglob(f"*{record.facts.sha256}*") if one.is_file()]
    file.rename(file.with_name("elsewhere"))
    assert len(pairs(opened(screen("train", project="cars"), "augment-panel"))) == 11


def test_a_crop_that_the_split_froze_is_what_is_shown(store, home: Path, screen) -> None:
    """Half of each picture is red; where the crop is the other half, no red is seen."""
    project = store.add_project("cars", ["a", "b"])
    _, claim = filled.begin(store, project, "scrape", source="folder")
    from core.blobs import Blobs

    blobs, candidates, outcomes = Blobs(str(home.absolute())), [], []
    for i in range(6):
        image = Image.new("RGB", (200, 100), f"hsl({180 + i}, 60%, 50%)")
        ImageDraw.Draw(image).rectangle((0, 0, 99, 99), fill="red")
        out = BytesIO()
        image.save(out, "PNG")
        facts, thumb = pixels.ingest(out.getvalue())
        blobs.put(facts.sha256, out.getvalue(), thumb)
        candidates.append(Candidate(f"/{i}.png", "ab"[i % 2], "folder"))
        outcomes.append((candidates[-1].url, facts, ""))
    store.add_candidates(claim, project.id, 0, candidates)
    store.add_fetched(claim, project.id, outcomes)
    store.finish(claim, "done", {})
    _, claim = filled.begin(store, project, "split")
    members = [(record.id, record.label) for record in store.images(project.id)]
    parts = {"train": members, "val": [], "test": []}
    boxes = {image: (110.0, 0.0, 200.0, 100.0) for image, _ in members}
    made = store.add_split(claim, project.id, 0, parts, project.classes, {}, 0, "", boxes)
    store.finish(claim, "done", {"split": made.id})
    seen = pairs(opened(screen("train", project="cars"), "augment-panel"))
    assert len(seen) == 6 and all(before[..., 0].mean() < 120 for _, before, _ in seen)


def test_twelve_of_many_classes_are_of_twelve_of_them(store, home: Path) -> None:
    project = filled.scraped(store, home, "many", [f"class {i}" for i in range(18)], each=4)
    filled.split(store, project)
    frozen = store.split(project.id)
    chosen = augmented.twelve(frozen)
    assert len(chosen) == 12 == len({label for _, label in chosen}) and chosen == augmented.twelve(frozen)
