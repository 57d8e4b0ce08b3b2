"""The decode-once cache: made once, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.cache import cache, cached, picked, pictures, view
from core.errors import Damaged, Missing
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


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="macOS takes room as it is written")
def test_all_the_room_is_taken_before_the_first_picture_so_that_a_full_disk_is_an_error(tmp_path: Path) -> None:
    steps = cache(BYTES.__getitem__, SHAS, [100], tmp_path, serial)
    next(steps)
    [part] = tmp_path.iterdir()
    assert part.stat().st_blocks * 512 >= part.stat().st_size > 6 * 100 * 100 * 3
    steps.close()


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
def test_a_cut_array_is_found_and_made_again(tmp_path: Path, keep: int) -> None:
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    path = next(tmp_path.glob("*.npy"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Damaged, match="made again when the pictures are decoded next"):
        cached(SHAS, 75, tmp_path)
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    assert cached(SHAS, 75, tmp_path)[1].all()


def away(*shas: str) -> Callable[[str], bytes]:
    """Reads all but those, which are on a disk that is away."""

    def read(sha256: str) -> bytes:
        if sha256 in shas:
            raise OSError(5, "Input/output error")
        return BYTES[sha256]

    return read


def test_what_could_not_be_read_for_a_moment_is_tried_again_and_nothing_else(tmp_path: Path) -> None:
    last = list(cache(away(SHAS[1], SHAS[4]), SHAS, [75], tmp_path, serial))[-1]
    assert "2 failed" in last.note and cached(SHAS, 75, tmp_path)[1].tolist() == [True, False, True, True, False, True]
    asked: list[str] = []
    list(cache(lambda sha: asked.append(sha) or away(SHAS[4])(sha), SHAS, [75, 32], tmp_path, serial))
    assert sorted(asked) == sorted([*SHAS, SHAS[1], SHAS[4]])
    assert cached(SHAS, 75, tmp_path)[1].tolist() == [True, True, True, True, False, True]
    list(cache(BYTES.__getitem__, SHAS, [75, 32], tmp_path, serial))
    for size in (75, 32):
        pixels, good = cached(SHAS, size, tmp_path)
        assert good.all()
        assert all(np.array_equal(row, squares(BYTES[sha], [size])[0]) for row, sha in zip(pixels, SHAS, strict=True))
    assert "decoded already" in next(cache(away(*SHAS), SHAS, [75], tmp_path, serial)).note


def test_a_picture_that_is_none_is_not_asked_again(tmp_path: Path) -> None:
    list(cache(BROKEN.__getitem__, SHAS, [75], tmp_path, serial))
    assert "decoded already" in next(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial)).note


def test_where_none_can_be_read_just_now_it_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"None of the 6 pictures can be read just now: .*Input/output error"):
        list(cache(away(*SHAS), SHAS, [75], tmp_path, serial))
    assert list(tmp_path.iterdir()) == []


def test_a_view_with_a_box_is_that_part_of_the_picture(tmp_path: Path) -> None:
    views = [view(SHAS[0]), view(SHAS[0], (10.5, 0, 60, 90)), view(SHAS[1], (0, 0, 45, 45))]
    list(cache(BYTES.__getitem__, views, [75], tmp_path, serial))
    pixels, good = cached(views, 75, tmp_path)
    assert good.all()
    for row, (sha, box) in zip(pixels, ((0, None), (0, (10.5, 0, 60, 90)), (1, (0, 0, 45, 45))), strict=True):
        assert np.array_equal(row, squares(BYTES[SHAS[sha]], [75], box)[0])
    assert not np.array_equal(pixels[0], pixels[1])


MEMBERS = [(100 + i, "ab"[i % 2]) for i in range(6)]
BROKEN = {**BYTES, SHAS[2]: b"no picture"}
LEFT = [0, 1, 3, 4, 5]


def mapped(pixels: np.ndarray) -> bool:
    return isinstance(pixels, np.memmap) and pixels.filename is not None and not pixels.flags.writeable


def test_one_unreadable_picture_leaves_the_others_mapped_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.cache.BLOCK", 2 * 3 * 75**2)  # two pictures at once: several blocks, and a last short one
    list(cache(BROKEN.__getitem__, SHAS, [75], tmp_path, serial))
    expected = cached(SHAS, 75, tmp_path)[0][LEFT]
    made, images = pictures(SHAS, 75, tmp_path, MEMBERS, "ab")
    assert mapped(made.pixels) and np.array_equal(made.pixels, expected)
    assert images == [100, 101, 103, 104, 105] and made.labels.tolist() == [0, 1, 1, 0, 1]
    [file] = {path for path in tmp_path.glob("*.npy") if path.name.startswith(made.key)}
    before = file.stat().st_ino
    again, _ = pictures(SHAS, 75, tmp_path, MEMBERS, "ab")
    assert again.key == made.key and file.stat().st_ino == before, "the next run takes the same copy"


def test_without_an_unreadable_picture_nothing_is_copied(tmp_path: Path) -> None:
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    made, images = pictures(SHAS, 75, tmp_path, MEMBERS, "ab")
    assert mapped(made.pixels) and len(images) == 6 and len(list(tmp_path.iterdir())) == 2


def test_with_every_picture_unreadable_nothing_is_left(tmp_path: Path) -> None:
    list(cache({sha: b"" for sha in SHAS}.__getitem__, SHAS, [75], tmp_path, serial))
    made, images = pictures(SHAS, 75, tmp_path, MEMBERS, "ab")
    assert made.pixels.shape == (0, 75, 75, 3) and images == []


@pytest.mark.parametrize("end", [".npy", ".json"])
def test_a_damaged_copy_is_made_again(tmp_path: Path, end: str) -> None:
    list(cache(BROKEN.__getitem__, SHAS, [75], tmp_path, serial))
    made, _ = pictures(SHAS, 75, tmp_path, MEMBERS, "ab")
    expected = np.array(made.pixels)
    [path] = tmp_path.glob(f"{made.key}*{end}")
    path.write_bytes(path.read_bytes()[:60])
    assert np.array_equal(pictures(SHAS, 75, tmp_path, MEMBERS, "ab")[0].pixels, expected)


def test_two_that_copy_at_once_leave_one_whole_copy(tmp_path: Path) -> None:
    list(cache(BROKEN.__getitem__, SHAS, [75], tmp_path, serial))
    expected = cached(SHAS, 75, tmp_path)[0][LEFT]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: picked(SHAS, 75, tmp_path, LEFT), range(16)))
    assert all(np.array_equal(each, expected) for each in made)
    assert len(list(tmp_path.iterdir())) == 4 and not list(tmp_path.glob("*.part"))


def test_a_copy_that_was_killed_counts_for_nothing_and_is_removed_after_a_day(tmp_path: Path) -> None:
    yesterday = time.time() - 2 * 24 * 3600
    old, fresh, other = (tmp_path / name for name in (f"a-75.{'0' * 32}.part", f"b-75.{'1' * 32}.part", "mine.part"))
    for path, at in ((old, yesterday), (fresh, time.time()), (other, yesterday)):
        path.write_bytes(b"half")
        os.utime(path, (at, at))
    list(cache(BYTES.__getitem__, SHAS, [75], tmp_path, serial))
    assert not old.exists() and fresh.exists() and other.exists()
