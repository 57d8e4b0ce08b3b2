"""Teach networks, and watch them learn."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from core.model import Job
from core.recipes import read
from pages.parts import augmented, head, house, learning, progress, recipe, sweeping, trained

BOTH = ("vgg75-bn", "vgg100-bn")
IDLE = "train-idle-{}"  # key, with the number of the project: whether nothing was under way when it was drawn last
STARTS = ("both", "these", "find", "sweep")  # keys of buttons that are not there while a job runs


def choose(shown: head.Head, last: Job | None) -> None:
    with st.container(border=True):
        st.markdown(
            f"**Train both and ensemble them.** {BOTH[0]} and {BOTH[1]} learn from the same pictures; then both, and their two "
            "ensembles, are measured on the validation part.",
            help="An ensemble lets several models answer together; it is nearly always better than each alone.",
        )
        if st.button("Train both and ensemble them", type=shown.emphasis("train"), key="both"):  # type: ignore[arg-type]
            house.start("train", need="gpu", recipes=[asdict(read(name)) for name in BOTH], evaluate_on="val")
            st.rerun()
    found = last is not None and last.verb == "rate" and last.status == "done"  # what it found stands in the form
    _, times = recipe.filled(shown.project)  # another key opens it anew, also where somebody closed it
    with st.expander("Choose a recipe yourself", expanded=found or times > 0, key=f"yourself-{times}"):
        recipe.choose(shown.project, augmented.newest(shown.project))
    with st.expander("Try many, keep the best: a sweep"):
        sweeping.choose(shown.project)


def beside(job: Job) -> None:
    project = house.project()
    if project and job.verb != "rate":
        learning.live(project, job)


def main() -> None:
    shown = head.show("train")
    project, store = shown.project, house.store()
    busy = progress.watch(project, "train", "sweep", "rate", beside=beside, below=learning.epoch)
    if not shown.standing.split:
        st.info("There is no split yet: models learn from a frozen one.")
        house.link("split", "Go to Split")
        return
    idle = IDLE.format(project.id)
    if busy and any(st.session_state.get(key) for key in STARTS):
        st.warning("Nothing was started: what is under way was begun elsewhere meanwhile. It is shown above.")
    elif busy and st.session_state.get(idle):  # most buttons that begin something are far below the bar
        st.toast("It has begun: the bar is at the top of this page.")
    st.session_state[idle] = not busy
    if not busy:
        last = house.newest(project, "train", "sweep", "rate")
        if last:
            learning.ended(last)
        choose(shown, last)
    if tried := sweeping.picked(project):
        sweeping.best(project, tried, busy)
    runs = store.runs(project.id)
    if runs:
        trained.show(project, runs, busy)
    elif not busy:
        st.caption("Curves are drawn here while a model learns, and every run is kept in a table with its figures.")


main()
