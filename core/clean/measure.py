"""Every new picture read once: is it what was fetched, what is wrong with it, and its mean colours for the comparison."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.clean.overlay import mark
from core.engine import batches
from core.model import Measure, Progress

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.steps import Context
    from db.store import Store

VERSION = 1  # of what is measured: raise it where `core.clean.quality` measures otherwise
BATCH, SECONDS = 256, 2.0  # pictures stored in one transaction, or what came within so many seconds


def measure(ctx: Context) -> Generator[Progress, None, None]:
    """Measure what was not yet, what could not be read the last time, and files that are gone or have another size.

    A file whose bytes changed without its length is not noticed here: that takes reading every file again.
    """
    store, project = ctx.store, ctx.project.id
    yield Progress(0, None, "looking for new pictures")
    wanted = dict((sha256, image) for image, sha256 in store.unmeasured(project, VERSION))
    for prefix in (f"{number:02x}" for number in range(256)):
        wanted |= changed(store, ctx.blobs, project, prefix)
    done = faults = 0
    outcomes = ctx.engine.map(Reading(ctx.settings.storage), wanted, need="cpu")
    for some in batches(outcomes, BATCH, SECONDS):
        found = []
        for sha256, value, error in some:
            scores, fields = value or ({}, b"")
            measure = Measure(wanted[sha256], scores, fields)
            found.append(faulty(wanted[sha256], error) if error else measure)
            faults += error is not None
        store.add_measures(ctx.claim, project, VERSION, found)
        done += len(some)
        note = "reading every new picture once"
        yield Progress(done, len(wanted), f"{note}; {faults} cannot be read" if faults else note)
    yield from mark(ctx)


def keep_faults(ctx: Context, wanted: Mapping[str, int], outcomes: Iterable[tuple[str, Any, Exception | None]]) -> None:
    """Of what an engine's `map` gave of SHA-256s (`wanted`: their images), store the failures as faults."""
    faults = [faulty(wanted[sha256], error) for sha256, _, error in outcomes if error is not None]
    if faults:
        ctx.store.add_measures(ctx.claim, ctx.project.id, VERSION, faults)


def faulty(image: int, error: BaseException | str) -> Measure:
    """What stands for a picture that cannot be read: the reason, and some errors have no words of their own."""
    return Measure(image, fault=str(error) or type(error).__name__)


def changed(store: Store, blobs: Blobs, project: int, prefix: str) -> dict[str, int]:
    """SHA-256 -> image, of the images under this prefix whose file is gone or has another size than what was fetched."""
    expected = store.sizes(project, prefix)
    there = blobs.sizes(prefix) if expected else {}
    return {sha256: image for sha256, (image, size) in expected.items() if there.get(sha256) != size}


class Reading:
    """SHA-256 -> (kind of finding -> score 0..1, mean colours 6 x 6 x 3 as bytes), in a child process."""

    def __init__(self, storage: str) -> None:
        self.storage = storage

    def __call__(self, sha256: str) -> tuple[dict[str, float], bytes]:
        """Raises Missing, Damaged, or Permanent as `core.pixels.decode` does."""
        from core import pixels
        from core.blobs import Blobs
        from core.clean import quality
        from core.clean.thumb import thumb

        blobs = Blobs(self.storage)
        image = pixels.decode(blobs.get(sha256, verify=True))
        return quality.measure(image), quality.fields(thumb(blobs, sha256))
