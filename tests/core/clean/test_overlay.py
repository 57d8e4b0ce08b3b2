"""Marks that the pictures of one site share, told from many of them, on drawn scenes and on real photos."""

from __future__ import annotations

import io
import itertools
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from core.clean.overlay import LEAST, MOST, shared, shown
from core.pixels import ingest
from tests.scenes import jpeg, scene


def marked(image: Image.Image, strength: float = 0.25, size: float = 0.08) -> Image.Image:
    """The picture with a site's name written across, as a stock site does it."""
    over = Image.new("RGBA", image.size)
    ImageDraw.Draw(over).text(
        (image.width / 2, image.height * 0.9), "photostock.example", fill=(255, 255, 255, round(255 * strength)),
        stroke_width=1, stroke_fill=(0, 0, 0, round(120 * strength)), anchor="mm",
        font=ImageFont.load_default(image.height * size),
    )  # fmt: skip
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(ingest(jpeg(image, 92))[1])).convert("L"))


def scenes(number: int, first: int = 0, mark: bool = False) -> list[bytes]:
    some = (scene(seed) for seed in range(first, first + number))
    return [jpeg(marked(one, 0.4, 0.1) if mark else one) for one in some]


def photos(folder: Path, each: int) -> dict[str, list[Image.Image]]:
    """Class -> so many photos of the size that most have."""
    found = {}
    for label in sorted(p for p in folder.iterdir() if p.is_dir()):
        images = [Image.open(file).convert("RGB") for file in sorted(label.glob("*.jpg"))[: 2 * each]]
        size = (300, 300) if folder.name == "porsche" else (224, 224)
        if len(same := [image for image in images if image.size == size]) >= each:
            found[label.name] = same[:each]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["porsche", "fashion"])
def test_a_faint_mark_on_real_photos_is_told_and_each_picture_with_it_found_and_none_without(test_data, name):
    classes = photos(test_data / "data" / name, MOST)
    two = list(classes)[:2]
    with_it = {label: [grey(marked(image)) for image in images] for label, images in classes.items()}
    mark = shared([np.stack(with_it[label]) for label in two])
    assert mark is not None
    assert min(shown(one, mark) for some in with_it.values() for one in some) > 0.45
    assert max(shown(grey(image), mark) for some in classes.values() for image in some) < 0.45


@pytest.mark.slow
@pytest.mark.parametrize("name", ["porsche", "fashion"])
def test_photos_without_a_mark_share_none_neither_of_two_classes_nor_of_one_taken_for_two(test_data, name):
    greys = {k: np.stack([grey(i) for i in some]) for k, some in photos(test_data / "data" / name, 2 * LEAST).items()}
    assert len(greys) >= 5
    assert [pair for pair in itertools.combinations(greys, 2) if shared([greys[k][:LEAST] for k in pair])] == []
    rng = np.random.default_rng(0)
    halves = [(k, some[rng.permutation(len(some))]) for k, some in greys.items() for _ in range(5)]
    assert [k for k, some in halves if shared([some[:LEAST], some[LEAST:]])] == [], "shoes that all face left"


def test_one_class_alone_does_not_tell_a_mark_from_what_is_photographed():
    same = np.stack([grey(marked(scene(seed), 0.5)) for seed in range(LEAST)])
    assert shared([same]) is None
    assert shared([]) is None


@pytest.mark.parametrize("shape", [(1, 256), (256, 1), (20, 256)])
def test_of_narrow_strips_nothing_is_told(shape):
    strips = np.random.default_rng(0).integers(0, 256, (LEAST, *shape), dtype=np.uint8)
    assert shared([strips, strips]) is None


def test_the_marked_pictures_of_a_site_are_found_and_other_sites_and_sizes_are_not(shelf):
    with_it = [
        *shelf.add(*scenes(LEAST, 0, mark=True), label="sedan"), *shelf.add(*scenes(LEAST, 50, mark=True), label="coupe"),
    ]  # fmt: skip
    without = shelf.add(*scenes(3, 100), label="sedan")
    elsewhere = shelf.add(*scenes(20, 150, mark=True), label="suv", page="http://another.example/1")
    shelf.clean()
    assert shelf.found("watermark").keys() == set(with_it)
    scores = shelf.store.measures_of(shelf.project.id, [*without, *elsewhere])
    assert all(0 < scores[image].scores["watermark"] < 0.45 for image in without)
    assert {scores[image].scores["watermark"] for image in elsewhere} == {0}, "one class does not tell"


def test_pictures_of_a_site_that_come_later_are_looked_at_and_the_first_ones_too_once_they_are_enough(shelf):
    first = [*shelf.add(*scenes(LEAST - 1, 0, mark=True)), *shelf.add(*scenes(LEAST, 50, mark=True), label="coupe")]
    shelf.clean()
    assert shelf.found("watermark") == {}
    later = shelf.add(*scenes(2, 30, mark=True))
    shelf.clean()
    assert shelf.found("watermark").keys() == {*first, *later}
    more = shelf.add(*scenes(1, 40, mark=True), *scenes(1, 41))
    shelf.clean()
    assert shelf.found("watermark").keys() == {*first, *later, more[0]}


def test_a_second_clean_looks_at_no_thumbnail_again(shelf, monkeypatch):
    for label, start in (("sedan", 0), ("coupe", 50)):
        shelf.add(*scenes(LEAST, start, mark=True), label=label)
    shelf.clean()
    monkeypatch.setattr("core.clean.overlay._grey", lambda data: pytest.fail("a thumbnail was read again"))
    shelf.clean()
    assert len(shelf.found("watermark")) == 2 * LEAST


def test_a_clean_that_was_cut_off_among_the_marks_goes_on(shelf):
    first = [*shelf.add(*scenes(LEAST, 0, mark=True)), *shelf.add(*scenes(LEAST, 50, mark=True), label="coupe")]
    more = {"page": "http://another.example/1"}
    other = [
        *shelf.add(*scenes(LEAST, 100, mark=True), **more),
        *shelf.add(*scenes(LEAST, 150, mark=True), label="coupe", **more),
    ]
    shelf.killed(lambda progress: "marks" in progress.note and progress.done == len(first))
    assert shelf.store.unscored(shelf.project.id, "watermark") == set(other)
    shelf.clean()
    assert shelf.found("watermark").keys() == {*first, *other}


def test_a_mark_that_most_of_many_more_pictures_do_not_carry_is_none(shelf):
    for label, start in (("sedan", 0), ("coupe", 50)):
        shelf.add(*scenes(LEAST, start, mark=True), label=label)
    shelf.clean()
    assert len(shelf.found("watermark")) == 2 * LEAST
    for label, start in (("sedan", 100), ("coupe", 150)):
        shelf.add(*scenes(LEAST + 4, start), label=label)
    shelf.clean()
    assert shelf.found("watermark") == {}


def lose(shelf, image: int) -> bytes:
    """The picture and its thumbnail; what the picture was."""
    data = shelf.file(image).read_bytes()
    shelf.file(image, "thumbs").unlink()
    shelf.file(image).unlink()
    return data


def two_classes(shelf, each: int) -> list[int]:
    return [image for label, start in (("sedan", 0), ("coupe", 50))
            for image in shelf.add(*scenes(each, start, mark=True), label=label)]  # fmt: skip


def test_thumbnails_that_are_lost_are_made_again(shelf):
    ids = two_classes(shelf, LEAST + 4)
    shelf.killed(lambda progress: "marks" in progress.note)
    for image in ids[::3]:
        shelf.file(image, "thumbs").unlink()
    shelf.clean()
    assert (shelf.found("corrupt"), shelf.found("watermark").keys()) == ({}, {*ids})
    assert all(shelf.file(image, "thumbs").is_file() for image in ids)


def test_a_picture_that_is_lost_is_a_fault_which_the_next_clean_mends(shelf):
    ids = two_classes(shelf, LEAST + 4)
    lost = {}

    def damage(progress):  # once every picture was read, before marks are looked for
        if "marks" in progress.note and not lost:
            lost.update({image: lose(shelf, image) for image in random.Random(1).sample(ids, 3)})

    shelf.clean(damage)
    assert shelf.found("corrupt").keys() == set(lost)
    assert shelf.found("watermark") == {}, "it waits for them"
    for image, data in lost.items():
        shelf.file(image).write_bytes(data)
    shelf.clean()
    assert (shelf.found("corrupt"), shelf.found("watermark").keys()) == ({}, {*ids})


def test_one_lost_picture_takes_no_findings_away(shelf):
    ids = two_classes(shelf, LEAST)
    shelf.clean()
    [new] = shelf.add(*scenes(1, 40, mark=True))
    shelf.killed(lambda progress: "marks" in progress.note)
    data = lose(shelf, ids[3])
    shelf.clean()
    assert shelf.found("watermark").keys() == {*ids, new} - {ids[3]}
    shelf.file(ids[3]).write_bytes(data)
    shelf.clean()
    assert shelf.found("watermark").keys() == {*ids, new}


def test_where_the_mark_is_another_one_now_all_pictures_are_scored_anew(shelf):
    def logo(first: int) -> list[bytes]:
        return [jpeg(marked(scene(seed), 0.4, 0.1)) for seed in range(first, first + LEAST)]

    def both(first: int) -> list[bytes]:
        turned = (marked(scene(seed), 0.4, 0.1).rotate(180) for seed in range(first, first + LEAST))
        return [jpeg(marked(one, 0.4, 0.1)) for one in turned]

    shelf.add(*both(0))
    shelf.add(*both(50), label="coupe")
    [only_logo] = shelf.add(jpeg(marked(scene(200), 0.4, 0.1)))
    shelf.clean()
    before = shelf.store.scores(shelf.project.id, "watermark", [only_logo])[only_logo]
    shelf.add(*logo(100), label="suv")
    shelf.clean()
    assert shelf.store.scores(shelf.project.id, "watermark", [only_logo])[only_logo] > 0.9 > before


def test_a_clean_that_was_killed_while_it_scored_a_mark_anew_goes_on_with_all_of_them(shelf):
    old = [*shelf.add(*scenes(LEAST - 1, 0, mark=True)), *shelf.add(*scenes(LEAST, 50, mark=True), label="coupe")]
    shelf.clean()
    assert set(shelf.store.scores(shelf.project.id, "watermark", old).values()) == {0}, "too few to tell"
    new = shelf.add(*scenes(1, 40, mark=True))
    shelf.killed(lambda progress: "marks" in progress.note and 0 < progress.done < len(old) + 1)
    assert shelf.store.unscored(shelf.project.id, "watermark") == set(new), "the new one comes last"
    shelf.clean()
    assert shelf.found("watermark").keys() == {*old, *new}
