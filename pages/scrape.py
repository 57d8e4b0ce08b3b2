"""Find pictures and fetch them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import BadInput
from core.model import Job, Project
from core.project import key, spellings
from core.scrape import LIMIT, meaning
from core.sources import SOURCES
from core.sources.urls import guess, sample
from pages.parts import head, house, progress

NAMES = {"openverse": "Openverse (openly licensed pictures)", "urls": "A table of web addresses", "folder": "A folder on this computer",
         "demo": "The demo's drawn cars"}  # fmt: skip
LATER = "Wikimedia Commons, Flickr, DuckDuckGo, web pages and archives come with a later release."


def asked(source: str) -> dict:
    """The widgets of a source that is asked in words."""
    left, right = st.columns([2, 1])
    query = left.text_input(
        "What to search for",
        "{class}",
        key="query",
        help="{class} stands for the name of each class, so `{class} car` asks for 'sedan car', 'coupe car' and so on.",
    )
    limit = right.number_input(
        "Pictures for each class",
        1,
        10_000,
        LIMIT,
        step=50,
        key="limit",
        help="At most so many; a source often has fewer. Fetch more than you need: some will be rejected.",
    )
    if "{class}" not in query and source != "demo":
        st.warning("Without {class} every class is asked for with the same words.")
    return {"query": query, "limit": int(limit), "options": {}}


def table(project: Project) -> dict | None:
    """The widgets of the address table: the file, then which column is which, and whether its classes are known."""
    path = table_path()
    if path is None:
        return None
    names, rows = sample(path)
    urls, labels = guess(names, rows, project.classes)
    left, right = st.columns(2)
    url = left.selectbox(
        "Column with the addresses", names, names.index(urls), help="http or https addresses of pictures."
    )
    label = right.selectbox(
        "Column with the classes", names, names.index(labels), help="What each picture is said to show."
    )
    shown = {name: [row[names.index(name)] for row in rows] for name in (url, label)}
    st.dataframe(pd.DataFrame(shown).head(3), hide_index=True)
    classes = spellings(project.classes)
    known = sum(key(cell) in classes for cell in shown[label])
    of = house.count(len(rows), "row")
    if rows and not known:
        st.warning(
            f"None of the first {of} has a class of this project in this column, but for example"
            f" {house.text(shown[label][0], 60) or 'nothing'}. Choose another column, or let new labels become classes."
        )
    else:
        st.caption(f"Of the first {of}, {known:,} have a class of this project." if rows else "The table has no rows.")
    nothing = "(none)"
    with st.expander("More columns (page, creator, licence)"):
        picked = {
            name: st.selectbox(
                f"Column with the {name}",
                [nothing, *names],
                names.index(name) + 1 if name in names else 0,
                help="Kept beside the picture, if you have it.",
            )
            for name in ("page", "creator", "licence")
        }
    more = {f"{name}_column": "" if choice == nothing else choice for name, choice in picked.items()}
    return {"options": {"table": str(path), "url_column": url, "label_column": label, **more}}


def table_path() -> Path | None:
    how = st.segmented_control(
        "Where is the table?", ["Upload it", "It lies on this computer"], default="Upload it", required=True
    )
    if how == "Upload it":
        file = st.file_uploader("CSV, TSV or Parquet", type=["csv", "tsv", "parquet"])
        return keep(file.name, file.getvalue()) if file else None
    written = st.text_input("Path of the table", placeholder="/home/me/cars.csv")
    return Path(written).expanduser() if written.strip() else None


def keep(name: str, data: bytes) -> Path:
    """An uploaded table under a name of our own: the job reads it later, from disk."""
    path = (
        house.settings().home.absolute()
        / "uploads"
        / f"{hashlib.sha256(data).hexdigest()[:32]}{Path(name).suffix.lower()}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(data)
    return path


def folder() -> dict | None:
    written = st.text_input(
        "Path of the folder",
        placeholder="/home/me/pictures",
        key="folder",
        help="Each picture's own folder is its class. Folders named train, val or test above that are kept as parts.",
    )
    return {"options": {"path": str(Path(written).expanduser())}} if written.strip() else None


def choose(project: Project, shown: head.Head) -> None:
    order = sorted((name for name in NAMES if name in SOURCES), key=lambda s: (s == "demo") != (project.name == "demo"))
    before = house.newest(project, "scrape")
    usual = before.params.get("source") if before else ""
    source = st.radio(
        "Where to look",
        order,
        order.index(usual) if usual in order else 0,
        format_func=lambda s: NAMES[s],
        captions=[SOURCES[s].about for s in order],
        key=f"source-{project.id}",
        help=LATER,
    )
    st.caption(LATER)
    params = {"urls": lambda: table(project), "folder": folder}.get(source, lambda: asked(source))()
    add = False
    if not SOURCES[source].asks:
        add = st.checkbox(
            "Labels that are none of my classes become new classes",
            help="Otherwise such pictures are counted as failed, with the reason 'unknown class'.",
        )
    if st.button("Fetch the pictures", type=shown.emphasis("scrape"), disabled=params is None, key="run"):  # type: ignore[arg-type]
        house.start("scrape", source=source, add_classes=add, retry=False, **(params or {}))
        st.rerun()


def outcome(project: Project, job: Job) -> None:
    """What the last scrape brought."""
    st.subheader("The last fetch", anchor=False)
    figures = [("found", "Found", ""), ("fetched", "New pictures", ""),
               ("duplicate", "Already there", "The same address or the same file, byte for byte, came before."),
               ("failed", "Failed", "Each with its reason, below.")]  # fmt: skip
    with st.container(horizontal=True):
        for key, label, about in figures:
            st.metric(
                label, f"{job.result.get(key, 0):,}", help=about or None, border=True, width="stretch", height="stretch"
            )


def failures(project: Project) -> None:
    """Why addresses failed, and another try for those that may have one."""
    reasons, may = house.store().failures(project.id), house.store().retryable(project.id)
    if reasons:
        explained(project, reasons)
    if (reasons or may) and st.button(
        f"Retry {house.count(may, 'address', 'addresses')}",
        disabled=not may,
        key="retry",
        help="Those that failed for a passing reason (a timeout, a busy host), searches that broke off, and what a "
        "stopped fetch left over.",
    ):
        house.start("scrape", source="", retry=True)
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


def newest(project: Project) -> None:
    records = house.store().latest(project.id, 12)
    if records:
        house.thumbnails(records, {record.id: record.label for record in records})
    else:
        st.caption("Pictures appear here as soon as the first one is fetched.")


def main() -> None:
    shown = head.show("scrape")
    project = shown.project
    busy = progress.watch(project, "scrape", "demo", beside=lambda job: newest(project))
    if not busy:
        with st.container(border=True):
            try:
                choose(project, shown)
            except BadInput as error:
                st.error(house.text(error))
    last = house.newest(project, "scrape", "demo")
    if last and last.result and not busy:
        outcome(project, last)
    if not busy:
        failures(project)
        if shown.funnel.unique:
            st.subheader("The newest pictures", anchor=False)
        newest(project)


main()
