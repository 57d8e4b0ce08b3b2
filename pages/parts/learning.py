"""A training while it runs: its epoch, its curves, what it gets most wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from core import runs as trained
from core.jobs.watch import duration
from core.model import Job, Project, Run
from pages.parts import charts, curves, house, progress, worst

NEWS = timedelta(hours=1)
NEWEST = len(charts.SERIES)  # runs of a sweep whose curves are drawn, each in a colour of its own
STOPPING = "Stop keeps the best epoch that has ended as a model: you can ask it at once, and the run can go on later."


def of(job: Job) -> list[Run]:
    """The runs that this job trains, as far as they have begun, in their order, without their epochs."""
    if job.project is None:
        return []
    asked = job.params.get("runs") or ()  # those that go on were begun by another job
    if not asked:
        return house.store().runs(job.project, job=job.id)[::-1]
    return [run for run in reversed(house.store().runs(job.project)) if run.job == job.id or run.id in asked]


def epoch(job: Job) -> None:
    """A bar for each epoch under way, with its speed; drawn every second, so it takes as much room when nothing is known."""
    if job.verb == "rate":
        st.caption(house.text(progress.said(job)))
        st.caption("Nothing of what it learns is kept: it shows at which rate the loss falls fastest.")
        return
    now = job.result if job.status == "running" and job.project is not None else {}
    learning = sorted((one for one in (now, *now.get("beside", ())) if "run" in one), key=lambda one: one["run"])
    shown = [_bar(job, one) for one in learning]
    if not any(shown):  # before the first epoch, and when the models are measured at the end
        st.progress(0.0, text=house.text(progress.said(job)))
        st.caption("…")
    st.caption(STOPPING)


def _bar(job: Job, now: Mapping[str, Any]) -> bool:
    """The bar of one run; False where it is not being trained."""
    run = house.store().run(job.project, now["run"])  # type: ignore[arg-type]
    if run.status not in ("started", "stopped"):
        return False
    done, of_all = now["images"], now["of"]
    at = f"epoch {now['epoch']} of at most {run.recipe.epochs}" if now["epoch"] else "looking at every picture once"
    many = len(job.params.get("recipes") or ())
    mine = [each.id for each in of(job)] if many > 1 else []
    place = f" (run {mine.index(run.id) + 1} of {many})" if run.id in mine else ""
    st.progress(
        min(1.0, done / of_all) if of_all else 0.0,
        text=f"**{house.text(run.name, 60)}**{place} · {at} · {done:,} of {of_all:,} pictures",
    )
    st.caption(house.text(" · ".join(pace(run, now))))
    return True


def pace(run: Run, now: Mapping[str, Any]) -> list[str]:
    """`410 pictures/s`, `about 3 min left for this run`, and on a GPU what it has to do."""
    told = [f"{now['images_per_second']:,.0f} pictures/s"] if now.get("images_per_second") else []
    if now.get("left") is not None:
        told.append(f"about {duration(now['left'])} left for this run")
    last = run.epochs[-1] if run.epochs else {}
    if "gpu_memory" in last:
        told.append(f"GPU: {last['gpu_memory'] / 1e9:,.1f} GB")
    if "gpu_use" in last:
        told.append(f"{last['gpu_use']:.0%} in use")
    if last.get("waiting", 0) >= 0.05:
        told.append(f"{last['waiting']:.0%} of the time it waits for pictures")
    if now.get("parts", 1) > 1:
        told.append(f"each batch in {now['parts']} parts to fit")
    return told or ["…"]


def live(project: Project, job: Job) -> None:
    """The curves of the runs of the job that is under way, and the worst pictures of the last epoch that ended.

    Of a sweep, the newest `NEWEST` runs: their chart neither grows nor becomes slow.
    """
    store, job = house.store(), house.store().job(job.id)
    begun, sweep = of(job), job.verb == "sweep"
    first = max(0, len(begun) - NEWEST) if sweep else 0
    runs = [store.run(project.id, run.id) for run in begun[first:]]
    with st.container():  # there from the start: what stands below is not drawn anew when the first one comes
        for sentence in warnings(runs, job):
            st.warning(house.text(sentence))
    curves.show(runs, "live", NEWEST if sweep else len(job.params.get("recipes") or ()), first)
    if sweep:
        st.caption(
            f"The newest {NEWEST} runs of the sweep are drawn; all of them stand in the table once it has ended."
        )
    if any(run.epochs for run in runs):
        mistakes(project, runs)
    else:
        worst.later()


def ended(job: Job) -> None:
    """What came of a training, as long as it is news; later the table tells."""
    if (job.verb, job.status) != ("train", "done") or not job.ended or datetime.now(UTC) - job.ended > NEWS:
        return
    told = []
    for run in job.result.get("runs", ()):
        low, high = run["val_accuracy_interval"]
        told.append(f"**{house.text(run['name'], 60)}** names {run['val_accuracy']:.1%} ({low:.1%} to {high:.1%})")
    if told:
        st.success(f"Trained: {', '.join(told)} of the validation pictures rightly.")


def warnings(runs: list[Run], job: Job) -> list[str]:
    """Each sentence once, with the run that it is about where there are several."""
    named = trained.names(runs)
    told = [
        (f"{name}: " if len(runs) > 1 else "") + str(row["warning"])
        for name, run in zip(named, runs, strict=True) for row in run.epochs if row.get("warning")
    ]  # fmt: skip
    now = str(job.result.get("warning") or "")
    if now and not any(one.endswith(now) for one in told):
        told.append(now)
    return list(dict.fromkeys(told))


def mistakes(project: Project, runs: list[Run]) -> None:
    """The worst pictures of the run that ended an epoch last; nothing where none of them tells."""
    told = [(run, name) for run, name in zip(runs, trained.names(runs), strict=True) if run.epochs]
    if told:
        run, name = told[-1]
        worst.show(project, run, name, house.split(project, run.split).boxes)
