"""The review grid: a Streamlit component (v2) in plain JavaScript, and the fragment that keeps it in touch.

desk.py      what one reviewer has on the table; what the browser says and is told
grid.js      the controller: payload in, operations out      view.js      head, list, command bar
outbox.js    what is not acknowledged yet                    tile.js      one picture and its mark
pack.js      thumbnails, decoded ahead                       look.js      the large view
keys.js      the keyboard                                    pointer.js   mouse, pen and touch
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import BadInput
from core.model import Project
from core.review import reviewer_name
from pages.parts import house, routes
from pages.parts.grid.desk import Desk

if TYPE_CHECKING:
    from db.store.review import Filter

HEARTBEAT = "5s"  # without it an idle tab delivers nothing after the server was started again
KEY = "review_grid"
FILTERS = "review_filters"  # key of the container that "/" goes to
REVIEWER = "reviewer"  # key of the name's field; the browser remembers the name, a session cannot
SCRIPTS = ("pack", "outbox", "tile", "look", "keys", "pointer", "view", "grid")  # grid.js last: it has the export
HERE = Path(__file__).parent


@lru_cache
def _component() -> Any:
    script = "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    style = (HERE / "grid.css").read_text(encoding="utf-8")
    return st.components.v2.component("winnow_review_grid", html='<div class="winnow">\n</div>', css=style, js=script)


@st.fragment(run_every=HEARTBEAT)
def review_grid(project: Project, reviewer: str, wanted: Filter, size: int, empty: str) -> None:
    """The grid of what `wanted` selects, `size` pictures to a page; `empty` is said where there are none."""
    desk: Desk | None = st.session_state.get("desk")
    if desk is None or not desk.same(project, reviewer, wanted, size):
        if desk is not None:
            desk.release(house.store())
        answers = desk.answers if desk and desk.project.id == project.id and desk.reviewer == reviewer else {}
        desk = st.session_state["desk"] = Desk(project, reviewer, wanted, size, answers=answers)
    data = desk.payload(house.store(), lambda ids: routes.pack_address(project.id, ids))
    data |= {"filters": f".st-key-{FILTERS}", "empty": "" if data["pages"] or data["end"] else empty,
             "named": reviewer != getpass.getuser()}  # fmt: skip
    _component()(key=KEY, data=data, on_say_change=_hear)
    if st.session_state.pop("renamed", False):
        st.rerun()


def _hear() -> None:
    """The browser said something: apply it before the fragment draws."""
    desk: Desk | None = st.session_state.get("desk")
    message = st.session_state[KEY].get("say")
    if not isinstance(message, Mapping):
        return
    if "reviewer" in message:  # the name this browser was used under last
        with suppress(BadInput):
            st.session_state[REVIEWER] = reviewer_name(str(message["reviewer"]))
            st.session_state["renamed"] = True
    elif desk is not None:
        desk.hear(house.store(), message)
