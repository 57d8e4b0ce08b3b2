"""The plain descriptor: colours and edges, tolerant of a crop, and strangers stay apart."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from core.embed.plain import DIMS, SIZE, plain
from core.pixels import square


def drawn(seed: int) -> Image.Image:
    """Shapes on a coloured ground."""
    luck = np.random.default_rng(seed)
    image = Image.new("RGB", (400, 300), tuple(luck.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y, wide, high = luck.integers(0, 300), luck.integers(0, 200), luck.integers(20, 120), luck.integers(20, 120)
        colour = tuple(luck.integers(0, 256, 3).tolist())
        (draw.ellipse if luck.random() < 0.5 else draw.rectangle)((x, y, x + wide, y + high), fill=colour)
    return image


def vectors(*images: Image.Image) -> np.ndarray:
    return plain()(np.stack([square(image, SIZE) for image in images]))


def test_it_is_small_enough_to_keep() -> None:
    assert plain().dims == DIMS <= 512


def test_strangers_lie_far_apart() -> None:
    some = vectors(*map(drawn, range(20)))
    assert np.median((some @ some.T)[np.triu_indices(20, 1)]) < 0.6


def test_a_picture_cut_by_a_tenth_lies_nearest_to_the_whole_one() -> None:
    images = list(map(drawn, range(20)))
    likeness = vectors(*(image.crop((20, 15, 380, 285)) for image in images)) @ vectors(*images).T
    assert (likeness.argmax(1) == np.arange(20)).all() and np.diag(likeness).min() > 0.7


def test_a_darker_picture_lies_nearest_to_the_lighter_one() -> None:
    images = list(map(drawn, range(20)))
    likeness = vectors(*(image.point(lambda value: int(value * 0.7)) for image in images)) @ vectors(*images).T
    assert (likeness.argmax(1) == np.arange(20)).all()


def test_the_same_shapes_in_other_colours_are_told_apart() -> None:
    image = drawn(3)
    red, green, blue = image.split()
    same, other = vectors(image)[0], vectors(Image.merge("RGB", (blue, red, green)))[0]
    assert 0.5 < same @ other < 0.98


def test_a_picture_of_one_colour_has_a_vector_of_its_colour() -> None:
    grey, same, red = vectors(*(Image.new("RGB", (50, 50), colour) for colour in ("grey", "grey", "red")))
    assert grey @ same > 0.999 > 0.9 > grey @ red
