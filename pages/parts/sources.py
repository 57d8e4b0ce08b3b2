"""The widgets of each kind of source: from clicks to the parameters of a scrape. None = something is missing still."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.licences import FILTERS
from core.model import Job, Project
from core.project import key, spellings
from core.scrape import LIMIT
from core.scrape.ask import value
from core.sources import SOURCES
from core.sources.urls import PRESETS, guess, preset, sample
from core.subset import read_mapping
from pages.parts import house

ASKED = ("openverse", "commons", "flickr", "ddgs")  # by class name, in the order they are proposed
KINDS = {  # the first choice on the page -> its name and what it means
    "search": ("Search by class name", "Ask picture collections for each of your classes."),
    "page": ("A web page", "Take the pictures of a page, or of many numbered pages."),
    "urls": ("A table of addresses", SOURCES["urls"].about),
    "folder": ("A folder", SOURCES["folder"].about),
    "archive": ("A zip or tar file", "The same as a folder, packed."),
    "demo": ("The demo's cars", SOURCES["demo"].about),
}
QUERY_HELP = (
    "{class} stands for the name of each class, so `{class} car` asks for 'sedan car', 'coupe car' and so on. Other words "
    "for a class (synonyms) are kept on the page Project."
)
Params = dict[str, Any]


def search(project: Project, before: Params) -> Params | None:
    """Sources asked in words: which, with which words, for how many pictures; as they were chosen `before`."""
    usual = [name for name in before.get("source", "").split(",") if name in ASKED] or [ASKED[0]]
    chosen = [name for name in ASKED if name in SOURCES and _ticked(name, name in usual)]
    if not chosen:
        st.caption("Tick at least one source.")
    if len(chosen) > 1:
        st.caption("They are asked in this order; the next one only for classes that the ones before left short.")
    shared = words(project, before)
    return {"source": ",".join(chosen), **shared} if chosen else None


def _ticked(name: str, usual: bool) -> bool:
    source, health = SOURCES[name], checked().get(name)
    missing = [f"WINNOW_{need.upper()}" for need in source.settings if not value(house.settings(), need)]
    said = source.about
    if missing:
        said = f"Needs the setting {' and '.join(missing)}: {source.how}"
    elif health:
        said += f" {'✓' if health['healthy'] else '✗'} {health['sentence']}"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.container(width=190):
            ticked = st.checkbox(source.title, usual and not missing, disabled=bool(missing), key=f"source-{name}")
        st.caption(house.text(said, 400), width="stretch")
    return ticked and not missing


def checked() -> dict[str, Any]:
    """source -> what the newest look at it said: healthy, sentence."""
    jobs = house.store().jobs(verb="health", limit=1)
    return jobs[0].result.get("sources", {}) if jobs and jobs[0].status == "done" else {}


def words(project: Project, before: Params, demo: bool = False) -> Params:
    """What is searched for, how many, which classes, which licences."""
    left, right = st.columns([2, 1])
    query = (
        left.text_input("What to search for", before.get("query", "{class}"), key="query", help=QUERY_HELP) or "{class}"
    )
    limit = right.number_input(
        "Pictures for each class", 1, 10_000, before.get("target") or before.get("limit") or LIMIT, step=50, key="limit",
        help="Fetch more than you need: some will be rejected.",
    )  # fmt: skip
    if "{class}" not in query and not demo:
        st.warning("Without {class} every class is asked for with the same words.")
    fill = not demo and st.toggle(
        "Go on until each class has so many", bool(before.get("target", True)), key="fill",
        help="Where downloads fail or a search brings too little, the next results, other words for the class and then "
        "the next source are asked, so that classes come out even. Off: so many results are taken, whatever comes of them.",
    )  # fmt: skip
    params: Params = {"query": query, "limit": int(limit), "target": int(limit) if fill else 0, "options": {}}
    with st.expander("Only some classes, licence, patience"):
        params |= {"only": only(project, before), "options": licence(before), "deadline": patience(before)}
    return params


def only(project: Project, before: Params) -> list[str]:
    usual = [label for label in before.get("only", ()) if label in project.classes]
    return st.multiselect(
        "Classes", project.classes, usual, key="only", placeholder="all classes", help="None chosen = all."
    )


def licence(before: Params) -> Params:
    names = {"": "any licence, also an unknown one", **FILTERS}
    usual = before.get("options", {}).get("licence", "")
    wanted = st.selectbox(
        "Licence", list(names), list(names).index(usual) if usual in names else 0, format_func=lambda name: names[name], key="licence",
        help="Pictures whose licence does not allow it are counted, with the reason 'licence', and not fetched.",
    )  # fmt: skip
    return {"licence": wanted} if wanted else {}


def patience(before: Params) -> float:
    return float(st.slider(
        "Seconds for one download", 2, 60, min(max(int(before.get("deadline", 20)), 2), 60), key="deadline",
        help="One that takes longer fails with the reason 'timeout' and can be retried. 5 suits image search, where "
        "there are always more pictures; 20 suits a list of which every picture counts.",
    ))  # fmt: skip


def page(project: Project, before: Params) -> Params | None:
    address = st.text_input(
        "Address of the page", key="address", placeholder="https://shop.example/{class}?page={1..9}",
        help="{class} stands for the name of each class, {1..9} for the numbers of pages.",
    )  # fmt: skip
    selector = st.text_input(
        "Only in this part of the page (optional)", key="selector", placeholder="main .gallery",
        help="A CSS selector. Without one, all pictures of the page count, except icons.",
    )  # fmt: skip
    label = ""
    if address and "{class}" not in address:
        label = st.selectbox("Class of its pictures", project.classes, key="page-class")
    shared = {"query": "{class}", "limit": 10_000, "deadline": 20.0, "only": [label] if label else []}
    options = {"address": address.strip(), **({"selector": selector.strip()} if selector.strip() else {})}
    return {"source": "page", **shared, "options": options} if address.strip() else None


def table(project: Project, before: Params) -> Params | None:
    """The address table: the file, then which column is which, and whether its classes are known."""
    path = file("table", ["csv", "tsv", "parquet"], "/home/me/cars.csv")
    if path is None:
        return None
    names, rows = sample(path)
    found = preset(names, rows)
    kind = st.selectbox(
        "Kind of table", ["", *PRESETS], ["", *PRESETS].index(found), key=f"preset-{path}",
        format_func=lambda name: PRESETS[name].title if name else "any table: you say which column is which",
    )  # fmt: skip
    options = _known_table(kind, names) if kind else _any_table(project, names, rows)
    return {"source": "urls", "options": {"table": str(path), **options}}


def _known_table(kind: str, names: list[str]) -> Params:
    """A table whose columns are known: which of them is the class, and the files beside it."""
    known = PRESETS[kind]
    st.caption(known.wants)
    usual = known.columns["label_column"]
    label = st.selectbox("Column with the classes", names, names.index(usual) if usual in names else 0)
    options: Params = {"preset": kind, "label_column": label}
    if known.images:
        folder = st.text_input(
            "Folder of the pictures", placeholder=f"the folder {known.images} beside the table", key="images"
        )
        options |= {"images": str(Path(folder.strip()).expanduser())} if folder.strip() else {}
    elif kind == "landmarks-v2":
        table = st.text_input("Path of train_attribution.csv (optional)", key="attribution",
                              help="It says whose each picture is, and under which licence.")  # fmt: skip
        options |= {"attribution": str(Path(table.strip()).expanduser())} if table.strip() else {}
    return options


def _any_table(project: Project, names: list[str], rows: list[list[str]]) -> Params:
    urls, labels = guess(names, rows, project.classes)
    left, right = st.columns(2)
    url = left.selectbox(
        "Column with the addresses", names, names.index(urls),
        help="Web addresses of pictures, or names of files in a folder.",
    )  # fmt: skip
    label = right.selectbox(
        "Column with the classes", names, names.index(labels), help="What each picture is said to show."
    )
    shown = {name: [row[names.index(name)] for row in rows] for name in (url, label)}
    st.dataframe(pd.DataFrame(shown).head(3), hide_index=True)
    _known(project, shown[label])
    nothing = "(none)"
    with st.expander("More columns, or pictures on this computer"):
        images = st.text_input(
            "Folder of the pictures (optional)", placeholder="/home/me/images", key="images",
            help="Where the table names files instead of web addresses.",
        )  # fmt: skip
        picked = {
            name: st.selectbox(
                f"Column with the {name}", [nothing, *names], names.index(name) + 1 if name in names else 0,
                help="Kept beside the picture, if you have it.",
            )
            for name in ("page", "creator", "licence")
        }  # fmt: skip
    more = {f"{name}_column": choice for name, choice in picked.items() if choice != nothing}
    if images.strip():
        more["images"] = str(Path(images.strip()).expanduser())
    return {"url_column": url, "label_column": label, **more}


def _known(project: Project, labels: list[str]) -> None:
    classes, of = spellings(project.classes), house.count(len(labels), "row")
    known = sum(key(label) in classes for label in labels)
    if labels and not known:
        st.warning(
            f"None of the first {of} has a class of this project in this column, but for example"
            f" {house.text(labels[0], 60) or 'nothing'}. Choose another column, or let new labels become classes."
        )
    else:
        st.caption(
            f"Of the first {of}, {known:,} have a class of this project." if labels else "The table has no rows."
        )


def file(what: str, types: list[str], example: str) -> Path | None:
    """A file that is uploaded, or lies on this computer."""
    how = st.segmented_control(
        f"Where is the {what}?", ["Upload it", "It lies on this computer"], default="Upload it", required=True, key=what
    )
    if how == "Upload it":
        given = st.file_uploader(", ".join(types), type=types, key=f"upload-{what}")
        return keep(given.name, given.getvalue()) if given else None
    written = st.text_input(f"Path of the {what}", placeholder=example, key=f"path-{what}")
    return Path(written.strip()).expanduser() if written.strip() else None


def keep(name: str, data: bytes) -> Path:
    """An uploaded file under a name of our own: the job reads it later, from disk."""
    end = (
        "".join(Path(name).suffixes[-2:]).lower()
        if name.lower().endswith((".gz", ".xz", ".bz2"))
        else Path(name).suffix.lower()
    )
    path = house.settings().home.absolute() / "uploads" / f"{hashlib.sha256(data).hexdigest()[:32]}{end}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(data)
    return path


def folder(project: Project, before: Params) -> Params | None:
    written = st.text_input(
        "Path of the folder", placeholder="/home/me/pictures", key="folder",
        help="Each picture's own folder is its class. Folders named train, val or test above that are kept as parts.",
    )  # fmt: skip
    return {"source": "folder", "options": {"path": str(Path(written).expanduser())}} if written.strip() else None


def archive(project: Project, before: Params) -> Params | None:
    path = file("archive", ["zip", "tar", "gz", "tgz", "xz", "bz2"], "/home/me/cars.zip")
    return {"source": "archive", "options": {"path": str(path)}} if path else None


def rules(project: Project, before: Params, looked: Job | None) -> Params:
    """For sources with labels of their own: which labels, how many of each, and under which class."""
    add = st.checkbox(
        "Labels that are none of my classes become new classes", key="add",
        help="Otherwise such pictures are counted as failed, with the reason 'unknown class'.",
    )  # fmt: skip
    params: Params = {"add_classes": add}
    with st.expander("Only some of it: how many of each class, which licence"):
        columns = st.columns(3)
        numbers = {
            "min_images": columns[0].number_input("Only labels with at least", 0, key="min", help="0 = no bound."),
            "max_images": columns[1].number_input("… and at most so many rows", 0, key="max", help="0 = no bound."),
            "per_class": columns[2].number_input("Take of each label at most", 0, key="per", help="0 = all. Which ones is "
                                                 "drawn by lot, and the same ones when it is asked again."),
        }  # fmt: skip
        if looked:
            params["only"] = st.multiselect(
                "Only these labels", [row["label"] for row in looked.result.get("labels", {}).get("some", [])],
                key="labels", placeholder="all labels", accept_new_options=True,
            )  # fmt: skip
        params["rules"] = {name: int(number) for name, number in numbers.items() if number}
        params["options"] = licence(before)
        params["deadline"] = patience(before)
    if looked:
        params["mapping"] = mapping(project, looked)
    return params


def mapping(project: Project, looked: Job) -> dict[str, str]:
    """Which class each foreign label stands for: proposed, and corrected by hand."""
    some = looked.result.get("labels", {}).get("some", [])
    known = spellings(project.classes)
    rows = [row for row in some if key(row["label"]) not in known]
    if not rows:
        return {}
    leave = "(leave out)"
    with st.expander(f"{house.count(len(rows), 'label')} that are none of your classes: which class is each?"):
        st.caption("The guess stands beside each label. Empty = as it is; see the checkbox above.")
        edited = st.data_editor(
            pd.DataFrame(rows, columns=["label", "rows", "class"]), hide_index=True, disabled=["label", "rows"],
            column_config={"class": st.column_config.SelectboxColumn("class", options=[*project.classes, leave])},
            key=f"mapping-{looked.id}",
        )  # fmt: skip
        written = st.file_uploader(
            "Or a table with the columns label and class", type=["csv", "tsv"], key="mapping",
            help="For more labels than stand here. An empty class leaves the label out.",
        )  # fmt: skip
    if written:
        return read_mapping(keep(written.name, written.getvalue()))
    return {
        row["label"]: "" if row["class"] == leave else row["class"] for row in edited.to_dict("records") if row["class"]
    }
