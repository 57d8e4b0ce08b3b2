"""Where a detector's weights come from: the folder of WINNOW_WEIGHTS, what was downloaded before, else a download."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

from core.errors import Missing
from core.weights import local

SILENCE = 8.0  # seconds without one more byte, after which a download is given up
SECONDS = 300.0  # that a download may take
_log = logging.getLogger(__name__)


def weights_file(name: str, weights: Path | None, downloads: Path | None, url: str, sha256: str) -> Path:
    """The file called `name`. `sha256`, or its beginning, is what a download has to have. Raises Missing."""
    found = local(weights, name) or local(downloads, name)
    if found is None and downloads is not None and downloaded(url, downloads / name, sha256):
        found = downloads / name
    if found is None:
        there = f" ({weights})" if weights else ""
        tried = "could not be downloaded" if downloads else "nothing may be downloaded"
        raise Missing(
            f"The detector's weights, {name}, are not here and {tried}: get {url} and put it into the folder that "
            f"WINNOW_WEIGHTS names{there}."
        )
    return found


def downloaded(url: str, to: Path, sha256: str, silence: float = SILENCE, seconds: float = SECONDS) -> bool:
    """Whether the address brought the file, with that SHA-256, in time; where not, the log says why.

    It is written beside and renamed. In a thread of its own, because no timeout reaches a name server that keeps
    silent, and torch gives its request none.
    """
    from torch.hub import download_url_to_file

    to.parent.mkdir(parents=True, exist_ok=True)

    def get() -> None:
        try:
            download_url_to_file(url, str(to), hash_prefix=sha256, progress=False)
        except (OSError, RuntimeError, ValueError) as error:  # no network, another SHA-256, no address
            _log.warning("The download of %s failed: %s", url, error)

    thread = Thread(target=get, daemon=True)
    began, size, grew = time.monotonic(), 0, time.monotonic()
    thread.start()
    while thread.is_alive() and time.monotonic() - grew < silence and time.monotonic() - began < seconds:
        thread.join(0.1)
        now = _arrived(to)
        if now != size:
            size, grew = now, time.monotonic()
    if thread.is_alive():
        _log.warning("The download of %s was given up: it took too long.", url)
        return False
    return to.is_file()


def _arrived(to: Path) -> int:
    """Bytes that lie beside `to` so far."""
    with suppress(FileNotFoundError):  # renamed just now
        return sum(part.stat().st_size for part in to.parent.glob(f"{to.name}.*.partial"))
    return 0
