"""The review grid: a Streamlit component (v2) in plain JavaScript, and the fragment that keeps it in touch.

desk.py      what one reviewer has on the table; what the browser says and is told
grid.js      the controller: payload in, operations out      view.js      head, list, command bar
outbox.js    what is not acknowledged yet                    tile.js      one picture and its mark
pack.js      thumbnails, decoded ahead                       look.js      the large view
keys.js      the keyboard                                    crop.js      what of a picture counts
pointer.js   mouse, pen and touch                            many.js      look-alikes and stacks, by one press
sides.js     two classes side by side                        many.py      what there is of these
                                                             fold.py      copies of one photo in one tile
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.components.v2 import component

from core.errors import BadInput, Busy
from core.model import Project
from core.review import reviewer_name
from pages.parts import house, rest, routes
from pages.parts.grid.desk import Desk

if TYPE_CHECKING:
    from db.store.queue import Filter

HEARTBEAT = "5s"  # without it an idle tab delivers nothing after the server was started again
KEY = "review_grid"
FILTERS = "review_filters"  # key of the container that "/" goes to
REVIEWER = "reviewer"  # key of the name's field; the browser remembers the name, a session cannot
# The default export is in grid.js.
SCRIPTS = ("pack", "outbox", "tile", "crop", "look", "sides", "many", "keys", "pointer", "view", "grid")
HERE = Path(__file__).parent


@lru_cache
def _component() -> Any:
    script = "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    style = (HERE / "grid.css").read_text(encoding="utf-8")
    return component("winnow_review_grid", html='<div class="winnow">\n</div>', css=style, js=script)


def reviewer() -> str:
    """The field for the reviewer's name. Raises BadInput for a name that does not fit.

    Until one is typed it is that of whoever started the app, or the one this browser was used under last.
    """
    if REVIEWER not in st.session_state:
        st.session_state[REVIEWER] = usual_reviewer()
        st.session_state["named"] = False
    else:  # straight from another page with this field, its value would come only with the next run
        st.session_state[REVIEWER] = st.session_state[REVIEWER]
    typed = st.text_input(
        "Your name", key=REVIEWER, persist_state="session", width=105, on_change=_named,
        help="Stands beside each of your decisions. Two people with two names get different pages.",
    )  # fmt: skip
    return reviewer_name(typed)


def usual_reviewer() -> str:
    """The name that was typed in this session, or that of whoever started the app."""
    if REVIEWER in st.session_state:
        return st.session_state[REVIEWER]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "reviewer"


def _named() -> None:
    st.session_state["named"] = True


@st.fragment(run_every=HEARTBEAT)
def review_grid(project: Project, reviewer: str, wanted: Filter, size: int, empty: str) -> None:
    """The grid of what `wanted` selects, `size` pictures to a page; `empty` is said where there are none."""
    if st.session_state.pop("whole page", False):
        st.rerun()  # `reviewer` is still the name from before, or the filters are
    desk, above = _desk(project, reviewer, wanted, size), st.container()
    error = st.session_state.pop("unheard", "")
    try:
        data = desk.payload(
            house.store(), lambda ids: routes.pack_address(project.id, ids), lambda: house.learner(project)
        )
    except Busy as busy:
        if not desk.told:
            raise
        data, error = desk.told, str(busy)
    data = data | {"filters": f".st-key-{FILTERS}", "empty": "" if data["pages"] or data["end"] else empty,
                   "named": st.session_state.get("named", True), "error": error}  # fmt: skip
    with above:
        rest.show(project, reviewer, desk)
    _component()(key=KEY, data=data, on_say_change=_hear)


def _desk(project: Project, reviewer: str, wanted: Filter, size: int) -> Desk:
    """The session's desk; a new one where the filter is another, which is a new epoch."""
    desk: Desk | None = st.session_state.get("desk")
    if desk is not None and desk.same(project, reviewer, wanted, size):
        return desk
    if desk is not None:
        desk.release(house.store())
    kept = desk.answers if desk and (desk.project.id, desk.reviewer) == (project.id, reviewer) else {}
    st.session_state["desk"] = Desk(project, reviewer, wanted, size, answers=kept)
    return st.session_state["desk"]


def _hear() -> None:
    """The browser said something: apply it before the fragment draws. What was not applied, it says again."""
    desk: Desk | None = st.session_state.get("desk")
    message = st.session_state[KEY].get("say")
    if not isinstance(message, Mapping):
        return
    if "reviewer" in message:  # the name this browser was used under last
        with suppress(BadInput):
            st.session_state[REVIEWER] = reviewer_name(str(message["reviewer"]))
            st.session_state["named"] = st.session_state["whole page"] = True
    elif desk is not None:
        try:
            desk.hear(house.store(), message)
        except Busy as busy:
            st.session_state["unheard"] = str(busy)
