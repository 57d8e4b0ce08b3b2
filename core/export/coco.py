"""COCO's annotations (cocodataset.org, "Data format"): images, annotations, categories, licences, as a JSON for each part.

Every picture has one annotation: its crop box, or the whole picture where it has none. Lines wait on disk, not in memory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from core import credits
from core.export.chosen import Picture

WHOLE = (
    "Each image has one annotation: the box of what counts in it, or the whole image where no box was chosen. Width, height "
    "and boxes are pixels of the image as it is seen, turned as its EXIF orientation says."
)


@contextmanager
def instances(path: Path, classes: tuple[str, ...], about: str) -> Iterator[Callable[[Picture, str], None]]:
    """Write `add(picture, file)` of each to an `instances_*.json`; `about` says what the data set is."""
    licences: dict[tuple[str, str], int] = {}
    categories = {label: number for number, label in enumerate(classes, start=1)}
    with path.open("wb") as file, TemporaryFile(dir=path.parent) as boxes:
        info = {"description": about, "note": WHOLE, "version": "1.0", "year": datetime.now(UTC).year,
                "contributor": "made with Winnow", "date_created": datetime.now(UTC).strftime("%Y/%m/%d")}  # fmt: skip
        file.write(b'{"info": ' + _json(info) + b',\n"images": [')
        between = b"\n"

        def add(picture: Picture, name: str) -> None:
            nonlocal between
            facts = credits.row(picture.record, picture.origins)
            key = (facts["licence"], facts["licence_url"])
            number = licences.setdefault(key, len(licences) + 1)
            file.write(between + _json(_image(picture, name, facts, number)))
            boxes.write(between + _json(_annotation(picture, categories[picture.label])))
            between = b",\n"

        yield add
        file.write(b'\n],\n"annotations": [')
        boxes.seek(0)
        shutil.copyfileobj(boxes, file)
        named = [{"id": number, "name": label, "supercategory": ""} for label, number in categories.items()]
        terms = [{"id": number, "name": name, "url": url} for (name, url), number in licences.items()]
        file.write(b'\n],\n"categories": ' + _json(named) + b',\n"licenses": ' + _json(terms) + b"}\n")


def _image(picture: Picture, name: str, facts: dict[str, Any], licence: int) -> dict[str, Any]:
    record = picture.record
    return {
        "id": record.id, "file_name": name, "width": record.facts.width, "height": record.facts.height, "license": licence,
        "date_captured": facts["fetched"], "coco_url": credits.web(facts["url"]), "sha256": record.facts.sha256,
        "attribution": facts["attribution"],
    }  # fmt: skip


def _annotation(picture: Picture, category: int) -> dict[str, Any]:
    facts = picture.record.facts
    left, top, right, bottom = picture.box or (0.0, 0.0, float(facts.width), float(facts.height))
    left, right = (min(max(at, 0.0), float(facts.width)) for at in (left, right))
    top, bottom = (min(max(at, 0.0), float(facts.height)) for at in (top, bottom))
    width, height = right - left, bottom - top
    return {
        "id": picture.record.id, "image_id": picture.record.id, "category_id": category, "bbox": [left, top, width, height],
        "area": width * height, "iscrowd": 0, "segmentation": [],
    }  # fmt: skip


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
