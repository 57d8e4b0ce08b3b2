"""What one entry of an archive is, and how much an archive may hold before it counts as made to do harm."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput

MEGABYTE = 1024 * 1024
LIMIT = 20 * MEGABYTE  # bytes of one entry: core.web.LIMIT, which is too heavy to import for its sake
ENTRIES = 1_000_000
TOTAL = 200_000 * MEGABYTE  # bytes, unpacked
RATIO = 100  # unpacked to packed, of one entry and of the whole
SMALL = MEGABYTE  # bytes, unpacked: an entry up to this size may be packed tighter, as a drawing with flat colours is
LONGEST = 4000  # characters of a name

# Why an entry is not unpacked.
UNSAFE = "unsafe name"
NOT_UTF8 = "file name is not UTF-8"
LINK = "link in the archive"
SPECIAL = "not a regular file"
ENCRYPTED = "encrypted"
TIGHT = "packed too tightly"
LARGE = "too large"
METHOD = "unknown compression"
DAMAGED = "damaged in the archive"
TWICE = "name is there twice"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive. `take` gives its bytes, at most LIMIT, until the next entry is asked for."""

    name: str  # its folders and itself, joined by "/"
    error: str  # one of the words above, or "": then it can be taken
    take: Callable[[], bytes]  # raises Spoilt


class Spoilt(Exception):
    """An entry cannot be unpacked, while the rest of the archive can. Never leaves this package."""


class Budget:
    """Counts what an archive unpacks to, and how far it has been read."""

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, path.stat().st_size
        self.read = self._entries = self._bytes = 0

    def entry(self) -> None:
        """Raises BadInput where there are too many."""
        self._entries += 1
        if self._entries > ENTRIES:
            raise self.too_many()

    def spend(self, unpacked: int) -> None:
        """Raises BadInput where the whole gets too large, or too large for the archive's size."""
        self._bytes += unpacked
        if self._bytes > max(RATIO * self.size, LIMIT):
            raise self.refused(f"it unpacks to more than {RATIO} times its size, as files made to do harm do")
        if self._bytes > TOTAL:
            raise self.refused(f"it unpacks to more than {TOTAL / 1000 / MEGABYTE:g} GB; pack it in several")

    def too_many(self) -> BadInput:
        return self.refused(f"it has more than {ENTRIES:,} entries; pack it in several")

    def damaged(self, why: object) -> BadInput:
        return self.refused(f"it is damaged or cut short ({why})")

    def refused(self, why: str) -> BadInput:
        return BadInput(f"The archive {self.path.name} cannot be read: {why}.")


def judged(name: str) -> tuple[str, str]:
    """(the name, tidy, as text that any file can keep; why it cannot be used or "")."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")[:LONGEST], NOT_UTF8
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if plain.startswith("/") or ".." in parts or re.match("[A-Za-z]:", plain) or "\x00" in plain or len(name) > LONGEST:
        return name.replace("\x00", "\ufffd")[:LONGEST], UNSAFE
    return "/".join(parts), "" if parts else UNSAFE


def hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
