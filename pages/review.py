"""Look at what was found and say what stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import streamlit as st

from core.model import Project
from core.review import LEARNED, SIZE
from db.store.queue import Filter, Order
from pages.parts import head, house, people
from pages.parts.grid import FILTERS, review_grid, reviewer

VERDICTS = {"undecided": "undecided", "keep": "kept", "reject": "rejected", "any": "all"}
ORDERS: dict[Order, str] = {
    "mixed": "learned mix", "likely": "likely bad first", "unsure": "unsure first", "random": "random sample",
    "score": "findings first", "labels": "wrong class first", "found": "as found", "label": "by class",
}  # fmt: skip
ABOUT_ORDERS = (
    "Winnow learns from each page that you store, and chooses the next one by it.\n\n"
    + "\n".join(f"- **{words}**: {LEARNED[order]}" for order, words in ORDERS.items() if order in LEARNED)
    + "\n- **findings first**: what the cleaning step is surest of, then the rest as it was found."
    + "\n- **wrong class first**: what looks more like another class than its own, the surest first."
)
SIZES = {str(size): str(size) for size in (50, SIZE, 200)}
IDS_MAX = 5000  # pictures that another page may name in the address

Name = TypeVar("Name", bound=str)


def choice(label: str, key: str, options: Mapping[Name, str], default: Name, **more: Any) -> Name:
    """A filter that lies in the URL under its option's own name; the words it is shown with may change."""
    if key not in st.session_state:
        given = st.query_params.get(key, default)
        st.session_state[key] = given if given in options else default

    def keep() -> None:
        st.query_params[key] = st.session_state[key]

    return st.selectbox(label, list(options), format_func=options.__getitem__, key=key, on_change=keep, **more)


def filters(project: Project) -> tuple[Filter, int, str]:
    """The widgets above the grid: what to show, how many on a page, and the reviewer's name. Raises BadInput."""
    classes = {"": "all classes"} | {name: name for name in project.classes}
    counts = house.store().finding_counts(project.id)
    kinds = {"": "with or without"} | ({"any": "with any"} if counts else {})
    kinds |= {kind: f"{kind.replace('_', ' ')} ({count:,})" for kind, count in counts.items()}
    with st.container(key=FILTERS, horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        label = choice("Class", "class", classes, "", width=126)
        verdict = choice("Decision", "show", _verdicts(project), "undecided", width=114)
        kind = choice(
            "Finding",
            "finding",
            kinds,
            "",
            width=153,
            help="What the cleaning step noticed. It takes nothing out: you decide.",
        )
        order: Order = choice("Order", "order", ORDERS, "mixed", width=138, help=ABOUT_ORDERS)  # fmt: skip
        size = choice("On a page", "size", SIZES, str(SIZE), width=80)
        name = reviewer()
        people.show(project)
    wanted = Filter(label, "" if verdict == "any" else verdict, kind, order, named(st.query_params.get("ids", "")))
    return wanted, int(size), name


def _verdicts(project: Project) -> dict[str, str]:
    """The choices; what two people differ on is among them where there is some, or it is looked at."""
    now = st.session_state.get("show", st.query_params.get("show"))
    differ = now == "disputed" or house.store().queue_size(project.id, Filter(verdict="disputed"))
    return VERDICTS | ({"disputed": "disputed"} if differ else {})


def named(ids: str) -> tuple[int, ...]:
    """The pictures that another page asked to see: `ids=12,15` in the URL."""
    return tuple(int(i) for i in ids.split(",") if i.isascii() and i.isdigit() and len(i) < 19)[:IDS_MAX]


def main() -> None:
    project = head.show("review").project
    if not house.store().queue_size(project.id):
        st.info("There are no pictures yet. Find some first; they appear here as they arrive.")
        house.link("scrape", "Find pictures")
        return
    wanted, size, name = filters(project)
    if wanted.ids:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Only the {house.count(len(wanted.ids), 'picture')} you chose on another page.")
            if st.button("Show all pictures"):
                del st.query_params["ids"]
                st.rerun()
    review_grid(project, name, wanted, size, "Nothing fits these filters: choose other ones above.")


main()
