"""Wrong? Tell it: what a picture really shows goes into the project, and into a queue of its own for the review."""

from __future__ import annotations

import streamlit as st

from core.errors import BadInput
from core.model import TOLD, Prediction, Project
from core.review import reviewer_name
from pages.parts import grid, house, upload

NONE = "none of these"


def wrong(project: Project, name: str, data: bytes, said: Prediction, key: str) -> None:
    """The way to set an answer right, for one picture (the bytes of an image file, under the name it came with)."""
    with st.popover("Wrong? Tell it", icon=":material/edit:"):
        st.markdown("What does it show? The picture goes into this project, and the next training has it.")
        others = [label for label in project.classes if label != said.label] + ([said.label] if not said.known else [])
        label = st.selectbox("It is", [*others, NONE], None, placeholder="choose a class", key=f"told-label-{key}")
        st.caption(
            f"**{NONE}** keeps it as a rejected picture: models do not learn it, and an evaluation can ask whether they take such "
            "pictures for a class."
        )
        typed = st.text_input("Your name", grid.usual_reviewer(), key=f"told-by-{key}")
        if st.button("Tell it", type="primary", disabled=label is None, key=f"told-{key}"):
            try:
                by = reviewer_name(typed)
            except BadInput as error:
                st.error(house.text(error))
                return
            path = upload.keep(name if "." in name else f"{name}.jpg", data)
            house.start(
                "tell", alone=False, path=str(path), label="" if label == NONE else label, by=by, said=said.label,
                confidence=said.confidence,
            )  # fmt: skip
            st.session_state[f"was-told-{key}"] = label
    if f"was-told-{key}" in st.session_state:
        as_what = house.text(st.session_state[f"was-told-{key}"], 60)
        st.success(f"Told: it is **{as_what}**. It comes into the project in a moment.", icon=":material/check:")


def waiting(project: Project) -> None:
    """How many pictures were told of and wait for a decision, and the way there; nothing where there are none."""
    number = house.store().finding_counts(project.id, undecided=True).get(TOLD, 0)
    if not number:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(
            f"{house.count(number, 'picture')} with a wrong answer set right {'waits' if number == 1 else 'wait'} for a look."
        )
        house.link("review", "Review", finding=TOLD, show="undecided")
