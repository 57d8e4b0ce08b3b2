"""The forms of a data set. Each says where a picture goes and what is written of it, and is whole at its end or not there.

A new form is a function here and a line in `LAYOUTS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.credits import file_name
from core.export import coco, huggingface, rows
from core.export.chosen import Chosen, Picture
from core.export.names import folders
from core.export.place import inside
from core.whole import whole, write


@dataclass(frozen=True, slots=True)
class Out:
    """Where pictures go."""

    at: Callable[[Picture], str]  # path of the picture's file in the folder, with /
    add: Callable[[Picture, str], None]  # a picture that lies at that path now
    files: tuple[str, ...]  # what is written beside the pictures


@dataclass(frozen=True, slots=True)
class Layout:
    """A form of a data set."""

    open: Callable[[Path, Chosen], AbstractContextManager[Out]]
    top: Callable[[Chosen], tuple[str, ...]]  # folders with pictures, at the top of the export
    about: str  # what it is good for, in a sentence or two
    card: str = "DATASET_CARD.md"  # what its card is called


@contextmanager
def imagefolder(folder: Path, chosen: Chosen) -> Iterator[Out]:
    """`train/<class>/<sha256>.jpg`, with every class in every part, so that they count alike everywhere."""
    of = folders(chosen.classes)
    for part in chosen.parts:
        for name in of.values():
            inside(folder, part, name).mkdir(parents=True, exist_ok=True)
    named = {name: label for label, name in of.items()}
    write(folder / "classes.json", (json.dumps(named, indent=1, ensure_ascii=False) + "\n").encode())
    with whole(folder / "images.csv") as path, rows.to_csv(path) as add:
        yield Out(
            lambda one: f"{one.part}/{of[one.label]}/{file_name(one.record)}",
            lambda one, file: add(rows.row(one, file)),
            ("images.csv", "classes.json"),
        )


@contextmanager
def csv(folder: Path, chosen: Chosen) -> Iterator[Out]:
    with whole(folder / "images.csv") as path, rows.to_csv(path) as add:
        yield Out(_by_part, lambda one, file: add(rows.row(one, file)), ("images.csv",))


@contextmanager
def parquet(folder: Path, chosen: Chosen) -> Iterator[Out]:
    with whole(folder / "images.parquet") as path, rows.to_parquet(path, rows.schema()) as add:
        yield Out(_by_part, lambda one, file: add(rows.row(one, file)), ("images.parquet",))


@contextmanager
def annotated(folder: Path, chosen: Chosen) -> Iterator[Out]:
    """COCO: `images/train/<sha256>.jpg` and `annotations/instances_train.json`."""
    inside(folder, "annotations").mkdir(exist_ok=True)
    add: dict[str, Callable[[Picture, str], None]] = {}
    with ExitStack() as stack:
        for part in chosen.parts:
            path = stack.enter_context(whole(folder / "annotations" / f"instances_{part}.json"))
            about = f"{chosen.project.name}, part {part}"
            add[part] = stack.enter_context(coco.instances(path, chosen.classes, about))
        yield Out(
            _by_part,
            lambda one, file: add[one.part](one, file_name(one.record)),
            tuple(f"annotations/instances_{part}.json" for part in chosen.parts),
        )


@contextmanager
def hub(folder: Path, chosen: Chosen) -> Iterator[Out]:
    """Hugging Face: `data/train/<sha256>.jpg` and `data/train/metadata.parquet`, as the hub's ImageFolder reads them."""
    add: dict[str, rows.Add] = {}
    of = {label: number for number, label in enumerate(chosen.classes)}
    with ExitStack() as stack:
        for part in chosen.parts:
            inside(folder, "data", part).mkdir(parents=True, exist_ok=True)
            path = stack.enter_context(whole(folder / "data" / part / "metadata.parquet"))
            add[part] = stack.enter_context(rows.to_parquet(path, huggingface.schema(chosen.classes)))
        yield Out(
            lambda one: f"data/{one.part}/{file_name(one.record)}",
            lambda one, file: add[one.part](huggingface.row(one, file_name(one.record), of[one.label])),
            tuple(f"data/{part}/metadata.parquet" for part in chosen.parts),
        )


def _by_part(one: Picture) -> str:
    return f"images/{one.part}/{file_name(one.record)}"


LAYOUTS: Mapping[str, Layout] = {
    "imagefolder": Layout(imagefolder, lambda chosen: chosen.parts, (
        "A folder for each class in a folder for each part: what PyTorch, Keras and fastai read without a line of code.")),
    "csv": Layout(csv, lambda _: ("images",), (
        "The pictures by part, and a table with a row for each (class, box, source, author, licence) that any spreadsheet opens.")),
    "parquet": Layout(parquet, lambda _: ("images",), (
        "The same table as Parquet: smaller and quicker to read with pandas, Polars or DuckDB, for large sets.")),
    "coco": Layout(annotated, lambda _: ("images",), (
        "COCO's JSON with a box for each picture: what detectors and annotation tools read.")),
    "huggingface": Layout(hub, lambda _: ("data",), (
        "Laid out for the Hugging Face hub, its card with it: upload the folder, and load_dataset reads it."), "README.md"),
}  # fmt: skip
