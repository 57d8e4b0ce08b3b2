"""Files that look like weights and are programs."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any


class Evil:
    """A pickle of it makes a folder when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def archive(path: Path, pickled: bytes) -> None:
    """What torch.save would write, around that pickle."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (("data.pkl", pickled), ("byteorder", b"little"), ("data/0", b"1234"), ("version", b"3\n")):
            file.writestr(f"archive/{name}", data)
