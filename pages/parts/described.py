"""What each class is: a sentence and some example pictures, written once by the owner, shown beside each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.model import ClassInfo, ImageRecord, Project
from core.project import LONGEST_ABOUT, about
from pages.parts import house

EXAMPLES = 4  # pictures of a class at most
CHOICE = 12  # pictures to choose from at once
HEIGHT = 84  # px of an example


def known(project: Project, labels: Sequence[str]) -> list[str]:
    """Those of which anything is known."""
    infos = project.infos
    return [label for label in labels if label in infos and (infos[label].about or infos[label].examples)]


def show(project: Project, label: str) -> None:
    """What the class is, and its examples; nothing where nobody wrote anything."""
    info = project.infos.get(label, ClassInfo())
    if info.about:
        st.markdown(house.text(info.about, LONGEST_ABOUT))
    if pictures := examples(project, label):
        house.thumbnails(pictures, height=HEIGHT, linked=False)


def examples(project: Project, label: str) -> list[ImageRecord]:
    """Its example pictures that are still kept, as this class."""
    chosen = project.infos.get(label, ClassInfo()).examples
    records = house.store().images_by_id(project.id, chosen)
    return [record for record in records if record.verdict != "reject" and record.label == label]


def overview(project: Project, labels: Sequence[str]) -> None:
    """All classes of which anything is known, to be opened."""
    there = known(project, labels)
    alone = house.alone()
    if not there and alone:
        return
    with st.expander("What each class is"):
        for label in there:
            st.markdown(f"**{house.text(label, 60)}**")
            show(project, label)
        if not alone:
            if not there:
                st.caption(
                    "Nobody has said so yet. What is written on the page Project stands here and beside each answer."
                )
            house.link("project", "Write what each class is" if not there else "Change it")


def editor(project: Project) -> None:
    """A sentence and examples for one class after the other; each change is kept at once."""
    st.caption(
        "What you write and tick is kept at once. It stands beside the answers on the page Predict, for people who do not "
        "know your classes."
    )
    label = st.selectbox("Class", project.classes, key=f"described-{project.id}")
    if label is None:
        return
    info = project.infos.get(label, ClassInfo())
    key = f"{project.id}-{project.classes.index(label)}"
    st.text_area(
        "What it is", info.about, key=f"about-{key}", max_chars=LONGEST_ABOUT, height=100,
        placeholder="One or two sentences: how it is recognised, and from what it is told apart.",
        on_change=_written, args=(project, label, f"about-{key}"),
    )  # fmt: skip
    chosen = examples(project, label)
    page = st.session_state.get(f"choice-{key}", 0)
    more = house.store().kept(project.id, label, CHOICE, skip=CHOICE * page)
    if not more and not chosen and not page:
        st.caption("Of this class no picture is kept, so there is no example to choose.")
        return
    st.markdown(f"Example pictures, {EXAMPLES} at most" + (f": {len(chosen)} chosen" if chosen else ""))
    ids = [record.id for record in chosen]
    with st.container(horizontal=True, gap="small"):
        for record in [*chosen, *(record for record in more if record.id not in ids)]:
            with st.container(width="content", gap="xsmall"):
                house.thumbnails([record], height=HEIGHT, linked=False)
                ticked = record.id in ids
                st.checkbox(
                    f"picture {record.id}", ticked, key=f"example-{record.id}-{ticked}", disabled=len(ids) >= EXAMPLES and not ticked,
                    on_change=_picked, args=(project, label, record.id),
                )  # fmt: skip
    if len(more) == CHOICE or page:
        with st.container(horizontal=True):
            st.button(
                "Others",
                key=f"others-{key}",
                on_click=_turn,
                args=(f"choice-{key}", page + 1),
                disabled=len(more) < CHOICE,
            )
            st.button(
                "Back to the first", key=f"first-{key}", on_click=_turn, args=(f"choice-{key}", 0), disabled=not page
            )


def _turn(key: str, page: int) -> None:
    st.session_state[key] = page


def _written(project: Project, label: str, key: str) -> None:
    _keep(project, label, about=about(st.session_state[key]))


def _picked(project: Project, label: str, image: int) -> None:
    now = [record.id for record in examples(house.store().project(project.name), label)]
    _keep(project, label, examples=tuple([i for i in now if i != image] if image in now else [*now, image][:EXAMPLES]))


def _keep(project: Project, label: str, **new: object) -> None:
    """On what is there now: another tab may have changed the rest."""
    info = house.store().project(project.name).infos.get(label, ClassInfo())
    house.store().set_infos(project.id, {label: replace(info, **new)})  # type: ignore[arg-type]
