"""Folders named after classes: a name that every file system takes, another one for every class, and none that leads out.

A usual name stays as it is. Winnow's own classes come without / \\ < > already (`core.project.name`); a data set of
somebody else's project may hold anything.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

LONGEST = 100  # bytes of UTF-8; most file systems take 255
DEVICES = re.compile(r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³])(\..*)?", re.IGNORECASE)  # to Windows, with any ending


def folders(labels: Iterable[str]) -> dict[str, str]:
    """label -> its folder. Two labels never share one, also where case or Unicode form (NFC, NFD) do not count."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        name = safe(label)
        if _key(name) in taken:
            name = f"{name}-{hashlib.sha256(label.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
        taken.add(_key(name))
        found[label] = name
    return found


def safe(label: str) -> str:
    """The label as one folder's name: composed (NFC), `_` for what a file system refuses, at most 100 bytes and a hash."""
    composed = unicodedata.normalize("NFC", label)
    clean = "".join("_" if _refused(sign) else sign for sign in composed).strip(" ").rstrip(". ")
    clean = re.sub(r"^\.+", lambda dots: "_" * len(dots[0]), clean)
    if DEVICES.fullmatch(clean):
        clean = f"_{clean}"
    if len(clean.encode()) > LONGEST:
        short = clean.encode()[:LONGEST].decode(errors="ignore").rstrip(". ")
        clean = f"{short}-{hashlib.sha256(label.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return clean or "_"


def _refused(sign: str) -> bool:
    return sign in '<>:"/\\|?*' or unicodedata.category(sign)[0] == "C" or (sign != " " and sign.isspace())


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
