"""The small picture of a hash against Pillow's, pixel by pixel, and the hash against imagehash's; tests/core/test_pixels.py has real photos."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from core.phash import MOST, dihedral_hashes, small


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    return Image.fromarray(levels)


def lanczos(grey: Image.Image) -> np.ndarray:
    return np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS))


def test_every_width_and_height_up_to_1200_pixels_is_made_small_as_pillow_does():
    wide = [(side, 40) for side in range(40, 1201)] + [(1200, side) for side in range(33, 1201, 3)]
    assert [size for size in wide if not np.array_equal(small(noise(*size)), lanczos(noise(*size)))] == []


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (33, 31), (35, 40), (32, 32), (33, 32), (5000, 3), (640, 427), (427, 640),
                                  (1200, 800), (1200, MOST // 1200 + 1), (4097, 40)])  # fmt: skip
def test_any_size_is_made_small_as_pillow_does(size):
    grey = noise(*size)
    assert np.array_equal(small(grey), lanczos(grey))


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_black_white_and_hard_edges_stay_within_what_a_byte_holds(level):
    levels = np.full((300, 417), level, np.uint8)
    levels[::7, 90:200] = 255 - level
    grey = Image.fromarray(levels)
    assert np.array_equal(small(grey), lanczos(grey))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_the_first_hash_is_imagehash_of_a_picture_in_any_mode(mode):
    image = noise(300, 211).resize((150, 105)).convert(mode)
    assert f"{dihedral_hashes(image)[0]:016x}" == str(imagehash.phash(image))
