"""What stands where in each picture, by the detector that was chosen."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from core.engine import batches
from core.model import Cropping, Progress

if TYPE_CHECKING:
    from core.detectors import Detector
    from core.settings import Settings
    from core.steps import Context


def detect(ctx: Context, crop: Cropping, sees: Detector | None) -> Generator[Progress, None, None]:
    """Ask the detector about every picture that it has not seen. Nothing happens where there is none."""
    from core.clean.measure import keep_faults
    from core.detectors import BATCH, Shrunk, in_the_original

    store, project = ctx.store, ctx.project.id
    if sees is None:
        return
    wanted = {sha256: image for image, sha256 in store.undetected(project, sees.key, described=sees.dims > 0)}
    outcomes = ctx.engine.map(Shrunk(ctx.settings.storage, sees.size), wanted, need="cpu")
    done = 0
    for some in batches(outcomes, BATCH, 10.0):
        good = [(wanted[sha256], *value) for sha256, value, error in some if error is None]
        found, vectors = sees.see([picture for _, picture, _ in good])
        rows = {
            image: list(in_the_original(seen, picture.shape[1::-1], original))
            for (image, picture, original), seen in zip(good, found, strict=True)
        }
        store.add_detections(ctx.claim, project, sees.key, rows)
        if sees.dims:  # the review learns from it; one that got none here is looked at again
            seen_as = zip(good, vectors.astype("<f2"), strict=True)
            store.add_embeddings(ctx.claim, project, sees.key, [(one[0], vector.tobytes()) for one, vector in seen_as])
        keep_faults(ctx, wanted, some)
        done += len(some)
        yield Progress(done, len(wanted), f"looking for {', '.join(crop.want)} with {crop.detector}")


def load(name: str, settings: Settings, download: bool = True) -> Detector | None:
    """The detector of that name on this machine's device, None for "none". Without `download` the weights have to be on
    this computer. Raises Missing or Damaged where they are not there or not right."""
    if name == "none":
        return None
    from core.detectors import detector
    from core.device import device
    from core.errors import Missing

    where, own = device(settings.device), settings.home.absolute() / "weights"
    if download:
        return detector(name, settings.weights, where, settings.threads, own)
    try:
        return detector(name, own, where, settings.threads)
    except Missing:
        return detector(name, settings.weights, where, settings.threads)
