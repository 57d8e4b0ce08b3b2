"""What a scrape brought so far, and in the end; what a look ahead found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core import scrape
from core.model import UNKNOWN_LICENCE, Job, Project
from core.scrape import meaning
from core.scrape.tally import SHOWN
from core.sources import SOURCES
from pages.parts import bars, house, latest, short, terms

NONE: Mapping[str, int] = {}


def live(project: Project, job: Job) -> None:
    """Below the progress of a running scrape. What grows stands last, so that nothing is pushed about."""
    now = house.store().job(job.id)
    st.markdown("**The newest pictures**")
    latest.show(project, more=True)
    if now.result.get("classes"):
        by_class_and_source(project, now, "live")
        reasons(now.result)


def by_class_and_source(project: Project, job: Job, where: str) -> None:
    """What became of the candidates of each class, and of each source where there are several."""
    labels, names = asked_for(project, job)
    classes = dict.fromkeys(labels, NONE) | job.result["classes"]
    sources = dict.fromkeys(names, NONE) | job.result["sources"]
    left, right = st.columns([3, 2], gap="medium") if len(sources) > 1 else (st.container(), None)
    with left:
        bars.draw(bars.ordered(classes, project.classes), "By class", f"{where}-classes")
    if right:
        with right:
            named = {terms.shown("source", name): row for name, row in bars.ordered(sources, names).items()}
            bars.draw(named, "By source", f"{where}-sources")
    bars.legend()


def asked_for(project: Project, job: Job) -> tuple[Sequence[str], Sequence[str]]:
    """The classes and sources of a search. Each has a row from the beginning: one with nothing is seen, and no row comes
    later. No classes where there are more than have a row of their own."""
    names, labels = job.params.get("source", "").split(","), job.params.get("only") or project.classes
    if not scrape.asks(names):
        return (), ()
    return labels if len(labels) <= SHOWN else (), names


def reasons(result: Mapping[str, Any]) -> None:
    """The failures so far, in a line each."""
    failed = list(result.get("failures", {}).items())
    if failed:
        number = sum(number for _, number in failed)
        with st.expander(f"{house.count(number, 'address', 'addresses')} failed so far", key="live-reasons"):
            rows = [(reason, number, meaning(reason)) for reason, number in failed]
            st.dataframe(pd.DataFrame(rows, columns=["reason", "how many", "what it means"]), hide_index=True, height="content")  # fmt: skip


def newest(project: Project) -> None:
    latest.show(project)


@st.cache_data(ttl=600, show_spinner="Counting …")
def _counted(database: str, job: int, updated: str) -> dict[str, Any]:
    return scrape.Tally(house.store().tally(job)).result()


def outcome(job: Job) -> None:
    """What the last scrape brought, and which classes are short still."""
    project = house.project()
    if project is None:
        return
    if job.status != "done":  # what its row says is as old as the last picture that came
        job = replace(job, result=_counted(house.settings().database, job.id, str(job.updated)))
    st.subheader("The last fetch", anchor=False)
    if job.params.get("retry"):
        st.caption("It tried once more what had failed or was left over.")
    retry = job.params.get("retry")
    figures = [("found", "Tried again" if retry else "Found", "Addresses it tried again." if retry else "Addresses the sources named."),
               ("fetched", "New pictures", "Nothing before had brought the same file."),
               ("duplicate", "Already there", terms.STATUSES["duplicate"][1]),
               ("failed", "Failed", "Each with its reason, below.")]  # fmt: skip
    with st.container(horizontal=True):
        for name, label, about in figures:
            st.metric(label, f"{job.result.get(name, 0):,}", help=about, border=True, width="stretch", height="stretch")  # fmt: skip
    if left := sum(row.get("pending", 0) for row in job.result.get("classes", {}).values()):
        st.caption(f"{house.count(left, 'address', 'addresses')} still to fetch.")
    rules(job.result.get("left_out", {}))
    short.show(project)
    if len(job.result.get("classes", {})) > 1 or len(job.result.get("sources", {})) > 1:
        with st.expander("By class and source"):
            by_class_and_source(project, job, "last")


def rules(left: Mapping[str, int]) -> None:
    """Rows that the rules of a table left out."""
    if left.get("rows"):
        st.caption(
            f"Your rules left out {house.count(left['rows'], 'row')} of {house.count(left['classes'], 'label')}."
        )


def preview(job: Job) -> None:
    """The dozen results of a look ahead."""
    rows = job.result.get("results", [])
    if not rows:
        st.info("It found nothing. Try other words, or another source.")
        return
    source = SOURCES[job.params["source"]]
    whom = f" for {house.text(rows[0]['label'], 60)}" if source.search else ""
    st.caption(f"The first results of {source.title}{whom}. Nothing of it was kept.")
    with st.container(horizontal=True, gap="small"):
        for row in rows:
            with st.container(width=150):
                if row["picture"]:
                    st.image(row["picture"], width=150, alt=row["title"] or row["url"])
                else:
                    st.caption(f":orange[no picture:] {house.text(row['error'] or 'it could not be fetched', 90)}")
                licence = "licence unknown" if row["licence"] == UNKNOWN_LICENCE else row["licence"]
                about = [row["label"], row["title"], row["creator"] and f"by {row['creator']}", licence]
                st.caption(" · ".join(house.text(each, 60) for each in about if each))
