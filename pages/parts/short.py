"""Which classes have fewer pictures than were asked for, and how the search for them was widened."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core import scrape
from core.model import Funnel, Job, Project
from pages.parts import house

NAMED = 8  # classes in the sentence; the table has all of them
BACK = 20  # jobs looked through for the newest one with a target


def show(project: Project) -> None:
    """Said as long as it is true, whatever was fetched, retried or rejected since."""
    job = newest(project)
    if job is None:
        return
    short = missing(project, job)
    if short:
        st.warning(sentence(short, job.params["target"]))
    widened: Mapping[str, Mapping[str, int]] = job.result.get("widened", {})
    rows = [(label, words, found) for label, asked in widened.items() for words, found in asked.items()]
    if rows:
        with st.expander(f"{house.count(len(widened), 'class', 'classes')} fell short at first, so more was asked"):
            st.dataframe(pd.DataFrame(rows, columns=["class", "what was asked", "found"]), hide_index=True)
    if len(short) > NAMED:
        with st.expander("All classes that are short"):
            st.dataframe(pd.DataFrame(short.items(), columns=["class", "pictures"]), hide_index=True)


def newest(project: Project) -> Job | None:
    """The newest scrape that had a target, once it came to its end: one that was stopped has not looked everywhere."""
    wanted = (job for job in house.store().jobs(project.id, "scrape", limit=BACK) if job.params.get("target"))
    job = next(wanted, None)
    return job if job and job.status == "done" else None


@st.cache_data(ttl=60, show_spinner="Counting …")  # 1.2 s for a million pictures; the funnel takes 0.1 s
def _kept(database: str, project: int, state: Funnel) -> dict[str, int]:
    """class -> pictures that nobody rejected."""
    return scrape.kept(house.store().counts(project))


def missing(project: Project, job: Job) -> dict[str, int]:
    """class -> pictures it has now, of the classes asked for that have too few; the fewest first."""
    have = _kept(house.settings().database, project.id, house.store().funnel(project.id))
    labels = [label for label in job.params.get("only") or project.classes if label in project.classes]
    short = {label: have.get(label, 0) for label in labels if have.get(label, 0) < job.params["target"]}
    return dict(sorted(short.items(), key=lambda item: item[1]))


def sentence(short: Mapping[str, int], target: int) -> str:
    """`2 classes short of the 35 pictures you asked for: suv has 7, sedan has 11. Add other words for them ...`"""
    names = ", ".join(f"{house.text(label, 40)} has {number:,}" for label, number in list(short.items())[:NAMED])
    more = f" and {len(short) - NAMED:,} more" if len(short) > NAMED else ""
    whom = "it" if len(short) == 1 else "them"
    return (
        f"{house.count(len(short), 'class', 'classes')} short of the {house.count(target, 'picture')} you asked for: "
        f"{names}{more}. Add other words for {whom} on the page Project, or choose another source."
    )
