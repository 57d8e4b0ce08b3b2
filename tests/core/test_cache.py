"""The decode-once cache: made once, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.cache import cache, cached, view
from core.errors import Damaged
from core.pixels import squares
from tests.drawn import drawn, png

BYTES = {hashlib.sha256(data).hexdigest(): data for data in (png(p) for p in drawn(6, 90, 0).pixels)}
SHAS = list(BYTES)


def serial(fn, items, need: str) -> Iterator[tuple]:
    """An engine's map, here and in any order."""
    assert need == "cpu"
    for item in reversed(list(items)):
        try:
            yield item, fn(item), None
        except Exception as error:
            yield item, None, error


def never(fn, items, need: str) -> Iterator[tuple]:
    raise AssertionError("nothing was to be decoded")


def test_each_row_is_the_picture_of_its_sha256(tmp_path: Path) -> None:
    progress = list(cache(BYTES.__getitem__, SHAS, [75, 100], tmp_path, serial))
    assert (progress[-1].done, progress[-1].total) == (6, 6)
    for size in (75, 100):
        pixels, good = cached(SHAS, size, tmp_path)
        assert good.all() and pixels.dtype == np.uint8 and not pixels.flags.writeable
        for sha, row in zip(SHAS, pixels, strict=True):
            assert np.array_equal(row, squares(BYTES[sha], [size])[0])


def test_a_second_time_nothing_is_decoded(tmp_path: Path) -> None:
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    assert [p.done for p in cache(BYTES.__getitem__, SHAS, [75], tmp_path, never)] == [6]


def test_another_size_is_added_beside_the_first(tmp_path: Path) -> None:
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    list(cache(BYTES.__getitem__, SHAS, [75, 100], tmp_path, serial))
    assert cached(SHAS, 75, tmp_path)[0].shape == (6, 75, 75, 3)
    assert cached(SHAS, 100, tmp_path)[0].shape == (6, 100, 100, 3)


def test_an_image_that_fails_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    broken = {**BYTES, SHAS[2]: b"no picture"}
    last = list(cache(broken.__getitem__, SHAS, [75], tmp_path, serial))[-1]
    assert last.done == 6 and "1 failed" in last.note
    assert cached(SHAS, 75, tmp_path)[1].tolist() == [True, True, False, True, True, True]


def test_stopped_in_the_middle_it_leaves_nothing_that_counts(tmp_path: Path) -> None:
    steps = cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial)
    next(steps), next(steps)
    steps.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Damaged, match="decode the 6 pictures first"):
        cached(SHAS, 75, tmp_path)


@pytest.mark.parametrize("keep", [0, 40, 5000])
def test_a_cut_array_is_found_and_made_again_once_deleted(tmp_path: Path, keep: int) -> None:
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    path = next(tmp_path.glob("*.npy"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Damaged, match="delete it"):
        cached(SHAS, 75, tmp_path)
    path.unlink()
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    assert cached(SHAS, 75, tmp_path)[1].all()


def test_a_view_with_a_box_is_that_part_of_the_picture(tmp_path: Path) -> None:
    views = [view(SHAS[0]), view(SHAS[0], (10.5, 0, 60, 90)), view(SHAS[1], (0, 0, 45, 45))]
    list(cache(BYTES.__getitem__, views, [75], tmp_path, serial))
    pixels, good = cached(views, 75, tmp_path)
    assert good.all()
    for row, (sha, box) in zip(pixels, ((0, None), (0, (10.5, 0, 60, 90)), (1, (0, 0, 45, 45))), strict=True):
        assert np.array_equal(row, squares(BYTES[SHAS[sha]], [75], box)[0])
    assert not np.array_equal(pixels[0], pixels[1])
