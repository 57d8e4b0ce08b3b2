"""What each class is searched for: a table to read and to change."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from core import project as naming
from core.errors import BadInput
from core.model import ClassInfo, Project
from pages.parts import house

QUERIES = "What is searched for, several separated by | , each with its share of the pictures. Empty: the class's name."
SYNONYMS = "Other words for the class, separated by | , asked for only where the first ones bring too few pictures."
BETWEEN = " | "


def editor(project: Project) -> None:
    """The table, and the press that keeps what was changed in it."""
    levels = [level for level in naming.parents(project.infos) if level not in naming.COLUMNS]
    table = frame(project, levels)
    edited = st.data_editor(
        table, hide_index=True, disabled=["class", *levels],
        key=f"searched-{project.id}-{zlib.crc32(repr((project.classes, project.infos)).encode())}",  # begins anew when it was kept
        column_order=["class", "synonyms", "queries", *levels],  # the long one last: both can be seen on a telephone
        column_config={"class": st.column_config.TextColumn(width=min(165, 25 + 7 * max(map(len, project.classes)))),
                       "synonyms": st.column_config.TextColumn(help=SYNONYMS, width=110),
                       "queries": st.column_config.TextColumn("searched for", help=QUERIES)},
    )  # fmt: skip
    try:
        cells = edited[["queries", "synonyms"]].fillna("")  # what an emptied cell holds is no text
        new = changed(project, cells["queries"].tolist(), cells["synonyms"].tolist())
    except BadInput as error:
        st.error(house.text(error))
        return
    label = f"Keep {house.count(len(new), 'change')}" if new else "Keep the changes"
    if st.button(label, disabled=not new, key=f"keep-{project.id}"):
        house.store().set_infos(project.id, new)
        st.rerun()


def frame(project: Project, levels: Sequence[str]) -> pd.DataFrame:
    """A row for each class, in the project's order."""
    rows = []
    for label in project.classes:
        info = project.infos.get(label, ClassInfo())
        above = [info.parents.get(level, "") for level in levels]
        rows.append([label, BETWEEN.join(info.queries), BETWEEN.join(info.synonyms), *above])
    return pd.DataFrame(rows, columns=["class", "queries", "synonyms", *levels])


def changed(project: Project, queries: Sequence[str], synonyms: Sequence[str]) -> Mapping[str, ClassInfo]:
    """Class -> what is known of it now, of the classes whose cells were changed. Raises BadInput, which names the class."""
    new: dict[str, ClassInfo] = {}
    for label, asked, other in zip(project.classes, queries, synonyms, strict=True):
        info = project.infos.get(label, ClassInfo())
        if (asked, other) == (BETWEEN.join(info.queries), BETWEEN.join(info.synonyms)):
            continue
        try:
            words = naming.info(naming.several(asked), naming.several(other), info.parents)
            now = replace(words, about=info.about, examples=info.examples)
        except BadInput as error:
            raise BadInput(f"{label}: {error}") from None
        if now != info:
            new[label] = now
    return new
