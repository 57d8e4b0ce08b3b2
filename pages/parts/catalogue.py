"""Classes from the car catalogue: a type of vehicle and years, then its makes, then their models.

What the catalogue says is fetched by jobs that belong to no project; the page shows the newest one that was asked for
what is chosen now, so nothing of it is kept in the browser.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core import catalogue
from core.catalogue import TYPES, Answers, Make
from core.errors import BadInput
from core.jobs.watch import duration
from core.model import ClassInfo, Job
from pages.parts import house, progress

VERB = "catalogue"
YEARS = (2000, 2018)  # chosen at first
LOOKED_AT = 20  # of the newest jobs, whether one of them asked for the same

ABOUT = """
The catalogue of NHTSA, the road safety agency of the United States, names what was sold there: free, without a key. Each
model becomes a class, searched for year by year, such as *2008 Maserati GranTurismo*.
"""


def choose(key: str) -> dict[str, ClassInfo]:
    """The ticked models as classes, with what each is searched for; {} until there are any."""
    st.markdown(ABOUT)
    job = _under_way()
    found = _chosen(key, job is not None)
    if job is not None:  # below the press that began it, so that nothing moves
        st.fragment(_live, run_every=progress.EVERY)(job.id)
    return found


def _chosen(key: str, busy: bool) -> dict[str, ClassInfo]:
    types = st.pills(
        "Kind of vehicle", list(TYPES), selection_mode="multi", default=["car"], key=f"{key}-types",
        format_func=lambda name: TYPES[name][0].upper() + TYPES[name][1:], persist_state="session",
    )  # fmt: skip
    first, last = st.slider(
        "Model years", catalogue.FIRST_YEAR, catalogue.last_year(), YEARS, key=f"{key}-years", persist_state="session"
    )
    asked = {"types": [name for name in TYPES if name in types], "years": list(range(first, last + 1)), "makes": []}
    if not types:
        st.caption("Choose one kind of vehicle or more.")
        return {}
    makes = _makes(key, asked | {"years": []}, busy)
    if not makes:
        return {}
    picked = st.multiselect(
        "Makes", list(dict.fromkeys(make.name for make in makes)), key=f"{key}-makes", placeholder="Search for a make",
        persist_state="session",
    )  # fmt: skip
    if not picked:
        st.caption(
            f"There {'is' if len(makes) == 1 else 'are'} {len(makes):,}. Choose those whose models are to be classes."
        )
        return {}
    job = _models(key, asked | {"makes": sorted(picked)}, makes, busy)
    return _table(key, job.result) if job else {}


def _under_way() -> Job | None:
    """The look-up that is under way, whoever started it."""
    return next((job for job in house.store().jobs(verb=VERB, limit=LOOKED_AT) if job.status in house.ACTIVE), None)


def _live(number: int) -> None:
    job = house.store().job(number)
    with st.container(border=True):
        progress.line(job)  # before `rerun`, as in progress
    if job.status not in house.ACTIVE:
        st.rerun(scope="app")


def _makes(key: str, asked: Mapping[str, Any], busy: bool) -> list[Make]:
    job = _newest(asked)
    if job is not None and job.status == "done":
        found = [Make(make["id"], make["name"], tuple(make["types"])) for make in job.result["makes"]]
        if not found:
            st.info("The catalogue names no make of this kind.")
        _unanswered(key, job, len(asked["types"]), busy)
        return found
    _failure(job)
    paths = [catalogue.makes_path(each) for each in asked["types"]]
    _button(key, "Look up the makes", paths, asked, busy)
    return []


def _models(key: str, asked: Mapping[str, Any], makes: Sequence[Make], busy: bool) -> Job | None:
    job = _newest(asked)
    if job is not None and job.status == "done":
        _unanswered(key, job, job.result["requests"], busy)
        return job
    _failure(job)
    wanted = catalogue.asks(catalogue.chosen(makes, asked["makes"]), asked["years"], asked["types"])
    _button(key, "Look up the models", [ask.path for ask in wanted], asked, busy)
    return None


def _newest(asked: Mapping[str, Any]) -> Job | None:
    """The newest job that asked for exactly this."""
    return next((job for job in house.store().jobs(verb=VERB, limit=LOOKED_AT) if job.params == asked), None)


def _failure(job: Job | None) -> None:
    if job is not None and job.status == "failed":
        st.error(house.text(job.error))
    elif job is not None and job.status == "stopped":
        st.warning("It was stopped. What the catalogue answered is kept, and is not asked for again.")


def _unanswered(key: str, job: Job, requests: int, busy: bool) -> None:
    """What is not in the list, and a way to ask for it once more."""
    if failed := job.result["failed"]:
        st.warning(house.text(f"{catalogue.sentence(failed, requests)}.", 1000))
        if st.button(f"Ask again for {house.count(len(failed), 'answer')}", key=f"{key}-again-{job.id}", disabled=busy):
            _start(job.params)
    if skipped := job.result["skipped"]:
        st.caption(f"{house.count(skipped, 'entry', 'entries')} of the catalogue had no name and {'is' if skipped == 1 else 'are'} left out.")  # fmt: skip


def _button(key: str, label: str, paths: Sequence[str], asked: Mapping[str, Any], busy: bool) -> None:
    """The press that asks, and what it costs, said before it."""
    settings = house.settings()
    answers = Answers(catalogue.folder(settings.home), settings.source_url("vpic"))
    known = sum(map(answers.known, paths))
    left = len(paths) - known
    cost = f"{house.count(left, 'request')} to the catalogue, about {duration(left)} at one a second"
    cost += f"; {known:,} more {'is' if known == 1 else 'are'} known from before" if known else ""
    with st.container(gap="xsmall"):
        st.caption(f"{cost}." if left else "All of it is known from before: no request is needed.")
        if st.button(label, key=f"{key}-look", disabled=busy):
            _start(asked)


def _start(asked: Mapping[str, Any]) -> None:
    """Queue the job, which belongs to no project, and see that a worker runs."""
    from core import jobs

    try:
        house.store().submit(VERB, asked, alone=True)
    except BadInput as error:  # another tab was quicker
        st.error(house.text(error))
        return
    jobs.ensure_worker(house.settings())
    st.rerun()


def _table(key: str, result: Mapping[str, Any]) -> dict[str, ClassInfo]:
    infos, nameless = catalogue.classes(catalogue.entries(result["entries"]))
    if nameless:
        st.caption(f"Left out, because no class can be called so: {', '.join(house.text(name, 60) for name in nameless[:5])}.")  # fmt: skip
    if not infos:
        st.info("The catalogue names no model of these makes in these years.")
        return {}
    every = st.toggle("Tick all", value=True, key=f"{key}-all")
    rows = [(every, label, info.parents["years"], " | ".join(info.queries)) for label, info in infos.items()]
    made = pd.DataFrame(rows, columns=["use", "class", "years", "searched for"])
    edited = st.data_editor(
        made, hide_index=True, disabled=["class", "years", "searched for"],
        key=f"{key}-models-{every}-{zlib.crc32(repr(rows).encode())}",
        column_config={"use": st.column_config.CheckboxColumn(width="small"),
                       "searched for": st.column_config.TextColumn(width="large")},
    )  # fmt: skip
    return ticked(infos, edited["use"].tolist())


def ticked(infos: Mapping[str, ClassInfo], use: Sequence[bool]) -> dict[str, ClassInfo]:
    return {label: info for (label, info), used in zip(infos.items(), use, strict=True) if used}
