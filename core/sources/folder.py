"""Images on this computer: an image's own folder is its label.

A first-level folder train, val, valid, validation or test is its part. Hidden files are passed over, links that lead
out of the folder are failures; whether a file is an image is decided later, by its content.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput
from core.model import Candidate
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get

PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def search(query: str, limit: int, options: Options, get: Get) -> Iterator[Candidate]:
    """Every file under `options.path`, in order of their names, whatever the `limit`.

    Raises BadInput where the path is no folder.
    """
    root = Path(os.path.abspath(Path(options.path).expanduser()))
    if not root.is_dir():
        raise BadInput(f"--path {options.path!r} is not a folder.")
    for path, error in _files(str(root), os.path.realpath(root)):
        yield _candidate(root, path, error)


def _files(folder: str, inside: str) -> Iterator[tuple[str, str]]:
    """(path, reason why it cannot be read or "") of each visible file, folders after the files beside them."""
    folders = [folder]  # still to be visited, the next one last
    while folders:
        folder, below = folders.pop(), []
        try:
            with os.scandir(folder) as entries:
                ordered = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError:
            yield folder, "cannot be read"
            continue
        for entry in ordered:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif entry.is_symlink() and not os.path.realpath(entry.path).startswith(os.path.join(inside, "")):
                yield entry.path, "link out of the folder"
            elif os.path.isdir(entry.path):  # a link to a folder in here, whose files are met in their own place
                yield entry.path, "link to a folder"
            else:
                yield entry.path, ""
        folders += reversed(below)


def _candidate(root: Path, path: str, error: str) -> Candidate:
    try:
        path.encode()
    except UnicodeEncodeError:  # a name from a disk with another encoding: the database could not keep it
        path, error = os.fsencode(path).decode("utf-8", "backslashreplace"), "file name is not UTF-8"
    above = Path(path).relative_to(root).parts[:-1]
    part = PARTS.get(above[0].lower(), "") if above else ""
    own = above[1:] if part else above
    label = own[-1] if own else "" if part else root.name
    if not label and not error:
        error = "no label"  # lies in train/ itself, beside the class folders
    # macOS writes names decomposed; a class name typed by hand is composed.
    return Candidate(path, unicodedata.normalize("NFC", label), "folder", part=part, error=error)
