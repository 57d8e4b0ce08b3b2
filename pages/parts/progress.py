"""A job on a page: a bar with rate and time left while it runs, its one sentence when it failed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.jobs import eta, waiting
from core.model import Job, Project
from pages.parts import house

EVERY = 1.0  # seconds between two looks at the job's row
BESIDE = 4.0  # seconds between two drawings of curves and pictures: drawn each second they took a third of a core away


def watch(project: Project, *verbs: str, beside: Callable[[Job], None] | None = None) -> bool:
    """Show the newest job of these verbs; True while it runs or waits.

    `beside` draws more from the running job every few seconds (live curves). When the job ends the whole page runs once
    more, and nothing refreshes by itself any longer.
    """
    job = house.newest(project, *verbs)
    if job is None:
        return False
    if job.status in house.ACTIVE:
        st.fragment(_live, run_every=EVERY)(job.id)
        if beside:
            st.fragment(beside, run_every=BESIDE)(job)
        return True
    ended(job)
    return False


def _live(number: int) -> None:
    job = house.store().job(number)
    if job.status not in house.ACTIVE:
        st.rerun(scope="app")
    with st.container(border=True):
        line(job)


def line(job: Job) -> None:
    """Bar, figures and the stop button of a job that runs or waits."""
    share = min(1.0, job.done / job.total) if job.total else 0.0
    text, button = st.columns([5, 1], vertical_alignment="center")
    with text:
        st.progress(share, text=f"**{house.text(job.verb)}** · {house.text(figures(job))}")
        st.caption(house.text(job.note) if job.note else "…")
    if job.cancel:
        button.button("Stopping…", key=f"stop-{job.id}", disabled=True, width="stretch")
    else:
        button.button(
            "Stop",
            key=f"stop-{job.id}",
            on_click=house.store().cancel,
            args=(job.id,),
            width="stretch",
            help="What was done so far is kept; the job can go on later.",
        )


def ended(job: Job) -> None:
    """What is left to say of a job that ended: nothing if all went well."""
    if job.status == "failed":
        st.error(house.text(job.error or "The job failed without saying why; its log is on the page Jobs."))
    elif job.status == "stopped":
        st.warning(
            f"{house.SCREENS[job.verb].title if job.verb in house.SCREENS else 'The job'} was stopped. "
            "What was done so far is kept."
        )
    else:
        return
    st.button(
        "Try again" if job.status == "failed" else "Go on", key=f"again-{job.id}", on_click=house.again, args=(job.id,)
    )


def figures(job: Job) -> str:
    """`312 of 400 · 12/s, 7 s left`, as far as they are known."""
    if job.status == "queued":
        return waiting(job)
    done = f"{job.done:,} of {job.total:,}" if job.total else (f"{job.done:,}" if job.done else "starting")
    speed = eta(job)
    return f"{done} · {speed}" if speed else done
