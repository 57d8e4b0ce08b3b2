"""What is taken of what a source brings: how many of each class, under which licence, and what its labels stand for."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.licences import FILTERS
from core.model import Job, Project
from core.project import key, spellings
from core.scrape import LIMIT
from core.sources.options import Options
from core.sources.urls.presets import settled
from core.subset import Rules, read_mapping
from pages.parts import house, upload

Params = dict[str, Any]
LEAVE = "(leave out)"
ALL = 10_000  # results for each class where no number was named: more than any page or search has
FILL_HELP = (
    "Where downloads fail or a search brings too little, the next results, other words for the class and then the next "
    "source are asked, so that classes come out even. Off: so many results are taken, whatever comes of them."
)
NO_LICENCE = {
    "folder": "A folder names no licences: each of its pictures counts as *licence unknown*.",
    "archive": "An archive names no licences: each of its pictures counts as *licence unknown*.",
    "urls": "This table names no licences, so each picture counts as *licence unknown*. Choose the column with the "
    "licence above, if it has one.",
}


# sources that are asked in words, and web pages -----------------------------------------------------------------------


def amount(project: Project, before: Params, kind: str, place: DeltaGenerator) -> Params:
    """How many pictures of each class, asked for in `place`; of a page all there are, until a number is written."""
    every = kind == "page"
    known = before.get("target") or before.get("limit") or (ALL if every else LIMIT)
    fresh = every and known == ALL  # no number was written yet
    wanted = place.number_input(
        "Pictures for each class", 1, ALL, None if fresh else known, step=50, placeholder="all",
        key=f"limit-{kind}-{project.id}", persist_state="session",
        help="Fetch more than you need: some will be rejected." + (" Empty: all there are." if every else ""),
    )  # fmt: skip
    fill = kind != "demo" and st.toggle(
        "Go on until each class has so many", fresh or bool(before.get("target", True)), key=f"fill-{kind}-{project.id}",
        help=FILL_HELP, disabled=wanted is None, persist_state="session",
    )  # fmt: skip
    if wanted is None:
        return {"limit": ALL if every else LIMIT, "target": 0}
    return {"limit": int(wanted), "target": int(wanted) if fill else 0}


def only(project: Project, before: Params, names: Sequence[str], kind: str) -> list[str]:
    names = list(dict.fromkeys(names))
    usual = [label for label in before.get("only", ()) if label in names]
    return st.multiselect(
        "Only these classes", names, usual, key=f"only-{project.id}-{kind}", placeholder="all classes", persist_state="session"
    )  # fmt: skip


def licence(project: Project, before: Params, kind: str) -> Params:
    names = {"": "any licence, also an unknown one", **FILTERS}
    usual = before.get("options", {}).get("licence", "")
    wanted = st.selectbox(
        "Licence", list(names), list(names).index(usual) if usual in names else 0, format_func=names.__getitem__,
        key=f"licence-{kind}-{project.id}", persist_state="session",
        help="Pictures whose licence does not allow it are counted, with the reason 'licence', and not fetched.",
    )  # fmt: skip
    return {"licence": wanted} if wanted else {}


def patience(project: Project, before: Params, kind: str) -> float:
    return float(st.slider(
        "Seconds for one download", 2, 60, min(max(int(before.get("deadline", 20)), 2), 60), key=f"deadline-{kind}-{project.id}",
        persist_state="session",
        help="One that takes longer fails with the reason 'timeout' and can be retried. 5 suits image search, where "
        "there are always more pictures; 20 suits a list of which every picture counts.",
    ))  # fmt: skip


# sources with labels of their own -------------------------------------------------------------------------------------


def labelled(project: Project, before: Params, params: Params, looked: Job | None) -> Params:
    """Under which class each label comes in, then how many of each class and which licence. Raises BadInput."""
    source = params["source"]
    add = st.checkbox(
        "Labels that are none of my classes become new classes", bool(before.get("add_classes")), key=f"become-{source}-{project.id}",
        persist_state="session", help="Otherwise such pictures are counted as failed, with the reason 'unknown class'.",
    )  # fmt: skip
    some = looked.result.get("labels", {}).get("some", []) if looked else []
    mapped = dict(before.get("mapping", {})) if _where(before) == _where(params) else {}
    if looked:
        mapped = mapping(project, looked, some, mapped, _where(params))
    else:
        kept = f" {house.count(len(mapped), 'label')} stay mapped as in the last fetch." if mapped else ""
        st.caption(
            f"*Look at 12 first* counts its labels, and then lets you say which of your classes each one is.{kept}"
        )
    more: Params = {"add_classes": add, "mapping": mapped}
    named = source == "urls" and _licensed(params["options"])
    with st.expander(f"Only some classes, how many of each,{' licence,' if named else ''} patience"):
        more["rules"] = _numbers(project, before.get("rules", {}), source)
        more["only"] = only(project, before, [*project.classes, *(_new(project, some, mapped) if add else ())], source)
        more["options"] = licence(project, before, source) if named else {}
        if not named:
            st.caption(NO_LICENCE[source])
        more["deadline"] = patience(project, before, source)
    return more


def _new(project: Project, some: Sequence[Mapping[str, Any]], mapped: Mapping[str, str]) -> list[str]:
    """The labels that become classes."""
    known = spellings([*project.classes, *mapped])
    return [row["label"] for row in some if key(row["label"]) not in known]


def _where(params: Params) -> tuple[str, ...]:
    """Whose labels they are."""
    options = params.get("options", {})
    return tuple(options.get(name, "") for name in ("table", "path", "label_column"))


def _licensed(options: Params) -> bool:
    """Whether the table says under which licence its pictures are."""
    all_of_it = settled(Options(**options))
    return bool(all_of_it.licence_column or all_of_it.attribution)


def _numbers(project: Project, before: Mapping[str, int], kind: str) -> dict[str, int]:
    """The rules of core.subset. Raises BadInput where they make no sense together."""
    asked = {
        "per_class": ("At most so many of each class", "all", "Which ones is drawn by lot, and the same ones when it is "
                      "asked again. Some of them may fail: ask for a few more than you need."),
        "min_images": ("Only classes with at least", "any number", "Classes with fewer rows are left out."),
        "max_images": ("Only classes with at most", "any number", "Classes with more rows are left out."),
    }  # fmt: skip
    found = {
        name: place.number_input(label, 1, None, before.get(name), placeholder=nothing, help=about,
                                 key=f"{name}-{kind}-{project.id}", persist_state="session")
        for place, (name, (label, nothing, about)) in zip(st.columns(3, vertical_alignment="bottom"), asked.items(), strict=True)
    }  # fmt: skip
    numbers = {name: int(number) for name, number in found.items() if number}
    Rules(numbers.get("min_images", 0), numbers.get("max_images", 0))
    return numbers


def mapping(
    project: Project, looked: Job, some: Sequence[Mapping[str, Any]], before: Mapping[str, str], where: tuple[str, ...]
) -> dict[str, str]:  # fmt: skip
    """Which class each foreign label stands for: as it was, from a table, or guessed; then corrected by hand."""
    known = spellings(project.classes)
    rows = [row for row in some if key(row["label"]) not in known]
    if not rows:
        return dict(before)
    with st.expander(_title(len(rows), len(some), looked.result["labels"]["labels"])):
        st.caption(
            "The guess stands beside each label. Empty: it stays as it is, and the box above says what becomes of it."
        )
        table = st.container()
        path = upload.uploaded(
            project, "mapping", "Or a table with the columns label and class", ["csv", "tsv"],
            about="For more labels than stand here. An empty class leaves the label out.",
        )  # fmt: skip
        given = read_mapping(path) if path else dict(before)
        begin = rows if path or not before else [{**row, "class": ""} for row in rows]  # what was emptied stays so
        mark = f"mapping-{project.id}-{zlib.crc32(repr((where, path)).encode())}"  # other labels are mapped anew
        with table:
            written = _edited(project, begin, given, mark, f"{mark}-{looked.id}")
    shown = {key(row["label"]) for row in rows}
    return {label: name for label, name in given.items() if key(label) not in shown} | written


def _title(number: int, listed: int, labels: int) -> str:
    """`listed`: how many of the labels a look ahead names, the most frequent."""
    if labels > listed:
        some = f"The {listed:,}" if number == listed else f"{number:,} of the {listed:,}"
        return f"{some} most frequent labels are none of your classes: which class is each?"
    if number == 1:
        return "1 label is none of your classes: which class is it?"
    return f"{number:,} labels are none of your classes: which class is each?"


def _edited(
    project: Project, rows: Sequence[Mapping[str, Any]], given: Mapping[str, str], mark: str, table: str
) -> dict[str, str]:  # fmt: skip
    """The table of labels, with what was written into it before: by the `given` mapping, else a guess."""
    by_key = {key(label): name or LEAVE for label, name in given.items()}
    if table not in st.session_state:  # it is drawn anew: for the first time, after a fetch, or another page
        guessed = {row["label"]: by_key.get(key(row["label"]), row["class"]) for row in rows}
        st.session_state[f"{table}-begin"] = guessed | st.session_state.get(mark, {})
    begin: dict[str, str] = st.session_state[f"{table}-begin"]
    frame = pd.DataFrame([(row["label"], row["rows"], begin[row["label"]] or None) for row in rows], columns=["label", "rows", "class"])  # fmt: skip
    names = dict.fromkeys([*project.classes, *by_key.values(), *begin.values(), LEAVE])
    names.pop("", None)
    edited = st.data_editor(
        frame, hide_index=True, disabled=["label", "rows"], key=table, column_order=["label", "class", "rows"],
        placeholder="as it is",
        column_config={"class": st.column_config.SelectboxColumn("its class", options=list(names)),
                       "rows": st.column_config.NumberColumn("rows", format="localized", width="small")},
    )  # fmt: skip
    now = dict(zip(edited["label"], edited["class"].fillna(""), strict=True))
    st.session_state[mark] = now
    return {label: "" if name == LEAVE else name for label, name in now.items() if name}
