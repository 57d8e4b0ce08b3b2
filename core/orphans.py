"""Files and folders that a killed process was still writing: `<name>.<32 hex>.part`, in the folder where they were to be renamed."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

PART = re.compile(r".+\.[0-9a-f]{32}\.part")
DAY = 24 * 3600.0


def remove(folder: Path, older: float = DAY) -> None:
    """Remove those that nobody has written to for so many seconds: a part that is being written is fresh."""
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(OSError):  # renamed in this moment, or held by its writer: another time
                if PART.fullmatch(path.name) and time.time() - path.stat().st_mtime > older:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
