"""Find pictures and fetch them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from core.errors import BadInput
from core.model import Job, Project
from core.scrape import check
from core.sources import SOURCES
from core.sources.options import Options
from pages.parts import collected, counted, failed, head, house, progress, rules, sources

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
    collected.preview(looked)
    if labels := looked.result.get("labels"):
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
        failed.show(project)
        if shown.funnel.unique:
            st.subheader("The newest pictures", anchor=False)
        collected.newest(project)


main()
