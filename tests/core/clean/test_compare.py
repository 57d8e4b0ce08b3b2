"""Which pictures are one photo: copies among real photos, chains of small changes, shares of the work."""

from __future__ import annotations

import io
import random
from importlib import import_module

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from core.model import Link, Measure
from tests.scenes import jpeg, scene

compare = import_module("core.clean.compare")  # of that name core.clean has the stage itself


def cut(image: Image.Image, share: float = 0.04) -> Image.Image:
    """Without `share` of its width and height, evenly."""
    left, top = round(image.width * share / 2), round(image.height * share / 2)
    return image.crop((left, top, image.width - left, image.height - top))


CHANGES = {
    "resized": lambda image: jpeg(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)),
    "recompressed": lambda image: jpeg(image, 40),
    "cut": lambda image: jpeg(cut(image)),
    "mirrored": lambda image: jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 80),
    "turned": lambda image: jpeg(image.transpose(Image.Transpose.ROTATE_90), 80),
    "darker": lambda image: jpeg(ImageEnhance.Brightness(image).enhance(0.9)),
}


@pytest.mark.parametrize("name", ["sneakers", "porsche", "fashion", "seat"])
def test_planted_copies_are_found_among_real_photos_and_strangers_are_not_merged(shelf, test_data, name):
    paths = sorted((test_data / "data" / name).rglob("*.jp*g"))
    originals, planted = [], []
    for number, path in enumerate(random.Random(8).sample(paths, 100)):
        originals.append(path.read_bytes())
        if number < 36:
            change = list(CHANGES)[number % 6]
            planted.append((number, change, CHANGES[change](Image.open(path).convert("RGB"))))
    ids = shelf.add(*originals)
    copies = shelf.add(*(data for *_, data in planted))
    shelf.clean()
    group_of = shelf.store.groups(shelf.project.id, "near_duplicate")
    lost = [change for copy, (number, change, _) in zip(copies, planted, strict=True)
            if copy not in group_of or group_of[copy] != group_of.get(ids[number])]  # fmt: skip
    assert len(lost) <= 1, lost
    strangers = group_of.keys() - set(copies) - {ids[number] for number, *_ in planted}
    assert len(strangers) <= (30 if name == "seat" else 4)  # seat has 29 real copies in 166; a sample of the others few


def test_a_chain_is_held_against_its_middle_so_that_one_photo_is_one_group(shelf):
    image = scene(7, 640, 440)
    ids = shelf.add(*(jpeg(image, quality) for quality in (90, 70, 60, 50, 40)))
    shelf.clean()
    ctx, (a, b, c, d, e) = shelf.context(), ids
    with shelf.store._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM links")
    chain = [Link(one, other, 0.95, "x") for one, other in ((a, b), (b, c), (c, d), (d, e))]
    shelf.store.add_links(ctx.claim, shelf.project.id, chain, [])
    table = compare.read(ctx)
    list(compare.by_groups(ctx, table, compare.Pictures(ctx, table)))
    linked = {(link.image, link.other) for link in shelf.store.links(shelf.project.id, 0.9)}
    assert len(linked) == 6, "the middle one is linked to all now"


def test_every_pair_of_which_one_is_new_is_in_exactly_one_share(monkeypatch):
    monkeypatch.setattr(compare, "SHARE", 3)
    monkeypatch.setattr(compare, "SHARES", 1000)
    fresh = np.array([False, True, True, False, True, True, True, False])
    seen = []
    for _, here, new in compare.shares(fresh):
        rows = set(here[new])
        seen += [(i, j) for i in here for j in here if i < j and {i, j} & rows]
    assert sorted(seen) == [(i, j) for i in range(8) for j in range(i + 1, 8) if fresh[i] or fresh[j]]
    assert [done for done, *_ in compare.shares(fresh)] == [0, 3]


def test_of_a_heap_of_copies_not_each_is_held_against_each(shelf, monkeypatch):
    monkeypatch.setattr("core.clean.heaps.LARGE", 5)
    monkeypatch.setattr(compare, "BATCH", 4)
    looked = []
    likeness = compare.Pictures.likeness
    monkeypatch.setattr(
        compare.Pictures, "likeness", lambda self, pairs, *more: looked.extend(pairs) or likeness(self, pairs, *more)
    )
    ids = shelf.add(*(jpeg(scene(1), quality) for quality in range(50, 80)))
    others = shelf.add(jpeg(scene(2)), jpeg(scene(2), 50))
    shelf.clean()
    assert shelf.groups() == [set(ids), set(others)]
    assert len(looked) < 30 * 29 / 2, "fewer than there are pairs, vectors and the middle one included"
    looked.clear()
    [late] = shelf.add(jpeg(scene(1), 45))
    shelf.clean()
    assert shelf.groups() == [{*ids, late}, set(others)]
    assert sum(len(ids) + len(others) in pair[:2] for pair in looked) < 20


def test_a_large_heap_holds_the_copies_that_were_turned(shelf, monkeypatch):
    monkeypatch.setattr("core.clean.heaps.LARGE", 5)
    monkeypatch.setattr(compare, "BATCH", 4)
    turns = (None, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
    ids = shelf.add(*(jpeg(scene(7).transpose(turn) if turn else scene(7), quality)
                      for quality in range(80, 88) for turn in turns))  # fmt: skip
    shelf.clean()
    assert shelf.groups() == [set(ids)]


def test_a_heap_of_whole_copies_and_one_of_cut_ones_stay_two_groups_at_a_strict_limit(shelf, monkeypatch):
    monkeypatch.setattr("core.clean.heaps.LARGE", 5)
    monkeypatch.setattr(compare, "BATCH", 8)
    image = scene(7, 320, 220)
    ids = shelf.add(*(jpeg(one, quality) for one in (image, image.crop((9, 6, 320, 220))) for quality in range(35, 55)))
    shelf.clean(likeness=0.97)
    assert shelf.groups() == [set(ids[:20]), set(ids[20:])]


def test_of_two_pictures_asked_about_in_several_turns_the_surest_counts(shelf):
    shelf.add(jpeg(scene(1)), jpeg(scene(1), 50))
    ctx = shelf.context()
    shelf.store.add_measures(ctx.claim, shelf.project.id, 1, [Measure(i, fields=bytes(108)) for i in (1, 2)])
    pictures = compare.Pictures(ctx, compare.read(ctx))
    upright = pictures.likeness([(0, 1, 0)])
    assert upright[0, 1] > 0.97
    assert pictures.likeness([(0, 1, 0), (0, 1, 2)]) == pictures.likeness([(0, 1, 2), (0, 1, 0)]) == upright


def test_an_exact_copy_is_not_looked_at_but_counts_as_compared(shelf):
    image = scene(1)
    shelf.add(jpeg(image, 90))
    Image.open(io.BytesIO(jpeg(image, 90))).save(png := io.BytesIO(), "PNG")
    shelf.add(png.getvalue())
    shelf.clean()
    assert [done for _, done in shelf.store.measures(shelf.project.id)] == [True, True]
    assert shelf.groups("exact_duplicate") == [{1, 2}]
    assert shelf.store.links(shelf.project.id) == []
