"""Name the classes, and see where each project stands."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import demo
from core.errors import BadInput
from core.model import Project
from core.project import name as checked
from pages.parts import charts, described, head, house, naming, rest, searched


def go(project: Project, page: str) -> None:
    st.query_params.from_dict({"project": project.name})
    st.switch_page(house.script(page), query_params={"project": project.name})


def create(first: bool, without: str = "") -> None:
    if naming.used("new-classes"):
        st.session_state["new-name"] = ""
    name = (
        st.text_input(
            "Name of the project", placeholder="my cars", key="new-name", max_chars=100, persist_state="session"
        )
        or ""
    )
    way = naming.way("new-classes", without)
    found = naming.classes("new-classes", way, "Classes", height=150)
    many = 0 if isinstance(found, BadInput) else len(found[0])
    label = f"Use {'this 1 class' if many == 1 else f'these {many:,} classes'}" if way == naming.CATALOGUE and many else "Create the project"  # fmt: skip
    pressed = st.button(label, type="primary" if first else "secondary", disabled=way == naming.CATALOGUE and not many)
    naming.say(found)
    if pressed and found == naming.NOTHING:
        wanted = "choose a file" if way == naming.FILE else "write at least two, one on each line"
        st.error(f"There is no class yet: {wanted}.")
    elif pressed and not isinstance(found, BadInput):
        made = house.store().add_project(checked(name, "project name"), *found)
        naming.forget("new-classes")
        go(made, "scrape")


def try_demo() -> None:
    st.markdown(
        "Four kinds of cars, drawn on this computer and fetched like real pictures, with real junk among them to reject. "
        "It needs no network and takes about a minute."
    )
    if st.button("Try the demo", key="demo"):
        project = demo.project(house.store())
        house.start("demo", project=project)
        go(project, "scrape")


def classes(project: Project, counts: dict[str, dict[str, int]]) -> None:
    labels = list(dict.fromkeys([*project.classes, *counts]))
    if any(counts.values()):
        frame = pd.DataFrame(
            [
                (label, verdict, images)
                for label in labels
                for verdict, images in counts.get(label, {"keep": 0}).items()
            ],
            columns=["class", "verdict", "images"],
        )
        with st.container(height=620 if len(labels) > 20 else "content", border=False):
            st.plotly_chart(
                charts.verdicts(frame),
                key="verdicts",
                config={"displayModeBar": False},
                alt="Kept, undecided and rejected pictures of each class",
            )
        outside = [label for label in counts if label not in project.classes]
        if outside:
            st.warning(
                f"{house.count(len(outside), 'label')} of pictures {'is' if len(outside) == 1 else 'are'} none of the "
                f"classes: {', '.join(house.text(label, 40) for label in outside[:8])}{' …' if len(outside) > 8 else ''}. "
                f"A split leaves {'it' if len(outside) == 1 else 'them'} out; relabel such pictures in the review, or "
                "add the label as a class."
            )
    else:
        st.markdown(
            f"**{house.count(len(labels), 'class', 'classes')}:** "
            + ", ".join(house.text(label, 40) for label in labels[:60])
            + (" …" if len(labels) > 60 else "")
        )
    with st.expander("What each class is searched for", key=f"searched-{project.id}", on_change="rerun") as opened:
        if opened.open:
            searched.editor(project)
    with st.expander("What each class is", key=f"about-{project.id}", on_change="rerun") as opened:
        if opened.open:
            described.editor(project)
    with st.expander("Add classes"):
        add(project)


def add(project: Project) -> None:
    key = f"add-{project.id}"
    found = naming.classes(key, naming.way(key), "New classes")
    pressed = st.button("Add them")
    naming.say(found)
    if pressed and found == naming.NOTHING:
        st.error("There is no new class yet: name at least one.")
    elif pressed and not isinstance(found, BadInput):
        try:
            house.store().add_classes(project.id, found[0], infos=found[1])
        except BadInput as error:
            st.error(house.text(error))
        else:
            naming.forget(key)
            st.rerun()


def others(projects: list[Project], current: Project | None) -> None:
    for project in reversed(projects):
        if current is None or project.id != current.id:
            funnel = house.store().funnel(project.id)
            st.page_link(
                house.script("project"),
                label=f"{house.text(project.name, 60)} · "
                f"{house.count(len(project.classes), 'class', 'classes')}, {house.count(funnel.unique, 'picture')}",
                icon=":material/folder:",
                query_params={"project": project.name},
            )


WINNOW = """
Winnow takes you from a list of class names to a clean image data set and a classifier that explains itself: **collect**
pictures, **throw out** what does not belong, **train** two small networks, **ask** them about new pictures and see why
they say what they say. The pages in the menu are the steps, in their order.
"""


def main() -> None:
    try:
        current = house.project()
    except BadInput as error:
        current = None
        st.error(house.text(error))
    if current is not None:
        shown = head.show("project")
        st.subheader(house.text(shown.project.name, 100), anchor=False)
        rest.kept(shown.project)
        classes(shown.project, house.store().counts(shown.project.id))
        with st.expander("Start another project"):
            # One look-up at a time, and one place that shows it.
            inside = st.session_state.get(f"add-{current.id}-way")
            create(first=False, without=naming.CATALOGUE if inside == naming.CATALOGUE else "")
        with st.expander("Try the demo"):
            try_demo()
    else:
        head.title("project")
        st.markdown(WINNOW)
        left, right = st.columns([3, 2], gap="medium")
        with left.container(border=True):
            st.subheader("Start a project", anchor=False)
            create(first=True)
        with right.container(border=True):
            st.subheader("Or look around first", anchor=False)
            try_demo()
    projects = house.store().projects()
    if len(projects) > (current is not None):
        st.subheader("Other projects" if current else "Projects", anchor=False)
        others(projects, current)


main()
