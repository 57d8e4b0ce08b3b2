"""Tables that are too many for memory come back as they were, and leave nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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


def test_the_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    table = stacked([np.ones((3, 2), np.float32)], tmp_path / "cache" / "scratch")
    assert not list((tmp_path / "cache" / "scratch").iterdir())
    assert table.sum() == 6


def test_nobody_writes_into_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        stacked([np.ones((3, 2), np.float32)])[0] = 2


MEMORY = """
import numpy as np
from core.clean.classes import reduced, whitened
from core.clean.outliers import _from_middle
from core.clean.stacked import stacked
def own():
    lines = dict(line.split(":") for line in open("/proc/self/smaps_rollup") if ":" in line and "-" not in line)
    return int(lines["Pss_Anon"].split()[0]) / 1000
rng = np.random.default_rng(0)
def worked(rows):
    table = stacked(rng.normal(size=(2_000, 512)).astype("<f2") for _ in range(rows // 2_000))
    of = np.arange(rows) % 3
    parts = reduced(table)
    return table, parts, whitened(parts), _from_middle(parts, of)
worked(10_000)
before = own()
kept = worked(100_000)
print(own() - before, sum(one.nbytes for one in kept) / 1e6)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_ten_times_the_pictures_take_no_more_memory_of_their_own() -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    more, held = map(float, done.stdout.split())
    assert more < held / 10, done.stdout
