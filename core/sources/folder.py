"""Images on this computer: an image's own folder is its label.

A first-level folder train, val, valid, validation or test is its part. Where all there is lies in one folder, and in
that are parts with folders of their own, it stands for the folder given: archives are often packed so. Hidden files
are passed over, links that lead out of the folder are failures; whether a file is an image is decided later, by its
content.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import BadInput
from core.model import Candidate
from core.sources.options import Options, refuse_licence

PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def read(options: Options) -> Iterator[Candidate]:
    """Every file under `options.path`, in order of their names. Raises BadInput where the path is no folder."""
    check(options)
    root = Path(os.path.abspath(Path(options.path).expanduser()))
    top = _top(root)
    for path, error in _files(str(root), os.path.realpath(root)):
        yield _candidate(top if Path(path).is_relative_to(top) else root, path, error)


def check(options: Options) -> None:
    """Raises BadInput where the path is no folder, and for a licence: it knows none."""
    refuse_licence(options, "A folder names no licences", "leave it out")
    if not Path(options.path).expanduser().is_dir():
        raise BadInput(f"--path {options.path!r} is not a folder.")


def _top(root: Path) -> Path:
    """The folder that the parts lie in: the one given, or the only one in it."""
    try:
        seen = _visible(root)
        if len(seen) == 1 and (below := _folders(seen)) and below[0].name.lower() not in PARTS:
            parts = [each for each in _folders(_visible(below[0])) if each.name.lower() in PARTS]
            if any(_folders(_visible(part)) for part in parts):
                return Path(below[0].path)
    except OSError:
        pass  # it is met again, and counted, when its files are read
    return root


def _folders(entries: list[os.DirEntry]) -> list[os.DirEntry]:
    return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]


def _visible(folder: str | os.PathLike) -> list[os.DirEntry]:
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _files(folder: str, inside: str) -> Iterator[tuple[str, str]]:
    """(path, reason why it cannot be read or "") of each visible file, folders after the files beside them."""
    folders = [folder]  # still to be visited, the next one last
    while folders:
        folder, below = folders.pop(), []
        try:
            ordered = _visible(folder)
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
        path, plain = (os.fsencode(name).decode("utf-8", "backslashreplace") for name in (path, root))
        root, error = Path(plain), "file name is not UTF-8"
    label, part = placed(Path(path).relative_to(root).parts[:-1], root.name)
    if not label and not error:
        error = "no label"  # lies in train/ itself, beside the class folders
    return Candidate(path, label, "folder", part=part, error=error)


def placed(above: Sequence[str], root: str) -> tuple[str, str]:
    """(label, part) of a file in the folders `above` it, the outermost first, within a folder of the name `root`."""
    part = PARTS.get(above[0].lower(), "") if above else ""
    own = above[1:] if part else above
    label = own[-1] if own else "" if part else root
    # macOS writes names decomposed; a class name typed by hand is composed.
    return unicodedata.normalize("NFC", label), part
