"""The files that a table names, where the images lie on this computer: inside one folder, and nowhere else."""

from __future__ import annotations

import os
from functools import lru_cache

from core.errors import BadInput


class Place:
    """Name of a file in the folder -> (its absolute path, reason why it cannot be read or ""). `suffix` of the names.

    A file "abcd.jpg" may lie in a/b/c, as large data sets (Google Landmarks v2) are unpacked.
    Raises BadInput where there is no such folder.
    """

    def __init__(self, folder: str, suffix: str = "") -> None:
        self._folder = os.path.abspath(os.path.expanduser(folder))
        self._suffix = suffix
        if not os.path.isdir(self._folder):
            raise BadInput(f"--images {folder!r} is not a folder.")
        self._inside = os.path.join(os.path.realpath(self._folder), "")
        self._leads_out = lru_cache(maxsize=100_000)(self._outside)  # asked once for each folder, not for each file

    def __call__(self, name: str) -> tuple[str, str]:
        if not name.lower().endswith(self._suffix):
            name += self._suffix
        if "\x00" in name:
            return name, "no such file"
        path = os.path.join(self._folder, name)
        if "/" not in name and not os.path.lexists(path):
            deep = os.path.join(self._folder, *name[:3], name)
            path = deep if os.path.lexists(deep) else path
        if self._leads_out(os.path.dirname(path)) or (os.path.islink(path) and self._outside(path)):
            return path, "link out of the folder"
        return path, "" if os.path.isfile(path) else "no such file"

    def _outside(self, path: str) -> bool:
        return not os.path.join(os.path.realpath(path), "").startswith(self._inside)
