"""What runs, what waits and what ended."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.jobs.watch import duration, log_tail
from core.model import Job
from pages.parts import head, house, progress

LINES = 60  # of a log
NAMES = {
    "fetched": "new pictures",
    "duplicate": "already there",
}  # figures of a result that a person knows by other words


def title(job: Job, names: dict[int, str]) -> str:
    inside = f" in {house.text(names[job.project], 60)}" if job.project in names else ""
    return f"**{house.text(progress.name(job.verb))}**{inside} · job {job.id}"


def log(job: Job) -> None:
    lines = log_tail(house.settings(), job.id, LINES)
    st.code(lines or "The log is empty.", language=None, wrap_lines=True)


@st.fragment(run_every=progress.EVERY)
def active(numbers: list[int], names: dict[int, str]) -> None:
    """The jobs that run or wait; when one of them ends, the whole page runs once more."""
    for number in numbers:
        job = house.store().job(number)
        with st.container(border=True):
            st.markdown(title(job, names))
            progress.line(job)  # before `rerun`, as in progress
        if job.status not in house.ACTIVE:
            st.rerun(scope="app")


def past(job: Job, names: dict[int, str]) -> None:
    marks = {"done": "done", "failed": ":red[failed]", "stopped": ":orange[stopped]"}
    took = duration((job.ended - job.started).total_seconds()) if job.ended and job.started else ""
    when = f"{job.created:%Y-%m-%d %H:%M} UTC"
    with st.expander(
        f"{title(job, names)} · {marks[job.status]} · {when}{f' · {took}' if took else ''}",
        key=f"job-{job.id}",
        on_change="rerun",
    ) as opened:
        if not opened.open:
            return
        progress.ended(job)
        if job.result:
            shown = {
                NAMES.get(k, k.replace("_", " ")): v for k, v in job.result.items()
                if isinstance(v, (int, float, str)) and not isinstance(v, bool)
            }  # fmt: skip
            st.dataframe(pd.DataFrame([shown]), hide_index=True)
        st.caption("The end of its log")
        log(job)


def main() -> None:
    if house.project():
        head.show("jobs")
    else:
        head.title("jobs")
    everything = house.store().jobs(limit=100)
    names = {project.id: project.name for project in house.store().projects()}
    under_way = [job for job in everything if job.status in house.ACTIVE]
    if not everything:
        st.info("No job has run yet. Fetching, cleaning, splitting, training and evaluating each make one.")
        house.link("project", "Go to Project")
        return
    st.subheader("Under way", anchor=False)
    if under_way:
        active([job.id for job in sorted(under_way, key=lambda j: (j.status != "running", j.id))], names)
        for job in under_way:
            if job.status == "running":
                with st.expander(f"The log of job {job.id}"):
                    log(job)
    else:
        st.caption("Nothing runs and nothing waits.")
    ended = [job for job in everything if job.status not in house.ACTIVE]
    if ended:
        st.subheader("Ended", anchor=False)
        for job in ended:
            past(job, names)


main()
