"""A job on a page: a bar with rate and time left while it runs, its one sentence when it failed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import BadInput
from core.jobs import eta, waiting
from core.jobs.watch import duration
from core.model import Job, Project
from core.scrape import asks
from pages.parts import house

EVERY = 1.0  # seconds between two looks at the job's row
NAMES = {
    "demo": "Demo", "preview": "Look at 12 first", "health": "Do the sources answer?", "catalogue": "Car catalogue", "rate": "Search for a learning rate",
    "sweep": "Sweep", "tell": "A wrong answer set right",
}  # fmt: skip
# The lines below a bar change every second: they keep the room they may need, so that nothing below moves.
STYLE = """<style>
[class*=st-key-below-bar] p { line-height: 1.5; min-height: 1.5em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
[class*=st-key-below-bar-scrape] p { min-height: 3em; }
@media (max-width: 640px) {
  [class*=st-key-below-bar] p { min-height: 3em; }
  [class*=st-key-below-bar-scrape] p { min-height: 4.5em; }
}
</style>"""
BESIDE = 4.0  # seconds between two drawings of curves and pictures: drawn each second they took a third of a core away


def watch(
    project: Project,
    *verbs: str,
    beside: Callable[[Job], None] | None = None,
    below: Callable[[Job], None] | None = None,
) -> bool:
    """Show the job of these verbs that runs, else one that waits, else the newest; True while it runs or waits.

    `beside` draws more from the running job every few seconds (live curves), `below` every second, in the place of the
    lines below its bar. When the job ends the whole page runs once
    more, and nothing refreshes by itself any longer.
    """
    active = [job for job in house.under_way(project) if job.verb in verbs]
    running = (job for job in active if job.status == "running")
    job = next(running, active[0] if active else house.newest(project, *verbs))
    if job is None:
        return False
    if job.status in house.ACTIVE:
        st.fragment(_live, run_every=EVERY)(job.id, below)
        if beside:
            st.fragment(beside, run_every=BESIDE)(job)
        return True
    ended(job)
    return False


def _live(number: int, below: Callable[[Job], None] | None) -> None:
    job = house.store().job(number)
    with st.container(border=True):
        line(
            job, below
        )  # first: a press on a link that waits is taken where something is drawn, and `rerun` would undo it
    if job.status not in house.ACTIVE:
        st.rerun(scope="app")


def line(job: Job, below: Callable[[Job], None] | None = None) -> None:
    """Bar, figures and the stop button of a job that runs or waits."""
    share = min(1.0, job.done / job.total) if job.total else 0.0
    text, button = st.columns([5, 1], vertical_alignment="center")
    with text:
        st.progress(share, text=f"**{house.text(name(job.verb))}** · {house.text(figures(job))}")
        st.html(STYLE)
        with st.container(key=f"below-bar-{job.verb}-{job.id}"):
            if below:
                below(job)
            else:
                st.caption("  \n".join(house.text(each) for each in lines(job)))
    if job.cancel:
        button.button("Stopping…", key=f"stop-{job.id}", disabled=True, width="stretch")
    else:
        button.button(
            "Stop",
            key=f"stop-{job.id}",
            on_click=house.store().cancel,
            args=(job.id,),
            width="stretch",
            help="Nothing of it is kept."
            if job.verb == "rate"
            else "What was done so far is kept; the job can go on later.",
        )


def ended(job: Job) -> None:
    """What is left to say of a job that ended: nothing if all went well."""
    if job.status == "failed":
        st.error(house.text(job.error or "The job failed without saying why; its log is on the page Jobs."))
    elif job.status == "stopped":
        kept = "Nothing of it is kept." if job.verb == "rate" else "What was done so far is kept."
        st.warning(f"{name(job.verb)} was stopped. {kept}")
    else:
        return
    if st.button("Try again" if job.status == "failed" else "Go on", key=f"again-{job.id}"):
        try:
            house.again(job.id)
        except BadInput as error:  # somebody did so in another tab
            st.error(house.text(error))
        else:
            st.rerun()


def name(verb: str) -> str:
    """A verb as a person reads it."""
    return house.SCREENS[verb].title if verb in house.SCREENS else NAMES.get(verb, verb)


def figures(job: Job) -> str:
    """`312 of 400 · 12/s, 7 s left`, as far as they are known; a scrape has its speeds in `lines`."""
    if job.status == "queued":
        return waiting(job)
    begun = "at work" if "stage" in job.result else "starting"
    done = f"{job.done:,} of {job.total:,}" if job.total else (f"{job.done:,}" if job.done else begun)
    if fetches(job) and job.total:
        return f"{done} addresses{' found so far' if searches(job) else ''}"
    if job.verb in ("train", "sweep") and "began" in job.result:
        done += " epochs"
    speed = eta(job)
    return f"{done} · {speed}" if speed else done


def lines(job: Job) -> list[str]:
    """What stands below the bar: of a scrape its speeds, of every job its note."""
    return [*([speed(job)] if fetches(job) else []), said(job)]


def said(job: Job) -> str:
    """Its note, and of a job in stages which of how many this is."""
    stage = job.result.get("stage") if job.status == "running" else None
    return f"step {stage['number']} of {len(stage['of'])}: {job.note}" if stage else job.note or "…"


def fetches(job: Job) -> bool:
    """Whether it downloads just now, so that the speeds it told of hold: the demo cleans when it has fetched."""
    now = job.result
    if job.status != "running" or "images_per_second" not in now or "sources" not in now:  # a training has a speed, too
        return False
    return job.verb == "scrape" or any(row["pending"] for row in now["sources"].values())


def speed(job: Job) -> str:
    """`11.2 pictures a second · 71 KB/s · about 2 min left`, by the last ten seconds."""
    rate, now = job.result["images_per_second"], job.result
    came = now["fetched"] + now["duplicate"]
    if not came:
        return "no picture yet"
    said = f"{rate:,.1f} pictures a second · {size(now['bytes_per_second'])}/s"
    if not rate or not job.total or job.total <= job.done:
        return said
    ended = rate * (came + now["failed"]) / came  # addresses a second: those that fail take their time too
    return f"{said} · about {duration((job.total - job.done) / ended)} left"


def searches(job: Job) -> bool:
    """Whether it asks in words: it finds more while it fetches, and nobody knows how much."""
    return asks(job.params.get("source", "").split(","))


def size(number: float) -> str:
    """`340 KB`, `1.2 MB`."""
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} KB"
