"""What trained models say of a picture: each one, and each ensemble. Models are loaded once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import BadInput, Refused
from core.evaluate import Ensemble, answer
from core.model import ENSEMBLES, Box, Cropping, Prediction

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.settings import Settings


class Predictor:
    """Several models (or one) behind one decode."""

    def __init__(
        self, models: Mapping[str, Model], ensemble: str = "average", crop: Callable[[bytes], Box | None] | None = None
    ) -> None:
        """`models` by the names they are shown under; `ensemble` is the one whose word counts; `crop`: see `cropper`.

        Raises BadInput for an unknown ensemble, and as `core.evaluate.Ensemble` does.
        """
        if ensemble not in ENSEMBLES:
            raise BadInput(f"Ensemble {ensemble!r} is not known: choose one of {', '.join(ENSEMBLES)}.")
        self.models, self.ensemble, self.crop = dict(models), ensemble, crop
        self._together = Ensemble(self.models)
        self.classes = next(iter(self.models.values())).classes

    def predict(self, data: bytes) -> Prediction:
        """What the picture in `data` (the bytes of an image file) shows; one decode for all models.

        Raises core.errors.Permanent where it is no picture.
        """
        from core.device import use_free_cores
        from core.pixels import squares

        start = time.perf_counter()
        sizes = sorted({model.size for model in self.models.values()})
        box = self.crop(data) if self.crop else None
        pixels = {size: np.array(square)[None] for size, square in zip(sizes, squares(data, sizes, box), strict=True)}
        use_free_cores()
        answers, measured = answer(self.models, self._together, pixels)
        strange = self._together.strange
        [how] = strange.together(measured)
        said = {name: p[0] for name, p in answers.items()}
        word = said[self.ensemble]
        return Prediction(
            label=self.classes[word.argmax()], confidence=float(word.max()), probabilities=self._named(word),
            known=bool(how <= strange.limit), strangeness=float(strange.share(how)), why=strange.why(how),
            models={name: self._named(p) for name, p in said.items()}, seconds=time.perf_counter() - start, box=box,
        )  # fmt: skip

    def _named(self, probabilities: np.ndarray) -> dict[str, float]:
        return {label: float(p) for label, p in zip(self.classes, probabilities, strict=True)}


def cropper(models: Iterable[Model], settings: Settings) -> Callable[[bytes], Box | None] | None:
    """What crops a picture (the bytes of an image file) as those were cropped that the models learned from: the box, or
    None where nothing was found and the picture stays whole, as in training. None where they learned from whole pictures.

    Raises Missing or Damaged where the detector's weights are not there or not right.
    """
    crop = next((model.crop for model in models), Cropping())
    from core.clean.crop import choose
    from core.clean.detect import load
    from core.detectors import in_the_original, shrink
    from core.pixels import decode

    detector = load(crop.detector, settings, download=False)
    if detector is None:
        return None

    def box(data: bytes) -> Box | None:
        image = decode(data)
        seen = shrink(image, detector.size)
        [found] = detector.detect([seen])
        found = list(in_the_original(found, seen.shape[1::-1], image.size))
        return choose(found, *image.size, crop).box

    return box


def files(predictor: Predictor, paths: Sequence[str]) -> dict[str, Any]:
    """The command line's answer: what the models say of image files and of all files in folders.

    {"images": [...], "failed": [{image, error}]}: a file that is no picture is counted with its reason. Raises BadInput
    for a path that does not exist.
    """
    from core.scrape import read

    images, failed = [], []
    for path in listed(paths):
        try:
            said = predictor.predict(read(str(path)))
        except Refused as error:
            failed.append({"image": str(path), "error": str(error)})
            continue
        images.append({
            "image": str(path), "label": said.label, "confidence": said.confidence, "probabilities": said.probabilities,
            "known": said.known, "strangeness": said.strangeness, "why": said.why, "models": said.models, "seconds": said.seconds,
            **({"box": said.box} if said.box else {}),
        })  # fmt: skip
    return {"images": images, "failed": failed}


def listed(paths: Sequence[str]) -> Iterator[Path]:
    """Files as given, and those in folders given, in order. Raises BadInput for a path that does not exist."""
    for path in map(Path, paths):
        if not path.exists():
            raise BadInput(f"There is no file or folder {str(path)!r}.")
        yield from (
            sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            if path.is_dir()
            else [path]
        )
