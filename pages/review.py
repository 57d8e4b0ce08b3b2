"""Look at what was found and say what stays."""

from __future__ import annotations

import getpass

import streamlit as st

from core.model import Project
from core.review import SIZE, reviewer_name
from db.store.review import Filter
from pages.parts import head, house
from pages.parts.grid import FILTERS, REVIEWER, review_grid

ORDERS = {"score": "findings first", "found": "as found", "label": "by class"}
VERDICTS = {"undecided": "undecided", "keep": "kept", "reject": "rejected", "any": "all"}
SIZES = (50, SIZE, 200)


def filters(project: Project) -> tuple[Filter, int, str]:
    """The widgets above the grid; what they say lies in the URL. Returns filter, page size and the reviewer's name."""
    kinds = house.store().finding_counts(project.id)
    with st.container(key=FILTERS, horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.selectbox("Class", ["", *project.classes], format_func=lambda c: c or "all classes", key="class",
                             bind="query-params", width=150)
        verdict = st.selectbox("Decision", list(VERDICTS), format_func=VERDICTS.get, key="show", bind="query-params",
                               width=120)
        kind = st.selectbox("Finding", ["", *(["any"] if kinds else []), *kinds], key="finding", bind="query-params",
                            format_func=lambda k: {"": "with or without", "any": "with any"}.get(k) or _kind(k, kinds[k]),
                            help="What the cleaning step noticed. It takes nothing out: you decide.", width=160)
        order = st.selectbox("Order", list(ORDERS), format_func=ORDERS.get, key="order", bind="query-params", width=140,
                             help="Findings first: what the cleaning step is surest of comes first, then the rest as found.")
        size = st.selectbox("On a page", SIZES, SIZES.index(SIZE), key="size", bind="query-params", width=80)
        st.session_state.setdefault(REVIEWER, getpass.getuser())
        name = st.text_input("Your name", key=REVIEWER, persist_state="session", width=120,
                             help="Stands beside each of your decisions. Two people with two names get different pages.")
    return Filter(label, "" if verdict == "any" else verdict, kind, order), size, reviewer_name(name)


def _kind(kind: str, count: int) -> str:
    return f"{kind.replace('_', ' ')} ({count:,})"


def main() -> None:
    project = head.show("review").project
    if not house.store().queue_size(project.id):
        st.info("There are no pictures yet: fetch some on the page Scrape.")
        return
    wanted, size, reviewer = filters(project)
    review_grid(project, reviewer, wanted, size, "Nothing fits these filters: choose other ones above.")


main()
