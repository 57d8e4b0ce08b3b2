"""Folders named after classes: whatever a class is called, one folder each, and inside."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from core.errors import BadInput
from core.export.names import folders, safe
from core.export.place import inside

HOSTILE = [
    "../../x", "..\\x", "/etc/x", "a\0b", "CON", "con.jpg", "nul", "LPT1", "COM¹", ".", "..", "...", "", " ", "x.", "x ", ".hidden",
    "x" * 300, "ü" * 300, "a/b", "a:b", 'a"b', "a|b?", "tab\tnew\nline", "\u202egnp", "\ud800", "<script>", "é", "e\u0301", "É",
]  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_name_becomes_one_folder_inside(label: str, tmp_path: Path) -> None:
    name = safe(label)
    assert name and len(name.encode()) < 120 and not set(name) & set('/\\:*?"<>|\0\n\t')
    assert not name.startswith(".") and not name.endswith((".", " "))
    assert name.partition(".")[0].casefold() not in {"con", "nul", "lpt1", "com¹"}
    made = inside(tmp_path, name)
    made.mkdir()
    assert made.parent.resolve() == tmp_path.resolve() and [path.name for path in tmp_path.iterdir()] == [name]


def test_two_classes_never_share_a_folder_where_neither_case_nor_unicode_form_counts() -> None:
    labels = ["Café", "cafe\u0301", "CAFÉ", "a/b", "a:b", "a_b", *HOSTILE]
    found = folders(labels)
    keys = [unicodedata.normalize("NFC", name).casefold() for name in found.values()]
    assert len(set(keys)) == len(set(labels)) == len(found)


def test_a_usual_name_stays_as_it_is_and_always_becomes_the_same() -> None:
    labels = ["Air Jordan 11", "911", "Straßenbahn", "T-shirt, long", "犬"]
    assert list(folders(labels).values()) == labels
    assert safe("x" * 300) == safe("x" * 300) != safe("x" * 301)


@pytest.mark.parametrize("path", [("..", "x"), ("/etc",), ("a", "..", "..", "x")])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="leads out of the folder"):
        inside(tmp_path, *path)
