"""Copies of a photo are told from pictures that only look like it."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.clean.look import ALIKE, COPY, SURE, compare, likeness, small, turned
from core.phash import FLIPS
from tests.scenes import jpeg, scene

MIRROR = Image.Transpose.FLIP_LEFT_RIGHT


def tiny(image: Image.Image, quality: int = 85) -> np.ndarray:
    return small(jpeg(image, quality))[None]


def said(one: Image.Image, other: Image.Image, cosine: float | None = None) -> float:
    cosines = None if cosine is None else np.array([cosine], dtype=np.float32)
    return float(likeness(tiny(one), tiny(other), cosines)[0])


def part(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """What is between these shares of the sides."""
    across, down = image.size
    return image.crop((round(left * across), round(top * down), round(right * across), round(bottom * down)))


def margin(image: Image.Image, colour: str) -> Image.Image:
    out = Image.new("RGB", (image.width + 40, image.height + 30), colour)
    out.paste(image, (20, 15))
    return out


def recoloured(image: Image.Image) -> Image.Image:
    """Redder and less blue, as bright as before or nearly so."""
    return Image.fromarray(np.clip(np.asarray(image) * [1.3, 0.95, 0.6], 0, 255).astype(np.uint8))


def marked(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).rectangle((200, 150, 280, 180), fill="white", outline="black")
    return image


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((160, 110)),
        lambda image: Image.open(io.BytesIO(jpeg(image, 40))),
        lambda image: image.transpose(MIRROR),
    ],
    ids=["resized", "saved again", "mirrored"],
)
def test_a_copy_with_nothing_cut_is_a_copy(change: Callable[[Image.Image], Image.Image]):
    assert all(said(scene(seed), change(scene(seed))) >= COPY for seed in range(5))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: part(image, 0.03, 0.0, 0.99, 0.96),
        lambda image: part(image, 0.1, 0.1, 1.0, 1.0),
        lambda image: part(image, 0.1, 0.0, 1.0, 0.9).transpose(MIRROR),
        lambda image: part(image, 0.0, 0.2, 0.85, 1.0),
        lambda image: margin(image, "white"),
        lambda image: margin(image, "black"),
    ],
    ids=[
        "cut by 4 %",
        "a corner cut by 10 %",
        "cut and mirrored",
        "a corner cut by 20 %",
        "white margin",
        "black margin",
    ],
)
def test_a_part_or_a_margin_is_surely_one_photo_and_no_plain_copy(change: Callable[[Image.Image], Image.Image]):
    for seed in range(5):
        assert SURE <= said(scene(seed), change(scene(seed))) < COPY
        assert SURE <= said(change(scene(seed)), scene(seed)) < COPY


def test_another_picture_is_not_the_same_and_does_not_even_look_alike():
    assert said(scene(3), scene(4)) == 0
    assert said(scene(3), scene(3).rotate(15)) < SURE


def test_another_colour_or_a_mark_looks_alike_and_is_not_sure():
    for change in (recoloured, marked):
        assert ALIKE <= said(scene(3), change(scene(3))) < SURE


def test_vectors_alone_never_make_it_sure():
    assert said(scene(3), scene(4), cosine=0.5) == 0
    assert ALIKE < said(scene(3), scene(4), cosine=0.94) < said(scene(3), scene(4), cosine=1.0) < SURE


def test_a_pair_is_judged_alike_alone_and_among_others_and_from_both_sides():
    rng = random.Random(1)
    one = np.concatenate([tiny(scene(seed)) for seed in range(8)])
    other = np.concatenate([tiny(part(scene(seed % 5), 0, 0, 1 - rng.random() / 6, 0.95)) for seed in range(8)])
    together = likeness(one, other)
    alone = [likeness(one[i : i + 1], other[i : i + 1])[0] for i in range(8)]
    assert np.allclose(together, alone, atol=1e-4)
    assert (together[:5] >= SURE).all()
    assert (together[5:] < SURE).all()
    assert np.allclose(together[:5], likeness(other[:5], one[:5]), atol=0.02)


def test_a_cut_copy_is_laid_over_exactly():
    found = compare(tiny(scene(3)), tiny(part(scene(3), 0.05, 0.02, 0.98, 0.96)))
    assert found.detail[0] > 0.99
    assert found.patch[0] < 12
    assert not found.whole[0]


def test_flat_pictures_do_not_break_the_arithmetic():
    flat = np.full((2, 48, 48, 3), 255, dtype=np.uint8)
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        assert np.isfinite(likeness(flat, flat // 2)).all()


@pytest.mark.parametrize("flip", range(8))
def test_turning_the_small_picture_is_turning_the_picture(flip: int):
    square = scene(5, 200, 200)
    other = square.transpose(FLIPS[flip]) if flip else square
    apart = turned(tiny(square)[0], flip).astype(int) - tiny(other)[0]
    assert np.abs(apart).mean() < 3
