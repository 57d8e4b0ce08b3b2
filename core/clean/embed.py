"""One vector for each picture, by the network that is there."""

from __future__ import annotations

import time
from collections.abc import Container, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.engine import batches
from core.model import Progress

if TYPE_CHECKING:
    import numpy as np

    from core.embed import Embedder
    from core.steps import Context

BATCH = 32  # pictures asked at once; see tests/bench/README.md
STORED, SECONDS = 512, 2.0  # vectors in one transaction, or what was made within so many seconds


def embed(ctx: Context, embedder: Embedder) -> Generator[Progress, None, None]:
    """Embed what has no vector of this network yet. A picture that cannot be read now keeps the reason as its fault."""
    import numpy as np

    from core.clean.measure import keep_faults
    from core.device import keep_memory

    keep_memory()
    store, project = ctx.store, ctx.project.id
    wanted = {sha256: image for image, sha256 in store.unembedded(project, embedder.key)}
    outcomes = ctx.engine.map(Square(ctx.settings.storage, embedder.size), wanted, need="cpu")
    made: list[tuple[int, bytes]] = []
    done, stored = 0, time.monotonic()
    for some in batches(outcomes, BATCH, 10.0):
        good = [(wanted[sha256], pixels) for sha256, pixels, error in some if error is None]
        if good:
            found = embedder(np.stack([pixels for _, pixels in good])).astype("<f2")
            made += [(image, vector.tobytes()) for (image, _), vector in zip(good, found, strict=True)]
        keep_faults(ctx, wanted, some)
        if len(made) >= STORED or time.monotonic() - stored >= SECONDS:
            store.add_embeddings(ctx.claim, project, embedder.key, made)
            made, stored = [], time.monotonic()
        done += len(some)
        yield Progress(done, len(wanted), f"describing the pictures with {embedder.name}")
    store.add_embeddings(ctx.claim, project, embedder.key, made)


def vectors(ctx: Context, key: str, images: Container[int]) -> tuple[list[int], np.ndarray, list[bool]]:
    """Which of these images have a vector of this embedder, the (N, D) float16 vectors (`stacked`), whether each was
    compared."""
    import numpy as np

    from core.clean.stacked import stacked

    ids: list[int] = []
    done: list[bool] = []

    def rows() -> Iterator[np.ndarray]:
        for image, vector, compared in ctx.store.embeddings(ctx.project.id, key):
            if image in images:
                ids.append(image)
                done.append(compared)
                yield np.frombuffer(vector, dtype="<f2")[None]

    return ids, stacked(rows(), scratch(ctx)), done


def scratch(ctx: Context) -> Path:
    """Where this job may lay what it does not keep."""
    return ctx.settings.home.absolute() / "cache" / "scratch"


def embedder(ctx: Context, name: str) -> Embedder:
    """The embedder of that name on this machine's device. Raises BadInput, Missing or Damaged as `core.embed` does."""
    from core.device import device
    from core.embed import embedder

    current = ctx.settings
    folder = current.home.absolute() / "cache" / "embed"  # may be deleted at any time
    return embedder(name, current.weights, device(current.device), current.threads, folder)


class Square:
    """SHA-256 -> (size, size, 3) uint8, the whole picture, in a child process."""

    def __init__(self, storage: str, size: int) -> None:
        self.storage, self.size = storage, size

    def __call__(self, sha256: str) -> np.ndarray:
        """Raises Missing, or Permanent as `core.pixels.decode` does."""
        from core.blobs import Blobs
        from core.pixels import squares

        return squares(Blobs(self.storage).get(sha256), [self.size])[0]
