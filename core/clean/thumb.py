"""The small picture that comparisons look at."""

from __future__ import annotations

from contextlib import suppress

from core.blobs import Blobs
from core.errors import Missing


def thumb(blobs: Blobs, sha256: str) -> bytes:
    """JPEG, longest side 256 px; one that was lost by hand is made again, for the picture itself is what counts.

    Raises Missing or Damaged, or Permanent as `core.pixels.decode` does, where the picture itself cannot be read.
    """
    try:
        return blobs.thumb(sha256)
    except Missing:
        from core.pixels import ingest

        data = blobs.get(sha256, verify=True)
        made = ingest(data)[1]
        with suppress(OSError):  # a full disk, or one that may only be read: it is made again the next time
            blobs.put(sha256, data, made)
        return made
