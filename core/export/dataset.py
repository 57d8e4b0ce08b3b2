"""A data set: its pictures copied byte for byte into one of the forms, with their credits, card and certificate.

Pictures are named by their SHA-256. One that lies there with its size is not copied again, so an export that was stopped
or killed goes on where it was, and one made anew copies what is new; what no longer belongs goes at the end.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import credits, orphans
from core.errors import BadInput, Damaged, Missing, WinnowError
from core.export import card, huggingface, place
from core.export.chosen import Chosen, Picture
from core.export.layouts import LAYOUTS, Layout
from core.export.names import folders
from core.model import PARTS, Progress
from core.review import certificate
from core.whole import write

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.model import Project
    from db.store import Store

PICTURE = re.compile(r"[0-9a-f]{64}\.\w+")
SHOWN = 20  # failures that a result names one by one


def check(folder: Path, form: str, chosen: Chosen) -> dict[str, Any]:
    """See that the export may go there: see `core.export.place.opened`."""
    layout = LAYOUTS[form]
    words = {name: "a folder" for name in (*layout.top(chosen), "annotations")} | {
        name: "a file" for name in (layout.card, "images.csv", "images.parquet", "classes.json", *credits.FILES)
    }
    return place.opened(folder, chosen.project.name, form, words)


def dataset(
    store: Store, blobs: Blobs, project: Project, form: str, folder: Path, wanted: str = ""
) -> Generator[Progress, None, dict[str, Any]]:
    """Export into the folder, in a form of LAYOUTS; `wanted`: see `Chosen`.

    A picture that is not there or has changed on disk is counted with its reason. Raises BadInput where nothing can be
    exported, or the folder cannot take it.
    """
    chosen, layout = Chosen(store, project, wanted), LAYOUTS[form]
    earlier = check(folder, form, chosen)
    told, failed, copied, paths = card.Told(chosen), [], 0, set[str]()
    about = {"split": chosen.split.id if chosen.split else None, "licence": wanted}
    yield Progress(0, chosen.most, "getting ready")
    with place.writing(folder):
        place.mark(folder, project.name, form, {**about, "finished": False})
        with layout.open(folder, chosen) as out:
            for done, picture in enumerate(chosen, start=1):
                file = out.at(picture)
                try:
                    copied += copy(blobs, picture, place.inside(folder, file))
                except (Missing, Damaged) as error:
                    failed.append((picture.record.id, error))
                    continue
                out.add(picture, file)
                told.add(picture)
                if earlier:
                    paths.add(file)
                yield Progress(done, chosen.most, f"copying pictures, {told.bytes / 1e6:,.0f} MB so far")
        if not told.pictures:
            raise BadInput(_none(chosen, failed))
        yield Progress(chosen.most, chosen.most, "writing credits and card")
        missing = {image for image, _ in failed}
        again = ((replace(one.record, label=one.label), one.origins) for one in chosen if one.record.id not in missing)
        credits.write(again, folder, project.name)
        files = [*out.files, *credits.FILES, layout.card]
        files += [Path(file).name for file in certificate.export(store, project, folder)]
        _card(store, folder, form, layout, told, len(failed))
        place.drop(folder, earlier, files)
        if earlier:
            _sweep(folder, chosen, paths)
        result = {
            **about, "images": told.pictures, "copied": copied, "bytes": told.bytes, "parts": told.parts(),
            "left_out": dict(chosen.left_out), "failed": len(failed), "failures": _reasons(failed),
        }  # fmt: skip
        place.mark(folder, project.name, form, {**result, "finished": True, "files": place.listed(folder, files)})
    names = [*files, place.MARKER, *(each for each in layout.top(chosen) if (folder / each).is_dir())]
    errors = [{"image": image, "error": str(error)} for image, error in failed[:SHOWN]]
    return {
        "files": [str(folder / name) for name in names],
        "folder": str(folder),
        "format": form,
        **result,
        "errors": errors,
    }


def copy(blobs: Blobs, picture: Picture, path: Path) -> bool:
    """Whether the picture had to be copied: one that is there with the right size is left as it is.

    Raises Missing or Damaged where its bytes are not there any more, or not those that were fetched.
    """
    try:
        if path.stat().st_size == picture.record.facts.size:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    data = blobs.get(picture.record.facts.sha256, verify=True)
    write(path, data)
    return True


def _none(chosen: Chosen, failed: list[tuple[int, WinnowError]]) -> str:
    if failed:
        return f"None of {len(failed):,} pictures could be exported. {failed[0][1]}"
    wanted = (
        f"No picture passes the filter --licence {chosen.wanted}" if chosen.wanted else "No picture is left to export"
    )
    return (
        f"{wanted}: {chosen.left_out['rejected']:,} are rejected, {chosen.left_out['licence']:,} have another licence."
    )


def _card(store: Store, folder: Path, form: str, layout: Layout, told: card.Told, failed: int) -> None:
    text = card.text(store, told, failed, form)
    if form == "huggingface":
        chosen = told.chosen
        text = huggingface.front(chosen.project.name, chosen.classes, told.parts(), list(told.licences)) + text
    write(folder / layout.card, text.encode("utf-8", "replace"))


def _sweep(folder: Path, chosen: Chosen, keep: set[str]) -> None:
    """Take out the pictures of an earlier export that are none of this one: rejected, given another class, left out. A
    folder of a class that is no more goes with them, and so does what a killed export was still writing."""
    classes = {*folders(chosen.classes).values()}
    orphans.remove(folder, 0)
    for top in (*PARTS, "images", "data", "annotations"):
        for where, _, names in os.walk(folder / top, topdown=False):
            here = Path(where)
            orphans.remove(here, 0)  # nobody else writes here: a project has one export at a time
            for name in names:
                if PICTURE.fullmatch(name) and (here / name).relative_to(folder).as_posix() not in keep:
                    (here / name).unlink()
            if here.name not in classes and not any(here.iterdir()):
                here.rmdir()


def _reasons(failed: list[tuple[int, WinnowError]]) -> dict[str, int]:
    words = {Missing: "not on disk", Damaged: "changed on disk"}
    return dict(Counter(words[type(error)] for _, error in failed))
