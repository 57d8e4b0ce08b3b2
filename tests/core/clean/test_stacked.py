"""Tables that are too many for memory come back as they were, and leave nothing behind."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from core.clean import classes, outliers
from core.clean.stacked import stacked


@pytest.mark.parametrize("kind", ["<f2", np.float32])
def test_blocks_of_any_height_come_back_one_below_the_other(tmp_path: Path, kind: str) -> None:
    table = np.random.default_rng(0).normal(size=(1000, 7)).astype(kind)
    back = stacked((table[start : start + 300] for start in range(0, 1000, 300)), tmp_path / "scratch")
    assert back.dtype == table.dtype
    np.testing.assert_array_equal(back, table)
    np.testing.assert_array_equal(back[[5, 999, 5]], table[[5, 999, 5]])


def test_no_block_is_no_row() -> None:
    assert stacked(iter(())).shape == (0, 0)


def test_a_block_of_another_width_or_type_is_refused() -> None:
    rows = np.ones((3, 4), np.float32)
    with pytest.raises(ValueError, match=r"\(3, 2\) does not fit below float32 rows of 4"):
        stacked([rows, rows[:, :2]])
    with pytest.raises(ValueError, match="float16 .* does not fit"):
        stacked([rows, rows.astype(np.float16)])


def test_rows_without_numbers_are_rows() -> None:
    assert stacked([np.ones((3, 0), np.float32)] * 2).shape == (6, 0)


def test_the_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    table = stacked([np.ones((3, 2), np.float32)], tmp_path / "cache" / "scratch")
    assert not list((tmp_path / "cache" / "scratch").iterdir())
    assert table.sum() == 6


def test_nobody_writes_into_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        stacked([np.ones((3, 2), np.float32)])[0] = 2


def peak(pictures: int) -> tuple[int, int]:
    """The most bytes that were in use while so many pictures' classes are judged, and those of the tables."""
    rng = np.random.default_rng(0)
    tracemalloc.start()
    try:
        table = stacked(rng.random((1_000, 512), np.float32) for _ in range(pictures // 1_000))
        of = np.arange(pictures) % 3
        rows = classes.reduced(table)
        white = classes.whitened(rows)
        said = [likely[0] for _, likely, _ in classes.probabilities(rows, white, of, np.arange(pictures))]
        strange = outliers.strangeness(rows, white, of, np.arange(pictures))
        assert len(said) == -(-pictures // classes.BLOCK) and len(strange) == pictures
        return tracemalloc.get_traced_memory()[1], table.nbytes + rows.nbytes + white.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_three_times_the_pictures_take_hardly_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (classes, outliers):
        monkeypatch.setattr(module, "BANK", 1_000)
    (few, small), (many, large) = peak(10_000), peak(30_000)
    assert many - few < (large - small) / 10
