"""What a scrape brought so far: bars by class and source, speed, failures by reason, the newest pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.model import UNKNOWN_LICENCE, Job, Project
from core.scrape import meaning
from core.sources import SOURCES
from pages.parts import charts, house

MARKS = {"displayModeBar": False}


def live(project: Project, job: Job) -> None:
    """Beside the progress of a running scrape."""
    now = house.store().job(job.id).result
    if now.get("classes"):
        speed = f"{now.get('images_per_second', 0):,.1f} pictures a second · {size(now.get('bytes_per_second', 0))} a second"
        st.caption(speed)
        bars(now, "live")
        reasons(now)
    newest(project)


def size(number: float) -> str:
    """`340 KB`, `1.2 MB`."""
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} KB"


def bars(result: Mapping[str, Any], where: str) -> None:
    """What became of the candidates of each class, and of each source where there are several."""
    left, right = st.columns([3, 2]) if len(result.get("sources", {})) > 1 else (st.container(), None)
    for place, of, title in ((left, "classes", "By class"), (right, "sources", "By source")):
        rows = [
            (_named(name), status, number) for name, row in result.get(of, {}).items() for status, number in row.items()
        ]
        if place is None or not rows:
            continue
        with place.container(height=420 if len(result[of]) > 12 else "content", border=False):
            st.plotly_chart(
                charts.collected(pd.DataFrame(rows, columns=["class", "status", "images"]), title).update_layout(
                    showlegend=of == "classes"  # the same colours twice; beside long names there is no room for it
                ),
                key=f"{where}-{of}", config=MARKS, alt=f"{title}: new, already there, failed, waiting",
            )  # fmt: skip


def _named(name: str) -> str:
    return SOURCES[name].title if name in SOURCES else name


def reasons(result: Mapping[str, Any]) -> None:
    """The failures so far, in a line each."""
    failed = list(result.get("failures", {}).items())
    if failed:
        with st.expander(f"{house.count(sum(n for _, n in failed), 'address', 'addresses')} failed so far"):
            table = pd.DataFrame(
                [(r, n, meaning(r)) for r, n in failed], columns=["reason", "how many", "what it means"]
            )
            st.dataframe(table, hide_index=True, height="content")


def newest(project: Project) -> None:
    records = house.store().latest(project.id, 12)
    if records:
        house.thumbnails(records, {record.id: record.label for record in records})
    else:
        st.caption("Pictures appear here as soon as the first one is fetched.")


def outcome(job: Job) -> None:
    """What the last scrape brought, and what is to be said of its searches."""
    st.subheader("The last fetch", anchor=False)
    figures = [("found", "Found", ""), ("fetched", "New pictures", ""),
               ("duplicate", "Already there", "The same address or the same file, byte for byte, came before."),
               ("failed", "Failed", "Each with its reason, below.")]  # fmt: skip
    if left := sum(row.get("pending", 0) for row in job.result.get("classes", {}).values()):
        st.caption(f"{house.count(left, 'address', 'addresses')} still to fetch.")
    with st.container(horizontal=True):
        for name, label, about in figures:
            st.metric(label, f"{job.result.get(name, 0):,}", help=about or None, border=True, width="stretch", height="stretch")  # fmt: skip
    said(job.result)
    if len(job.result.get("classes", {})) > 1 or len(job.result.get("sources", {})) > 1:
        with st.expander("By class and source"):
            bars(job.result, "last")


def said(result: Mapping[str, Any]) -> None:
    """Searches that were widened or failed, classes that are short still, and rows that rules left out."""
    if widened := result.get("widened", {}):
        with st.expander(f"{house.count(len(widened), 'class', 'classes')} fell short at first, so more was asked"):
            rows = [(label, name, number) for label, words in widened.items() for name, number in words.items()]
            st.dataframe(pd.DataFrame(rows, columns=["class", "what was asked", "found"]), hide_index=True)
    short = result.get("short", {})
    if short:
        names = ", ".join(f"{house.text(label, 40)} has {number:,}" for label, number in list(short.items())[:8])
        st.warning(f"{house.count(len(short), 'class', 'classes')} short of the number you asked for: {names}. "
                   "Add other words for them on the page Project, or another source.")  # fmt: skip
    failed = result.get("searches", {}).get("failed", {})
    if failed:
        why = ", ".join(f"{number} {reason}" for reason, number in failed.items())
        st.warning(f"{house.count(sum(failed.values()), 'search', 'searches')} failed: {house.text(why)}. Retry below.")
    left = result.get("left_out", {})
    if left.get("rows"):
        st.caption(
            f"Your rules left out {house.count(left['rows'], 'row')} of {house.count(left['classes'], 'label')}."
        )


def preview(job: Job) -> None:
    """The dozen results of a look ahead, and how many rows there are of each label."""
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
    if labels := job.result.get("labels"):
        distribution(labels)


def distribution(labels: Mapping[str, Any]) -> None:
    st.markdown(f"**{house.count(labels['rows'], 'row')}** with **{house.count(labels['labels'], 'label')}**"
                + (f"; {house.count(labels['unusable'], 'row')} cannot be used." if labels["unusable"] else "."))  # fmt: skip
    left, middle, right = st.columns(3)
    all_shown = labels["labels"] <= len(labels["most"])
    for place, title, name in ((left, "Most frequent", "most"), (middle, "Least frequent", "least")):
        if name == "least" and all_shown:
            continue
        with place:
            st.plotly_chart(charts.counts(labels[name], title), key=f"counts-{name}", config=MARKS, alt=title)
    with right:
        sizes = [(f"{size} rows", number) for size, number in labels["sizes"]]
        st.plotly_chart(
            charts.counts(sizes, "How many labels have …"), key="counts-sizes", config=MARKS, alt="Sizes of labels"
        )
