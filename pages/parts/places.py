"""Where candidates came from: bars of one dimension that filter when pressed, the filters, and the table behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.credits import web, words
from core.model import Funnel, Project
from db.store.provenance import LONGEST, Counts, Dimension, Which
from pages.parts import house
from pages.parts.terms import EVERY, ROBOTS, TITLES, UNKNOWN, about, shown

LARGEST = 12  # bars; what is smaller is one number below them
CHOICES = 200  # names a filter offers
ROWS = 100  # of the table at once
MANY = 100_000  # candidates that can be counted through a filter while somebody waits


# what is asked for --------------------------------------------------------------------------------------------------


def key(project: Project, name: str) -> str:
    """Of a filter's widget: another project has filters of its own."""
    return f"{name}-{project.id}"


def chosen(project: Project) -> Which:
    """What the widgets say now; on the first run what the URL says, so that another page can link to a choice."""
    for name in EVERY:
        st.session_state.setdefault(key(project, name), st.query_params.get(name))
    source, licence, host, status, reason, label = (st.session_state[key(project, name)] for name in EVERY)
    url = st.session_state.get(key(project, "url"), "").strip()
    return Which(source, licence, host, status, reason, label, url)


def choose(project: Project, name: str, value: str | None) -> None:
    """Set a filter, in its widget and in the URL; None takes it away."""
    st.session_state[key(project, name)] = value
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def clear(project: Project) -> None:
    for name in EVERY:
        choose(project, name, None)
    st.session_state[key(project, "url")] = ""


@st.cache_data(ttl=60, show_spinner="Counting …")
def _counts(database: str, project: int, dimension: Dimension, which: Which, largest: int, state: Funnel) -> Counts:
    return house.store().provenance_counts(project, dimension, which, largest)


def counts(project: Project, dimension: Dimension, which: Which, state: Funnel, largest: int = LARGEST) -> Counts:
    """Counted once for each state of the project."""
    return _counts(house.settings().database, project.id, dimension, which, largest, state)


# bars ---------------------------------------------------------------------------------------------------------------


def bars(project: Project, which: Which, state: Funnel) -> None:
    """How many candidates there are of each value of one dimension; pressing a bar shows those alone."""
    dimension: Dimension = st.segmented_control(
        "Count by", list(TITLES), default="licence", format_func=TITLES.__getitem__, key=key(project, "by"), required=True
    )  # fmt: skip
    through = which if state.found <= MANY else Which()
    found = counts(project, dimension, through, state)
    if not found.total:
        st.caption("Nothing failed." if dimension == "reason" and through == Which() else "Nothing fits these filters.")
        return
    values: list[str] = list(found.largest)
    current: str | None = getattr(which, dimension)
    rows = {
        "name": [f"{'✓ ' if value == current else ''}{shown(dimension, value)}" for value in values],
        "addresses": list(found.largest.values()),
        "about": [about(dimension, value) for value in values],
    }
    mark = f"{key(project, f'bars-{dimension}')}-{values.index(current) if current in values else ''}"
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height="content", selection_mode="single-cell",
        key=mark, on_select=lambda: press(project, dimension, values, st.session_state[mark]),
        column_order=["name", "addresses", "about"] if any(rows["about"]) else ["name", "addresses"],
        column_config={
            "name": st.column_config.TextColumn(TITLES[dimension], width="medium"),
            "addresses": st.column_config.ProgressColumn("addresses", format="localized", min_value=0, max_value=max(rows["addresses"])),
            "about": st.column_config.TextColumn("what it means", width="large"),
        },
    )  # fmt: skip
    more = found.values - len(values)
    st.caption(
        (f"And {more:,} more with {house.count(found.rest, 'address', 'addresses')}. " if more else "")
        + "Press a row to see its addresses below; press it again to see all."
        + ("" if through == which else f" Counted without the filters: there are more than {MANY:,} addresses.")
    )


def press(project: Project, dimension: Dimension, values: Sequence[str], state: Mapping[str, Any]) -> None:
    """A cell of the bars was pressed: its value becomes the filter, or no longer is."""
    for row, _ in state["selection"]["cells"][:1]:
        now = st.session_state.get(key(project, dimension))
        value = values[int(row)]
        choose(project, dimension, None if now == value else value)


# the filters and the table ------------------------------------------------------------------------------------------


def filters(project: Project, state: Funnel) -> None:
    """A choice for each dimension, and the beginning of an address."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _choice(project, "label", "Class", project.classes)
        for dimension, title in TITLES.items():
            _choice(project, dimension, title, list(counts(project, dimension, Which(), state, CHOICES).largest))
        st.text_input(
            "Address begins with", key=key(project, "url"), placeholder="https://…", width=250, max_chars=LONGEST
        )
        st.button("Show all", on_click=clear, args=(project,), disabled=chosen(project) == Which())


def _choice(project: Project, name: str, title: str, names: Sequence[str]) -> None:
    mark = key(project, name)
    now = st.session_state[mark]
    st.selectbox(
        title, [*names, *([] if now is None or now in names else [now])], None, key=mark, width=165, placeholder=EVERY[name],
        format_func=lambda value: shown(name, value), on_change=lambda: choose(project, name, st.session_state[mark]),
    )  # fmt: skip


def table(project: Project, which: Which) -> None:
    """The addresses themselves, ROWS at a time, with all that is known of each."""
    mark = key(project, "place")
    at = st.session_state.get(mark)
    after, before = at[1:] if at and at[0] == which else (0, 0)
    rows = house.store().provenance(project.id, which, after, before, ROWS + 1)
    more = len(rows) > ROWS
    rows = rows[-ROWS:] if before else rows[:ROWS]
    if not rows:
        st.info("Nothing fits these filters: choose other ones, or press Show all.")
        return
    height = 520 if len(rows) > 13 else "content"  # no empty rows below a few
    st.dataframe(
        _frame(rows), hide_index=True, height=height, placeholder="", column_config=COLUMNS, key=f"{mark}-rows"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, there, place in (
            ("Previous", more if before else bool(after), (which, 0, rows[0]["id"])),
            ("Next", bool(before) or more, (which, rows[-1]["id"], 0)),
        ):
            st.button(label, key=f"{mark}-{label}", disabled=not there, on_click=_go, args=(mark, place))
        st.caption(f"{house.count(len(rows), 'address', 'addresses')} here.")


def _go(mark: str, place: tuple[Which, int, int]) -> None:
    st.session_state[mark] = place


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Text is text; only an address of the web becomes a link."""
    return pd.DataFrame([
        {
            "became": shown("status", row["status"]), "picture": row["image"], "class": words(row["label"]), "licence": shown("licence", row["licence"]),
            "creator": words(row["creator"]) or "unknown author", "title": words(row["title"]) or "untitled", "page": web(row["page"]) or None,
            "file": web(row["url"]) or None, "terms": web(row["licence_url"]) or None, "host": shown("host", row["host"]), "reason": words(row["reason"]),
            "sentence": words(row["sentence"], 1000), "permission": words(row["permission"], 1000), "source": shown("source", row["source"]),
            "query": words(row["query"]), "fetched": row["fetched"], "url": words(row["url"], 2000),
        }
        for row in rows
    ])  # fmt: skip


_text, _link = st.column_config.TextColumn, st.column_config.LinkColumn
COLUMNS = {
    "became": _text("what became of it", pinned=True),
    "picture": st.column_config.NumberColumn("picture", format="%d", help="Its number in this project; none where nothing was fetched."),
    "class": _text("class"),
    "licence": _text("licence", help=UNKNOWN),
    "creator": _text("author"),
    "title": _text("title"),
    "page": _link("page", display_text="open", help="The page that shows the picture."),
    "file": _link("file", display_text="open", help="The picture itself, where it was found."),
    "terms": _link("terms", display_text="open", help="The licence in full."),
    "host": _text("host"),
    "reason": _text("why it failed"),
    "sentence": _text("in words", width="medium"),
    "permission": _text("what the host permits", width="medium", help="What robots.txt says of this address, and how that is known. " + ROBOTS),
    "source": _text("source"),
    "query": _text("found with the words"),
    "fetched": st.column_config.DatetimeColumn("asked for", format="YYYY-MM-DD HH:mm", help="UTC"),
    "url": _text("address", width="large"),
}  # fmt: skip
