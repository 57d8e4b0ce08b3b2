"""The widgets of each kind of source: from clicks to the parameters of a scrape. None = something is missing still.

What is chosen stays while a fetch runs and another page is looked at; after that, and in another tab, the form shows
what the last fetch from such a source asked for (`before`).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import BadInput
from core.model import ClassInfo, Project
from core.project import key, spellings
from core.scrape.ask import value
from core.sources import SOURCES
from core.sources.archive import SUFFIXES
from core.sources.urls import PRESETS, guess, preset, sample
from pages.parts import house, rules, upload

ASKED = ("openverse", "commons", "flickr", "ddgs")  # by class name, in the order they are proposed
KINDS = {  # the first choice on the page -> its name and what it means
    "search": ("Search by class name", "Ask picture collections for each of your classes."),
    "page": ("A web page", "Take the pictures of a page, or of many numbered pages."),
    "urls": ("A table of addresses", "CSV, TSV or Parquet, with the address of a picture and its class in each row."),
    "folder": ("A folder", "Pictures on this computer: each picture's own folder is its class."),
    "archive": ("A zip or tar file", "A folder of pictures, packed: each picture's own folder is its class."),
    "demo": ("The demo's cars", SOURCES["demo"].about),
}
QUERY_HELP = (
    "{class} stands for the name of each class, so `{class} car` asks for 'sedan car', 'coupe car' and so on. Other words "
    "for a class (synonyms) are kept on the page Project."
)
ORDER = (
    "Tick at least one source.",
    "With several, the next one is asked only for classes that the ones before left short.",
    "They are asked in this order; the next one only for classes that the ones before left short.",
)
SET = "Write it into a file .env in the folder that you start Winnow in, and start it again."
Params = dict[str, Any]


def kind(params: Mapping[str, Any]) -> str:
    """The first choice that led to these parameters."""
    source = params.get("source", "").partition(",")[0]
    return "search" if source in ASKED else source


def search(project: Project, before: Params) -> Params | None:
    """Sources asked in words: which, with which words, for how many pictures."""
    usual = [name for name in before.get("source", "").split(",") if name in ASKED] or [ASKED[0]]
    chosen = [name for name in ASKED if name in SOURCES and _ticked(project, name, name in usual)]
    st.caption(ORDER[min(len(chosen), 2)])  # always a line, so that the buttons do not move from under a press
    params = words(project, before, "search")
    if "ddgs" in chosen and params["options"]:
        raise BadInput(
            "DuckDuckGo knows no licences, so none of its pictures would pass: untick it, or take any licence."
        )
    return {"source": ",".join(chosen), **params} if chosen else None


def _ticked(project: Project, name: str, usual: bool) -> bool:
    source, health = SOURCES[name], checked().get(name)
    missing = [f"WINNOW_{need.upper()}" for need in source.settings if not value(house.settings(), need)]
    said, about = source.about, ""
    if missing:
        said, about = f"Needs the setting {' and '.join(missing)}.", f"{source.about} It needs {source.how} {SET}"
    elif health:
        said += f" {'✓' if health['healthy'] else '✗'} {health['sentence']}"
    left, right = st.columns(
        [1, 3], gap="small", vertical_alignment="center"
    )  # not in a row that wraps: a long sentence would stand below its box
    ticked = left.checkbox(
        source.title,
        usual and not missing,
        disabled=bool(missing),
        key=f"ask-{name}-{project.id}",
        persist_state="session",
    )
    right.caption(house.text(said, 400), help=house.text(about, 600) or None)
    return ticked and not missing


def checked() -> dict[str, Any]:
    """source -> what the newest look at it said: healthy, sentence."""
    jobs = house.store().jobs(verb="health", limit=1)
    return jobs[0].result.get("sources", {}) if jobs and jobs[0].status == "done" else {}


def words(project: Project, before: Params, of: str) -> Params:
    """What is searched for, how many, which classes, which licences."""
    left, right = st.columns([2, 1])
    query = left.text_input(
        "What to search for", before.get("query", "{class}"), key=f"query-{project.id}", help=QUERY_HELP,
        persist_state="session",
    ) or "{class}"  # fmt: skip
    params = {"query": query} | rules.amount(project, before, of, right)
    if of != "demo":
        st.markdown(f":small[{_example(project, query)}]")
    return params | more(project, before, of)


def _example(project: Project, query: str) -> str:
    """What the words mean: always one line, so that the buttons below do not move when other words are written."""
    if "{class}" not in query:
        return ":orange[Without {class} every class is asked for with the same words.]"
    label = project.classes[0]
    word = next(iter(project.infos.get(label, ClassInfo()).queries), label)
    return f":gray[The first class is asked for as '{house.text(query.replace('{class}', word), 60)}'.]"


def more(project: Project, before: Params, of: str, label: str = "") -> Params:
    """What is asked for seldom; `label`: the class that was chosen already."""
    with st.expander("Only some classes, licence, patience" if not label else "Licence, patience"):
        only = [label] if label else rules.only(project, before, project.classes, of)
        return {
            "only": only,
            "options": rules.licence(project, before, of),
            "deadline": rules.patience(project, before, of),
        }


def demo(project: Project, before: Params) -> Params:
    return {"source": "demo", **words(project, before, "demo")}


def written(title: str, was: str, mark: str, example: str = "", about: str = "") -> str:
    """A line of text that stays; "" where there is none."""
    text = st.text_input(title, was, key=mark, placeholder=example, help=about or None, persist_state="session")
    return (text or "").strip()


def page(project: Project, before: Params) -> Params | None:
    was = before.get("options", {})
    address = written(
        "Address of the page", was.get("address", ""), f"address-{project.id}", "https://shop.example/{class}?page={1..9}",
        "{class} stands for the name of each class, {1..9} for the numbers of pages.",
    )  # fmt: skip
    left, right = st.columns([2, 1])
    with left:
        selector = written(
            "Only in this part of the page (optional)", was.get("selector", ""), f"selector-{project.id}", "main .gallery",
            "A CSS selector. Without one, all pictures of the page count, except icons.",
        )  # fmt: skip
    wanted = rules.amount(project, before, "page", right)
    label = ""
    if address and "{class}" not in address:
        usual = [each for each in before.get("only", ()) if each in project.classes] or [project.classes[0]]
        label = st.selectbox(
            "Class of its pictures", project.classes, project.classes.index(usual[0]), key=f"page-class-{project.id}",
            persist_state="session",
        )  # fmt: skip
    params = {"query": "{class}", **wanted, **more(project, before, "page", label)}
    params["options"] |= {"address": address, **({"selector": selector} if selector else {})}
    return {"source": "page", **params} if address else None


def table(project: Project, before: Params) -> Params | None:
    """The address table: the file, then which column is which, and whether its classes are known."""
    was = before.get("options", {})
    path = upload.file(
        project, "table", "A table: .csv, .tsv or .parquet", ["csv", "tsv", "parquet"], "/home/me/cars.csv",
        was.get("table", ""),
    )  # fmt: skip
    if path is None:
        return None
    names, rows = sample(path)
    was = was if was.get("table") == str(path) else {}
    found = was.get("preset", "") if was else preset(names, rows)
    mark = f"{project.id}-{zlib.crc32(str(path).encode())}"  # another table has columns of its own
    chosen = st.selectbox(
        "Kind of table", ["", *PRESETS], ["", *PRESETS].index(found), key=f"preset-{mark}", persist_state="session",
        format_func=lambda name: PRESETS[name].title if name else "any table: you say which column is which",
    )  # fmt: skip
    options = _known_table(chosen, names, was, mark) if chosen else _any_table(project, names, rows, was, mark)
    return {"source": "urls", "options": {"table": str(path), **options}}


def _known_table(kind: str, names: list[str], was: Params, mark: str) -> Params:
    """A table whose columns are known: which of them is the class, and the files beside it."""
    known = PRESETS[kind]
    st.caption(known.wants)
    label = _column(
        "Column with the classes", names, was.get("label_column", known.columns["label_column"]), f"classes-{mark}"
    )
    options: Params = {"preset": kind, "label_column": label}
    if known.images:
        options |= _folder("Folder of the pictures", f"the folder {known.images} beside the table", was, mark)
    elif kind == "landmarks-v2":
        path = written(
            "Path of train_attribution.csv (optional)", was.get("attribution", ""), f"attribution-{mark}",
            about="It says whose each picture is, and under which licence.",
        )  # fmt: skip
        if path and not Path(path).expanduser().is_file():
            raise BadInput(f"There is no file {path!r} on the computer that Winnow runs on.")
        options |= {"attribution": str(Path(path).expanduser())} if path else {}
    if known.files:
        options |= _folder(
            "Folder of the pictures (optional)", "/home/me/train", was, mark,
            "Where you have them already. Without one they are fetched from their addresses.",
        )  # fmt: skip
    return options


def _column(title: str, names: list[str], usual: str, mark: str, about: str = "") -> str:
    return st.selectbox(
        title, names, names.index(usual) if usual in names else 0, key=mark, help=about or None, persist_state="session"
    )  # fmt: skip


def _folder(title: str, example: str, was: Params, mark: str, about: str = "") -> Params:
    """Where the pictures lie that a table names. Raises BadInput where there is no such folder."""
    path = written(title, was.get("images", ""), f"images-{mark}", example, about)
    return {"images": _there(path)} if path else {}


def _there(folder: str) -> str:
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise BadInput(f"There is no folder {folder!r} on the computer that Winnow runs on.")
    return str(path)


def _any_table(project: Project, names: list[str], rows: list[list[str]], was: Params, mark: str) -> Params:
    urls, labels = guess(names, rows, project.classes)
    left, right = st.columns(2)
    with left:
        url = _column("Column with the addresses", names, was.get("url_column", urls), f"addresses-{mark}",
                      "Web addresses of pictures, or names of files in a folder.")  # fmt: skip
    with right:
        label = _column("Column with the classes", names, was.get("label_column", labels), f"classes-{mark}",
                        "What each picture is said to show.")  # fmt: skip
    shown = {name: [row[names.index(name)] for row in rows] for name in (url, label)}
    st.dataframe(pd.DataFrame(shown).head(3), hide_index=True)
    _known(project, shown[label])
    nothing = "(none)"
    with st.expander("More columns, or pictures on this computer"):
        options = _folder(
            "Folder of the pictures (optional)", "/home/me/images", was, mark,
            "Where the table names files instead of web addresses.",
        )  # fmt: skip
        for place, name in zip(st.columns(3), ("licence", "creator", "page"), strict=True):
            usual = was.get(f"{name}_column", nothing if was else name)
            with place:
                found = _column(f"Column with the {name}", [nothing, *names], usual, f"{name}-{mark}",
                                "Kept beside the picture, if you have it.")  # fmt: skip
            options |= {f"{name}_column": found} if found != nothing else {}
    return {"url_column": url, "label_column": label, **options}


def _known(project: Project, labels: list[str]) -> None:
    """Whether the column with the classes is the right one."""
    classes = spellings(project.classes)
    known = sum(key(label) in classes for label in labels)
    first = "the first row" if len(labels) == 1 else f"the first {len(labels):,} rows"
    if not labels:
        st.caption("The table has no rows.")
    elif not known:
        st.warning(
            f"No class of this project stands in this column in {first}, but for example"
            f" {house.text(labels[0], 60) or 'nothing'}. Choose another column, or look at 12 first and say which class each label is."
        )
    elif known == len(labels):
        st.caption(
            f"A class of this project stands in {first}."
            if known == 1
            else f"Each of {first} has a class of this project."
        )
    else:
        st.caption(f"Of {first}, {known:,} {'has' if known == 1 else 'have'} a class of this project.")


def folder(project: Project, before: Params) -> Params | None:
    path = written(
        "Path of the folder", before.get("options", {}).get("path", ""), f"folder-{project.id}", "/home/me/pictures",
        "Folders named train, val or test above those of the classes are kept as parts.",
    )  # fmt: skip
    return {"source": "folder", "options": {"path": _there(path)}} if path else None


def archive(project: Project, before: Params) -> Params | None:
    path = upload.file(
        project, "archive", "A .zip or .tar file (or .tar.gz, .tar.bz2, .tar.xz)", ["zip", "tar", "gz", "tgz", "xz", "bz2"],
        "/home/me/cars.zip", before.get("options", {}).get("path", ""),
    )  # fmt: skip
    if path and not path.name.lower().endswith(SUFFIXES):
        raise BadInput(
            f"{path.name!r} is no archive that can be read: wanted {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    return {"source": "archive", "options": {"path": str(path)}} if path else None
