"""Which earlier projects a review starts from; nothing where there is no other project."""

from __future__ import annotations

import streamlit as st

from core.errors import BadInput
from core.model import Project
from core.review.earlier import choose, usable
from pages.parts import house

ABOUT = (
    "The first pages are led by pictures that look like what you rejected there, and unlike what you kept. It helps where "
    "these pictures are of the same kind, and counts for less with each decision here. Wrong classes and copies are left out."
)
NONE = "No other project has rejects yet whose pictures were described by the same network as these."


def show(project: Project) -> None:
    """A button; what it opens is read only while it is open."""
    names = {one.id: one.name for one in house.store().projects()}
    if len(names) > 1:
        with st.popover("Earlier projects", type="tertiary", key="earlier", on_change="rerun") as opened:
            if opened.open:
                _choice(project, names)


def _choice(project: Project, names: dict[int, str]) -> None:
    rejects = {one.name: number for one, number in usable(house.store(), project)}
    chosen = [names[number] for number in project.reviewing.references if number in names]
    st.markdown(ABOUT)
    if not rejects and not chosen:
        st.info(NONE)
        return
    key = f"earlier_{project.id}_{project.reviewing.references}"

    def keep() -> None:
        try:
            choose(house.store(), project, st.session_state[key])
        except BadInput as error:
            st.session_state["earlier_refused"] = str(error)
        st.session_state["whole page"] = True  # the order is another one now

    st.multiselect(
        "Learn from the rejects of", sorted({*rejects, *chosen}), default=chosen, key=key, on_change=keep,
        format_func=lambda name: f"{name} · {house.count(rejects.get(name, 0), 'reject')}",
    )  # fmt: skip
    if refused := st.session_state.pop("earlier_refused", ""):
        st.error(house.text(refused))
    if project.reviewing.references:
        for sentence in house.learner(project).left_out:
            st.caption(house.text(sentence, 400))
