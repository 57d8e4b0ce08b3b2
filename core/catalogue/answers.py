"""What vPIC answers, over the network or from the file that keeps it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import Refused

if TYPE_CHECKING:
    from core.sources import Get

BASE = "https://vpic.nhtsa.dot.gov/api/vehicles"
FRESH = 30 * 86400.0  # seconds that an answer is kept for


@dataclass(frozen=True, slots=True)
class Answers:
    """vPIC's answers, one file for each, in the folder `cache`. `base`: another address for it, "" = its own."""

    cache: Path
    base: str = ""

    def results(self, path: str, get: Get) -> list[Any]:
        """What stands under Results. Raises Refused, also where the answer is not as documented."""
        file = self._file(path)
        if self.known(path):
            try:
                return _results(file.read_bytes())
            except (OSError, Refused):
                pass  # half a file, someone's edit: the catalogue is asked again
        body = get(self._url(path)).body
        found = _results(body)
        self.cache.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(f".{os.getpid()}")
        half.write_bytes(body)
        half.replace(file)
        return found

    def known(self, path: str) -> bool:
        """Whether the answer is there, and fresh."""
        try:
            return time.time() - self._file(path).stat().st_mtime < FRESH
        except OSError:
            return False

    def _url(self, path: str) -> str:
        return f"{(self.base or BASE).rstrip('/')}/{path}?format=json"

    def _file(self, path: str) -> Path:
        return self.cache / f"{hashlib.sha256(self._url(path).encode()).hexdigest()[:32]}.json"


def folder(home: Path) -> Path:
    """Where the answers are kept."""
    return home / "catalogue"


def _results(body: bytes) -> list[Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("Results"), list):
        raise Refused("malformed answer", "The catalogue did not answer as its documentation says.")
    return answer["Results"]
