"""Files that are whole or not there: written beside, then renamed. What a killed process leaves beside, core.orphans removes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place at the end; gone where that was not reached."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write(path: Path, data: bytes, sync: bool = False) -> None:
    """All of it or nothing. `sync` waits until it would survive a power cut. Raises OSError."""
    with whole(path) as part, part.open("wb") as file:
        file.write(data)
        if sync:
            file.flush()
            os.fsync(file.fileno())
