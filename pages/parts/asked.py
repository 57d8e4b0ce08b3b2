"""Many pictures at once: asked in pieces beside a bar, then a table to sort, to open and to take along."""

from __future__ import annotations

import base64
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.errors import BadInput, Refused
from core.jobs.watch import duration
from core.predict import pictures
from pages.parts import answered, house, models

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.predict import Asked

PIECE = 0.7  # seconds of work in one run of the page
EVERY = 0.2  # seconds from one run to the next
MOST = 20_000  # pictures in one table
DRAWN = 2000  # of them that have their picture in it
TALL = 44  # px of such a picture
NEWEST = 6  # rows that are shown while it goes on
ORDERS = ["As they came", "Surest first", "Least sure first"]
MARK = "asked"  # where a session keeps its table


@dataclass(frozen=True, slots=True)
class Row:
    """What the table keeps of an answer: a few hundred bytes."""

    name: str
    label: str = ""  # the nearest class
    confidence: float | None = None
    known: bool = False
    words: tuple[str, ...] = ()  # of each model
    error: str = ""
    picture: str | None = None  # as an address


@dataclass
class Table:
    """Pictures of which some are asked about already."""

    key: tuple
    files: dict[str, UploadedFile]  # by a name of its own
    asked: Iterator[Asked]
    models: list[str]
    total: int
    packed: dict[str, IO[bytes]]  # name of a .zip -> where it lies, gone with the session
    rows: list[Row] = field(default_factory=list)
    done: bool = False
    seconds: float = 0.0

    def read(self, name: str) -> bytes | Refused:
        """The file of a row, once more."""
        for archive, file in self.packed.items():
            if name.startswith(f"{archive}{pictures.INSIDE}"):
                return pictures.one(Path(file.name), archive, name)
        return self.files[name].getvalue()


def show(files: Sequence[UploadedFile], asked: answered.Question) -> None:
    """The table of these files, as far as it is."""
    key = (asked.key, tuple(file.file_id for file in files))
    table = st.session_state.get(MARK)
    if table is None or table.key != key:
        table = st.session_state[MARK] = begun(key, files, asked)
    if table.done:
        finished(table, asked)
    else:
        st.fragment(_going, run_every=EVERY)(table)


def begun(key: tuple, files: Sequence[UploadedFile], asked: answered.Question) -> Table:
    """Nothing is asked yet. Raises Missing or Damaged where the models cannot be."""
    predictor = models.predictor(asked.runs, asked.ensemble, asked.whole)
    named = _named(files)
    packed = {name: _laid(file) for name, file in named.items() if zipped(file)}
    total = sum(pictures.inside(Path(packed[name].name)) if name in packed else 1 for name in named)
    return Table(key, named, predictor.ask(_all(named, packed), asked.whole), list(predictor.models), total, packed)


def _named(files: Sequence[UploadedFile]) -> dict[str, UploadedFile]:
    """Each by a name of its own: the second cat.jpg is "cat.jpg (2)"."""
    named: dict[str, UploadedFile] = {}
    often: Counter[str] = Counter()
    for file in files:
        often[file.name] += 1
        named[file.name if often[file.name] == 1 else f"{file.name} ({often[file.name]})"] = file
    return named


def zipped(file: UploadedFile) -> bool:
    return file.name.lower().endswith(pictures.ZIP)


def _laid(file: UploadedFile) -> IO[bytes]:
    """A .zip as a file, which is read at random; it goes when nobody holds it any more. Raises BadInput for a full disk."""
    try:
        laid = tempfile.NamedTemporaryFile(prefix="winnow-", suffix=pictures.ZIP)  # noqa: SIM115
        laid.write(file.getbuffer())
        laid.flush()
    except OSError as error:
        raise BadInput(f"{file.name} cannot be laid down to be read: {error.strerror or error}.") from None
    return laid


def _all(files: dict[str, UploadedFile], packed: dict[str, IO[bytes]]) -> Iterator[pictures.Picture]:
    for name, file in files.items():
        if name in packed:
            yield from pictures.packed(Path(packed[name].name), name)
        else:
            yield name, file.getvalue()


def _going(table: Table) -> None:
    """One piece of the work, and how far it is."""
    start = time.monotonic()
    while not table.done and time.monotonic() - start < PIECE:
        one = next(table.asked, None)
        table.done = one is None or len(table.rows) >= MOST
        if one is not None and not table.done:
            table.rows.append(row(one, table, len(table.rows) < DRAWN))
    table.seconds += time.monotonic() - start
    came = len(table.rows)
    speed = came / max(table.seconds, 1e-3)
    left = f", {duration((table.total - came) / speed)} left" if came and table.total > came else ""
    st.progress(
        min(1.0, came / max(table.total, 1)),
        text=f"**Asking** · {came:,} of {house.count(max(table.total, came), 'picture')} · {speed:,.0f}/s{left}",
    )
    frame = framed(table, table.rows[-NEWEST:][::-1])
    st.dataframe(
        frame, hide_index=True, row_height=TALL, height=TALL * NEWEST + 38, column_config=columns(table.models)
    )
    if table.done:
        st.rerun(scope="app")


def row(one: Asked, table: Table, drawn: bool) -> Row:
    if isinstance(one.said, Refused):
        return Row(one.name, error=str(one.said))
    said = one.said
    words = [max(said.models[name].items(), key=lambda item: item[1]) for name in table.models]
    return Row(
        one.name, said.label, said.confidence, said.known, tuple(f"{label} {p:.0%}" for label, p in words),
        picture=_small(one) if drawn else None,
    )  # fmt: skip


def _small(one: Asked) -> str:
    """What was asked about, at its true aspect ratio, as an address of about a kilobyte."""
    import numpy as np
    import simplejpeg
    from PIL import Image

    assert one.square is not None
    wide = max(8, min(3 * TALL, round(TALL * one.shape[0] / one.shape[1])))
    small = Image.fromarray(one.square).resize((wide, TALL), Image.Resampling.BILINEAR)
    data = simplejpeg.encode_jpeg(np.asarray(small), quality=70, colorsubsampling="420")
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def framed(table: Table, rows: Sequence[Row]) -> pd.DataFrame:
    """A line for each row, as a person reads it."""
    lines = [
        (one.picture, "" if one.error else one.label if one.known else "none of these",
         None if one.confidence is None else 100 * one.confidence, one.name, "" if one.known else one.label,
         *(one.words or [""] * len(table.models)), one.error)
        for one in rows
    ]  # fmt: skip
    said = [f"model {i}" for i in range(len(table.models))]  # a run may be called as one of the other columns is
    frame = pd.DataFrame(lines, columns=["picture", "answer", "sure", "name", "nearest", *said, "why not"])
    hidden = said if house.alone() or len(said) == 1 else []
    return frame.drop(columns=[*hidden, *([] if any(one.error for one in rows) else ["why not"])])


def columns(names: Sequence[str]) -> dict[str, Any]:
    """Of `framed`; `names`: of the models."""
    c = st.column_config
    return {
        "picture": c.ImageColumn("", width=70),
        "name": c.TextColumn("Name", width="medium"),
        "answer": c.TextColumn("Answer", width=130),
        "sure": c.ProgressColumn("How sure", format="%.0f%%", min_value=0, max_value=100, width=110),
        "nearest": c.TextColumn("Nearest class", width=120, help="Of those that look like none of the classes."),
        "why not": c.TextColumn("Why it has no answer", width="large"),
        **{f"model {i}": c.TextColumn(name, width=140, help="What this model says, and how sure it is.") for i, name in enumerate(names)},
    }  # fmt: skip


def finished(table: Table, asked: answered.Question) -> None:
    """All of it: counts, order, the CSV, and the row that is open."""
    st.markdown(summary(table))
    with st.container(horizontal=True, vertical_alignment="center"):
        order = st.segmented_control(
            "Order", ORDERS, default=ORDERS[0], required=True, key="asked-order", label_visibility="collapsed"
        )
        st.download_button(
            "Download as CSV", lambda: csv(table), "answers.csv", "text/csv", on_click="ignore", key="asked-csv"
        )
    rows = ordered(table.rows, order)
    frame = framed(table, rows)
    chosen = st.dataframe(
        frame, hide_index=True, row_height=TALL, height=min(560, TALL * len(frame) + 38), column_config=columns(table.models),
        on_select="rerun", selection_mode="single-row", key=f"asked-table-{order}",
    )  # fmt: skip
    picked = chosen["selection"]["rows"]
    if not picked or picked[0] >= len(rows):
        st.caption(
            "Tick a row to see the picture with all that was said of it. A press on a column's head sorts by it."
        )
        return
    one = rows[picked[0]]
    answered.picture(one.name, lambda: table.read(one.name), asked, f"asked-{picked[0]}-{order}")


def summary(table: Table) -> str:
    failed = sum(bool(one.error) for one in table.rows)
    known = sum(one.known for one in table.rows)
    said = [
        f"**{house.count(len(table.rows), 'picture')}**: {known:,} {'is' if known == 1 else 'are'} one of the classes"
    ]
    if other := len(table.rows) - failed - known:
        said.append(f"{other:,} none of these")
    if failed:
        said.append(f"{failed:,} could not be asked about")
    told = ", ".join(said) + f". It took {duration(table.seconds)}."
    if len(table.rows) >= MOST < table.total:
        told += f" The table ends after {MOST:,} of {table.total:,}: `python -m core predict --to answers.csv` takes any number."
    return told


def ordered(rows: list[Row], order: str) -> list[Row]:
    """Those without an answer last."""
    if order == ORDERS[0]:
        return rows
    sign = -1 if order == ORDERS[1] else 1
    return sorted(rows, key=lambda one: (one.confidence is None, sign * (one.confidence or 0)))


def csv(table: Table) -> str:
    """For a spreadsheet: nothing in it runs as a formula."""
    from core.predict.answers import line

    lines = [line(["id", "label", "confidence", "known", *table.models, "error"])]
    for one in table.rows:
        sure = "" if one.confidence is None else f"{one.confidence:.4f}"
        known = "" if one.error else "yes" if one.known else "no"
        words = one.words or [""] * len(table.models)
        lines.append(line([one.name, one.label, sure, known, *words, one.error]))
    return "".join(lines)
