"""Answers as the rows of a table, which a spreadsheet may open; and what the command line says of files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import Refused
from core.export.tables import cell, write_csv
from core.model import Prediction
from core.predict import Asked, Predictor
from core.predict.pictures import found

COLUMNS = ("id", "label", "confidence", "known", "error")


def row(name: str, said: Prediction | Refused) -> dict[str, Any]:
    """COLUMNS of one picture: `label` is the nearest class, also where it is not `known` ("none of these"); of one that
    could not be asked about `error` says why, and the rest is empty."""
    if isinstance(said, Refused):
        return {"id": name, "label": "", "confidence": "", "known": "", "error": str(said)}
    return {"id": name, "label": said.label, "confidence": f"{said.confidence:.4f}", "known": "yes" if said.known else "no",
            "error": ""}  # fmt: skip


def line(cells: Iterable[Any]) -> str:
    """One line of CSV: no formula for a spreadsheet, and no line break within it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(
        [cell(" ".join(c.split()) if isinstance(c, str) else c) for c in cells]
    )
    return out.getvalue()


def files(predictor: Predictor, paths: Sequence[str]) -> dict[str, Any]:
    """What the models say of image files, of all files in folders, and of those in .zip files.

    {"images": [...], "failed": [{image, error}]}: a file that is no picture is counted with its reason. Raises BadInput
    for a path that does not exist.
    """
    images: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for asked in predictor.ask(found(paths)):
        if isinstance(asked.said, Refused):
            failed.append({"image": asked.name, "error": str(asked.said)})
        else:
            images.append({"image": asked.name, **_told(asked.said)})
    return {"images": images, "failed": failed}


def _told(said: Prediction) -> Mapping[str, Any]:
    return {
        "label": said.label, "confidence": said.confidence, "probabilities": said.probabilities, "known": said.known,
        "strangeness": said.strangeness, "why": said.why,
        "models": said.models, "seconds": said.seconds, **({"box": said.box} if said.box else {}),
    }  # fmt: skip


def file(predictor: Predictor, paths: Sequence[str], to: Path) -> dict[str, Any]:
    """The same as a CSV with COLUMNS, written while it is asked, so that memory does not grow with the pictures.

    {"answers": the file, "images": how many were answered, "failed": how many were not, "error": why the first was not}.
    Raises BadInput as `files`, and where the file cannot be written.
    """
    told: dict[str, Any] = {"answers": str(to), "images": 0, "failed": 0, "error": ""}

    def counted(asked: Asked) -> dict[str, Any]:
        now = row(asked.name, asked.said)
        told["failed" if now["error"] else "images"] += 1
        told["error"] = told["error"] or now["error"]
        return now

    write_csv(to, COLUMNS, map(counted, predictor.ask(found(paths))))
    return told
