"""Which earlier projects a review starts from; nothing where no other one has rejects that could be used."""

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


def show(project: Project) -> None:
    there = usable(house.store(), project)
    names = {one.id: one.name for one in house.store().projects()}
    chosen = [names[number] for number in project.reviewing.references if number in names]
    if not there and not chosen:
        return
    rejects = {one.name: number for one, number in there}
    key = f"earlier_{project.id}_{project.reviewing.references}"

    def keep() -> None:
        try:
            choose(house.store(), project, st.session_state[key])
        except BadInput as error:
            st.session_state["earlier_refused"] = str(error)

    with st.popover("Learn from earlier projects", type="tertiary", icon=":material/history:"):
        st.markdown(ABOUT)
        st.multiselect(
            "Projects", sorted({*rejects, *chosen}), default=chosen, key=key, on_change=keep,
            format_func=lambda name: f"{name} · {house.count(rejects.get(name, 0), 'reject')}",
        )  # fmt: skip
        if refused := st.session_state.pop("earlier_refused", ""):
            st.error(house.text(refused))
        if project.reviewing.references:
            for sentence in house.learner(project).left_out:
                st.caption(house.text(sentence, 400))
