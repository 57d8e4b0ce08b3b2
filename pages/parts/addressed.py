"""A table of addresses: a job fetches and asks, and its answers are a CSV with a row for each."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import BadInput
from core.export import read_csv
from core.model import Job, Project
from core.predict.addresses import addresses
from core.predict.answers import COLUMNS
from pages.parts import answered, house, progress, upload

TYPES = ["csv", "tsv", "parquet"]
SHOWN = 1000  # rows of the answers on the page
LARGEST = 50 * 2**20  # bytes of answers that pass through the browser
ABOUT = "A table with the columns `id` and `url`, or `url` alone: CSV, TSV or Parquet, of any length."


def show(asked: answered.Question) -> None:
    """Choose a table, start the job, and see what the newest one brought."""
    project = asked.project
    table = upload.uploaded(project, "addresses", "A table of addresses", TYPES, about=ABOUT)
    busy = progress.watch(project, "predict")
    if table is None:
        st.caption(
            f"{ABOUT} Addresses in a private network are refused, and hosts are asked politely: one picture a second from each."
        )
    elif fits(table) and st.button("Fetch and ask", type="primary", disabled=busy, key="ask-addresses"):
        start(table, asked)
    job = house.newest(project, "predict")
    if job is not None and job.status == "done":
        brought(job)


def fits(table: Path) -> bool:
    """Whether it can be read; else it is said why not."""
    try:
        first = list(itertools.islice(addresses(table), 3))
    except BadInput as error:
        st.error(house.text(error))
        return False
    if not first:
        st.error(house.text(f"The table {table.name} has no row."))
    return bool(first)


def start(table: Path, asked: answered.Question) -> None:
    to = place(asked.project) / f"{table.stem}-{table.parent.name[:8]}-answers.csv"
    try:
        house.start(
            "predict", table=str(table), to=str(to), runs=[run.id for run in asked.runs], ensemble=asked.ensemble, whole=asked.whole
        )  # fmt: skip
    except BadInput as error:  # somebody did so in another tab
        st.error(house.text(error))
    else:
        st.rerun()


def place(project: Project) -> Path:
    return house.settings().home.absolute() / "answers" / str(project.id)


def brought(job: Job) -> None:
    """What the job told: counts, the CSV, and its first rows."""
    told, path = job.result, Path(job.result["answers"])
    failed = f", {told['failed']:,} could not be fetched or asked about" if told["failed"] else ""
    st.markdown(f"**{house.count(told['images'], 'address', 'addresses')}** of {house.text(Path(job.params['table']).name, 60)}: "
                f"{told['answered']:,} answered{failed}.")  # fmt: skip
    if not path.is_file():
        st.caption("Its answers are gone from the disk.")
        return
    if path.stat().st_size <= LARGEST:
        st.download_button(
            "Download the answers", path.read_bytes, path.name, "text/csv", on_click="ignore", key=f"answers-{job.id}"
        )
    else:
        st.caption(f"The answers lie in {house.text(path)}.")
    frame = pd.DataFrame(first(path))
    st.dataframe(frame, hide_index=True, height=min(420, 35 * len(frame) + 38), column_config=columns())
    if told["images"] > SHOWN:
        st.caption(f"The first {SHOWN:,} rows; all of them are in the CSV.")
    if told["failed"]:
        st.caption("Started again, it fetches only what has no answer yet.")


def first(path: Path) -> list[dict[str, Any]]:
    rows = itertools.islice(read_csv(path, COLUMNS), SHOWN)
    return [row | {"confidence": 100 * float(row["confidence"]) if row["confidence"] else None} for row in rows]


def columns() -> dict[str, Any]:
    c = st.column_config
    named = dict(
        zip(COLUMNS, ("id", "Nearest class", "How sure", "One of the classes", "Why it has no answer"), strict=True)
    )
    return {name: c.TextColumn(title) for name, title in named.items()} | {
        "confidence": c.ProgressColumn(named["confidence"], format="%.0f%%", min_value=0, max_value=100, width=110)
    }
