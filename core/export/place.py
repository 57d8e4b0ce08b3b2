"""The folder of an export: whose it is, and what may be written there.

`export.json` in it says what it holds. It is written when the work begins (`finished: false`) and again at its end, so
that a later export knows whether it may go on there, and which files of an earlier one have to go.
"""

from __future__ import annotations

import errno
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import BadInput, Damaged
from core.whole import write

MARKER = "export.json"
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """What the file system says no to becomes one sentence that names the folder. Raises BadInput."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise BadInput(
                f"The disk of {str(folder)!r} is full: free some space and export again; what is there is not copied anew."
            ) from None
        raise BadInput(f"The export cannot be written to {str(folder)!r}: {error.strerror or error}.") from None


def opened(folder: Path, project: str, form: str, names: Mapping[str, str]) -> dict[str, Any]:
    """What an earlier export of the same form and project left there, {} for none; the folder is made where it is missing.

    `names`: what this export is going to write at the top of the folder -> what that is, in a word.
    Raises BadInput for a folder that holds another export, or something of that name that is none of Winnow's.
    """
    with writing(folder):
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"{str(folder)!r} is a file: wanted a folder, which is made where it is missing.")
        folder.mkdir(parents=True, exist_ok=True)
        found = said(folder)
        if found and (found.get("project"), found.get("format")) != (project, form):
            raise BadInput(
                f"The folder {str(folder)!r} holds another export ({found.get('format')} of {found.get('project')!r}): "
                "choose another folder."
            )
        there = [name for name in names if not found and (folder / name).exists()]
        if there:
            raise BadInput(
                f"The folder {str(folder)!r} holds {names[there[0]]} {there[0]!r} already, which no {form} export of this "
                "project wrote: choose another folder."
            )
        (folder / f"{MARKER}.{uuid.uuid4().hex}.part").touch()  # whether one may write there is told before the work
        for part in folder.glob(f"{MARKER}.*.part"):
            part.unlink(missing_ok=True)
        return found


def said(folder: Path) -> dict[str, Any]:
    """What `export.json` in the folder says; {} where there is none. Raises Damaged for one that is no such JSON."""
    try:
        found = json.loads((folder / MARKER).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Damaged(f"{folder / MARKER} is no JSON that Winnow wrote: choose another folder.")
    return found


def mark(folder: Path, project: str, form: str, about: Mapping[str, Any]) -> None:
    """Say in the folder what it holds."""
    made = {"project": project, "format": form, "made": datetime.now(UTC).isoformat(timespec="seconds"), **about}
    write(folder / MARKER, (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


def drop(folder: Path, earlier: Mapping[str, Any], files: Sequence[str]) -> None:
    """Take out what an earlier export wrote into the folder and this one did not: of another split, of other runs."""
    for old in earlier.get("files", ()):
        if old["file"] not in files:
            inside(folder, old["file"]).unlink(missing_ok=True)


def inside(folder: Path, *parts: str) -> Path:
    """The path in the folder. Raises BadInput for one that leads out of it."""
    path = folder.joinpath(*parts)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{'/'.join(parts)!r} leads out of the folder of the export.")
    return path


def listed(folder: Path, names: list[str]) -> list[dict[str, Any]]:
    """[{"file", "bytes"}] of files in the folder."""
    return [{"file": name, "bytes": (folder / name).stat().st_size} for name in names]


def page(folder: Path, name: str, text: str) -> str:
    """Write a page into the folder, which is made where it is missing; its path. Raises BadInput where it cannot be."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / name, text.encode("utf-8", "replace"))
    return str(folder / name)


def shelf(home: Path, project: int) -> Path:
    """Where the exports that a page starts lie."""
    return home.absolute() / "exports" / str(project)


def kept(shelf: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The exports there with what `export.json` says of each, the newest first."""
    found = [(path.parent, said(path.parent)) for path in shelf.glob(f"*/{MARKER}")]
    return sorted(found, key=lambda each: str(each[1].get("made", "")), reverse=True)
