"""Find pictures and fetch them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.errors import BadInput
from core.model import Job, Project
from core.scrape import check, meaning
from core.sources import SOURCES
from core.sources.options import Options
from pages.parts import collected, counted, head, house, progress, rules, sources

Widgets = Callable[[Project, sources.Params], sources.Params | None]


WIDGETS: Mapping[str, Widgets] = {
    "search": sources.search, "page": sources.page, "urls": sources.table, "folder": sources.folder,
    "archive": sources.archive, "demo": sources.demo,
}  # fmt: skip


def choose(project: Project, shown: head.Head) -> bool:
    """The form, from where to look to the buttons; what does not fit is said above them, and nothing can be started.

    True while a look ahead, or at the sources, is under way.
    """
    kinds = [kind for kind in sources.KINDS if kind == "search" or kind in SOURCES]
    usual = sources.kind(_params(project, "scrape"))
    usual = usual if usual in kinds else "demo" if project.name == "demo" else "search"
    kind = st.segmented_control(
        "Where to look", kinds, default=usual, required=True, format_func=lambda k: sources.KINDS[k][0],
        key=f"source-{project.id}", persist_state="session",
    )  # fmt: skip
    st.caption(sources.KINDS[kind][1])
    params = looked = None
    try:
        before = _before(project, kind)
        params = WIDGETS[kind](project, before)
        looked = _looked(project, params)
        if params and SOURCES[params["source"].partition(",")[0]].read:
            more = rules.labelled(project, before, params, looked)
            params = params | more | {"options": params["options"] | more["options"]}
        _fits(params)
    except BadInput as error:
        st.error(house.text(error))
        params = None
    _buttons(project, shown, params)
    looking = _looking(project)
    if looked and not looking:
        _look(project, looked)
    return looking


def _params(project: Project, verb: str, kind: str = "") -> sources.Params:
    """What the newest job asked for, from this kind of source; {} where there is none."""
    jobs = house.store().jobs(project.id, verb, limit=20)
    found = (dict(job.params) for job in jobs if job.params.get("source"))
    return next((params for params in found if kind in ("", sources.kind(params))), {})


def _before(project: Project, kind: str) -> sources.Params:
    """What a form that nobody has touched begins with: the last fetch from there; before the first, the last look ahead."""
    return _params(project, "scrape", kind) or _params(project, "preview", kind)


def _fits(params: sources.Params | None) -> None:
    """Raises BadInput for what would make the job fail at once, as the command line does."""
    if params:
        for source in params["source"].split(","):
            check(source, Options(**params["options"]), house.settings())


def _looked(project: Project, params: sources.Params | None) -> Job | None:
    """The newest look ahead, if it came to its end and was at what is chosen now."""
    job = house.newest(project, "preview")
    if job is None or params is None or job.status != "done":
        return None
    return job if _asks(params) == _asks(dict(job.params)) else None


def _asks(params: sources.Params) -> tuple[str, str, dict[str, str]]:
    """What a look ahead and a fetch have in common: the source, its words and options; rules and licences come after."""
    options = {name: value for name, value in params.get("options", {}).items() if name != "licence"}
    return params.get("source", "").partition(",")[0], params.get("query", "{class}"), options


def _looking(project: Project) -> bool:
    """Shows a look that is under way, or why it failed until a fetch came after it."""
    job, fetched = house.newest(project, "preview", "health"), house.newest(project, "scrape", "demo")
    over = job is None or (job.status not in house.ACTIVE and fetched is not None and fetched.id > job.id)
    return not over and progress.watch(project, "preview", "health")


def _look(project: Project, looked: Job) -> None:
    """What it showed; gone from the page once a fetch came after it."""
    fetched = house.newest(project, "scrape")
    if fetched and fetched.id > looked.id:
        return
    labels = looked.result.get("labels")
    collected.preview(replace(looked, result={**looked.result, "labels": None}))
    if labels:
        counted.labels(labels)


def _buttons(project: Project, shown: head.Head, params: sources.Params | None) -> None:
    with st.container(horizontal=True):
        if st.button("Fetch the pictures", type=shown.emphasis("scrape"), disabled=params is None, key="run"):  # type: ignore[arg-type]
            house.start("scrape", **(params or {}))
            st.rerun()
        if st.button(
            "Look at 12 first", disabled=params is None, key="preview",
            help="Shows the first dozen results with their licence, and for a table or folder how many rows each label "
            "has. Nothing is kept.",
        ) and params:  # fmt: skip
            (source, query, options), only = _asks(params), params.get("only") or [""]
            house.start("preview", source=source, query=query, options=options, label=only[0])
            st.rerun()
        if st.button("Do the sources answer?", key="health", help="Asks each source for one word."):
            house.start("health")
            st.rerun()


def failures(project: Project) -> None:
    """Why addresses failed, and another try for those that may have one."""
    reasons, may = house.store().failures(project.id), house.store().retryable(project.id)
    if reasons:
        explained(project, reasons)
    last = house.newest(project, "scrape", "demo")
    if last and last.status == "stopped":
        return  # "Go on" is the one thing to press; it takes what was left over too
    if (reasons or may) and st.button(
        f"Retry {house.count(may, 'address', 'addresses')}", disabled=not may, key="retry",
        help="Those that failed for a passing reason (a timeout, a busy host), searches that broke off, and what a "
        "stopped fetch had found ('Go on' above finds the rest too). What failed for good (no such file, robots.txt, no picture) is not asked again.",
    ):  # fmt: skip
        house.start("scrape", retry=True)
        st.rerun()


def explained(project: Project, reasons: Mapping[str, int]) -> None:
    """Each reason with what it means, and the addresses it struck."""
    with st.expander(f"{house.count(sum(reasons.values()), 'address', 'addresses')} failed: why"):
        st.dataframe(
            pd.DataFrame([(reason, number, meaning(reason)) for reason, number in reasons.items()],
                         columns=["reason", "how many", "what it means"]),
            hide_index=True, height="content",
        )  # fmt: skip
        picked = st.selectbox("Show the addresses that failed with", ["any reason", *reasons])
        rows = house.store().failed(project.id, [] if picked == "any reason" else [picked], limit=100)
        st.dataframe(
            pd.DataFrame(rows, columns=["url", "label", "reason", "sentence", "retryable"]),
            hide_index=True,
            column_config={"retryable": st.column_config.CheckboxColumn("may be retried")},
        )
        if len(rows) == 100:
            st.caption("The first 100.")


def main() -> None:
    shown = head.show("scrape")
    project = shown.project
    busy = progress.watch(project, "scrape", "demo", beside=lambda job: collected.live(project, job))
    if not busy:
        with st.container(border=True):
            looking = choose(project, shown)
        last = house.newest(project, "scrape", "demo")
        if last and last.result and not looking:
            collected.outcome(last)
        failures(project)
        if shown.funnel.unique:
            st.subheader("The newest pictures", anchor=False)
        collected.newest(project)


main()
