"""A file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import whole


def test_a_file_that_was_not_written_to_its_end_is_not_there_and_the_one_before_it_is(tmp_path: Path) -> None:
    whole.write(tmp_path / "a", b"one")
    with pytest.raises(ZeroDivisionError), whole.whole(tmp_path / "a") as part:
        part.write_bytes(b"tw")
        raise ZeroDivisionError
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"one"]
