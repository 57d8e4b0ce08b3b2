"""Three ways to name classes: write them, give a file, pick from the car catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from core import project as naming
from core.errors import BadInput
from core.model import ClassInfo
from pages.parts import catalogue, house

Named = tuple[tuple[str, ...], Mapping[str, ClassInfo]]
WRITTEN, FILE, CATALOGUE = "Write them", "From a file", "Car catalogue"
NOTHING: Named = ((), {})

WRITTEN_HELP = (
    "One class on each line, or separated by commas. `air jordan {1..23}` stands for 23 classes. A class is what the "
    "model will answer with, and what is searched for unless you say otherwise."
)
FILE_HELP = (
    "Plain text with one name a line; or a table (.csv, .tsv) whose first line names its columns: `class`, and if you "
    "like `queries` (what is searched for instead of the name) and `synonyms` (other words for it), several separated "
    "by `|`. Every further column, such as make, model, years, is kept as a level above the class."
)


def way(key: str, without: str = "") -> str:
    """Which of the three is chosen; `without` leaves out one that is in use elsewhere on the page."""
    if used(key):
        st.session_state.update({key: "", f"{key}-path": "", f"{key}-way": WRITTEN, f"{key}-used": False})
    ways = [each for each in (WRITTEN, FILE, CATALOGUE) if each != without]
    return (
        st.segmented_control(
            "How to name the classes", ways, default=WRITTEN, required=True, key=f"{key}-way",
            label_visibility="collapsed", persist_state="session",
        )
        or WRITTEN
    )  # fmt: skip


def classes(key: str, chosen: str, label: str, height: int | None = None) -> Named | BadInput:
    """The classes named so far, or why they do not fit: for `say`."""
    try:
        if chosen == CATALOGUE:
            infos = catalogue.choose(key)
            return tuple(infos), infos
        return _file(key) if chosen == FILE else _written(key, label, height)
    except BadInput as error:
        return error


def say(found: Named | BadInput) -> None:
    """Shows the classes as they will be kept, or why they do not fit.

    Below the button that keeps them: what is written arrives when a press leaves the field, and a line that then
    appeared above the button would move it away from under the press.
    """
    if isinstance(found, BadInput):
        st.error(house.text(found))
    else:
        _kept(*found)


def forget(key: str) -> None:
    """What was named is used: the next time it is drawn, the form with this key begins empty."""
    st.session_state[f"{key}-used"] = True


def used(key: str) -> bool:
    return st.session_state.get(f"{key}-used", False)


def _written(key: str, label: str, height: int | None) -> Named:
    text = st.text_area(
        label, placeholder="sedan\ncoupe\nsuv\ntruck", height=height or "content", key=key, help=WRITTEN_HELP,
        persist_state="session",
    )  # fmt: skip
    return (naming.classes(text), {}) if text and text.strip() else NOTHING


def _file(key: str) -> Named:
    left, right = st.columns(2, gap="medium")
    most = naming.LARGEST_FILE // 1_000_000
    given = left.file_uploader("A file with class names", ["csv", "tsv", "txt"], key=f"{key}-file", help=FILE_HELP, max_upload_size=most)  # fmt: skip
    path = right.text_input(
        "or its path on this computer", key=f"{key}-path", placeholder="/home/me/cars.csv", persist_state="session"
    ) or ""  # fmt: skip
    if given is not None:
        return naming.class_file(given.name, naming.decoded(given.name, given.getvalue()))
    if not path.strip():
        return NOTHING
    return naming.class_file(Path(path).name, naming.decoded(Path(path).name, _read(Path(path.strip()).expanduser())))


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise BadInput(f"There is no file {str(path)!r} on the computer that Winnow runs on.")
        with path.open("rb") as file:
            return file.read(naming.LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadInput(f"{str(path)!r} cannot be read: {error}.") from None


def _kept(found: tuple[str, ...], infos: Mapping[str, ClassInfo]) -> None:
    if not found:
        return
    shown = ", ".join(house.text(name, 40) for name in found[:12])
    said = [f"{house.count(len(found), 'class', 'classes')}: {shown}{' …' if len(found) > 12 else ''}"]
    words = sum(1 for info in infos.values() if info.queries or info.synonyms)
    levels = naming.parents(infos)
    if words:
        said.append(
            f"{house.count(words, 'class', 'classes')} with words of {'its' if words == 1 else 'their'} own to search for"
        )
    if levels:
        said.append(f"Grouped by {', '.join(house.text(level, 40) for level in levels)}")
    st.caption("  \n".join(said))  # a line each
