"""The pieces of a page to send: what is text stays text, and a disk that refuses is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import sheet
from core.errors import BadInput


@pytest.mark.parametrize(
    ("lowest", "marks"), [(0.03, "0 20 40 60 80 100"), (0.71, "70 75 80 85 90 95 100"), (0.982, "98 99 100"), (1, "99 100")]
)  # fmt: skip
def test_the_marks_of_the_curves_are_round_numbers(lowest: float, marks: str) -> None:
    assert " ".join(f"{100 * mark:.0f}" for mark in sheet.marks(lowest)) == marks


def test_names_are_text_wherever_they_stand() -> None:
    evil = "<script>x</script>"
    page = sheet.document(
        evil, "<p>about</p>", [sheet.section(evil, sheet.table(("a",), [(sheet.name(evil),)]), evil), ""]
    )
    assert "<script" not in page and page.count("&lt;script&gt;") == 5
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    assert sheet.save("page", tmp_path / "new", "a.html").read_text() == "page"
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="The report cannot be written to .*file/a.html"):
        sheet.save("page", tmp_path / "file", "a.html")
