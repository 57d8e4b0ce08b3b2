"""Keep the rest of a class by one press: which pictures that would be, and about how many of them are bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import BadInput
from core.model import TOGETHER, Project
from core.review import together, undo
from pages.parts import house

if TYPE_CHECKING:
    from pages.parts.grid.desk import Desk

LEVELS = (0.8, 0.9, 0.95, together.ABOVE, 0.99, 0.995)  # how likely good a picture has to be
ABOUT = (
    "Keeps the pictures that you need not see, by one press. They leave the queue; some of them still come up among the "
    "random ones, and if those turn out bad you learn of it."
)


def show(project: Project, reviewer: str, desk: Desk) -> None:
    with st.popover("Keep the rest", type="tertiary", key="together", on_change="rerun") as opened:
        if opened.open:
            _chosen(project, reviewer, desk)


def _chosen(project: Project, reviewer: str, desk: Desk) -> None:
    st.markdown(ABOUT)
    names = {"": "all classes"} | {name: name for name in project.classes}
    first = list(names).index(desk.wanted.label) if desk.wanted.label in names else 0
    label = st.selectbox("Class", list(names), first, format_func=names.__getitem__, key=f"together-{project.id}-class")
    above = st.select_slider(
        "At least so likely good", LEVELS, together.ABOVE, format_func=lambda chance: f"{chance:.1%}",
        key=f"together-{project.id}-above", help="By what Winnow has learned from your decisions so far.",
    )  # fmt: skip
    learner, judged = house.learner(project), house.store().judged(project.id)
    try:
        found = together.rest(learner.of, learner.rank(judged), judged, label, above)
    except BadInput as error:
        st.info(house.text(error))
        return
    st.markdown(house.text(together.sentence(found, label, above), 400))
    _take_back(project, reviewer, desk)
    many = house.count(len(found.images), "picture")
    if len(found.images) and st.button(f"Keep these {many}", key="keep-together"):
        try:
            _, applied = together.accept(house.store(), learner, project, reviewer, label, above)
        except BadInput as error:
            st.error(house.text(error))
            return
        desk.counted = 0.0  # the totals are others now
        st.toast(f"{house.count(applied.stored, 'picture')} kept. They can be taken back in the same place.")
        st.rerun(scope="app")


def _take_back(project: Project, reviewer: str, desk: Desk) -> None:
    """Where the reviewer's last step was such a one."""
    last = house.store().last_operation(project.id, reviewer)
    kept = [one for one in house.store().decided(last) if one.reason == TOGETHER] if last else []
    if kept and st.button(f"Take back the {house.count(len(kept), 'picture')} kept last", key="take-back-together"):
        house.store().apply(project.id, undo(last, reviewer))
        desk.counted = 0.0
        st.rerun(scope="app")
