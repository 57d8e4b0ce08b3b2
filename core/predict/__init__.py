"""What trained models say of pictures: each one, and each ensemble. Models are loaded once and kept.

pictures.py    the pictures of files, folders and .zip files, one at a time
answers.py     answers as the rows of a table; the command line's answer
addresses.py   a table of addresses, fetched and asked about, resumable
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadInput, Permanent, Refused
from core.evaluate import Ensemble, answer
from core.model import ENSEMBLES, Box, Cropping, Prediction
from core.predict.pictures import Picture, listed

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.detectors import Detector
    from core.settings import Settings

__all__ = ["Asked", "Cropper", "Predictor", "cropper", "listed"]

AT_ONCE = 32  # pictures that are decoded side by side, and that the models are asked about together
HEAVY = 64 * 2**20  # bytes of files; more of them are not held at once
LEAST = 8  # px of a picture's shorter side: below that there is nothing to see
DECODERS = 8  # threads at most; each may hold a picture of 50 megapixels


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture that was asked about."""

    name: str
    said: Prediction | Refused  # why it could not be asked about
    square: np.ndarray | None = None  # (S, S, 3) uint8, as the model with the smallest input saw it
    shape: tuple[float, float] = (1, 1)  # width and height of what was asked about, px: of the box or the whole


@dataclass(frozen=True, slots=True)
class _Seen:
    """A decoded picture."""

    squares: Sequence[np.ndarray]  # (S, S, 3) uint8 for each size
    box: Box | None
    shape: tuple[float, float]


class Predictor:
    """Several models (or one) behind one decode."""

    def __init__(self, models: Mapping[str, Model], ensemble: str = "average", crop: Cropper | None = None) -> None:
        """`models` by the names they are shown under; `ensemble` is the one whose word counts; `crop`: see `cropper`.

        Raises BadInput for an unknown ensemble, and as `core.evaluate.Ensemble` does.
        """
        if ensemble not in ENSEMBLES:
            raise BadInput(f"Ensemble {ensemble!r} is not known: choose one of {', '.join(ENSEMBLES)}.")
        self.models, self.ensemble, self.crop = dict(models), ensemble, crop
        self._together = Ensemble(self.models)
        self.classes = next(iter(self.models.values())).classes
        self._sizes = sorted({model.size for model in self.models.values()})

    def predict(self, data: bytes, whole: bool = False) -> Prediction:
        """What the picture in `data` (the bytes of an image file) shows; one decode for all models. `whole`: it is not
        cropped, also where the models learned from crops.

        Raises core.errors.Permanent where it is no picture, or one of less than LEAST px.
        """
        [asked] = self._piece([("", data)], whole)
        if isinstance(asked.said, Refused):
            raise asked.said
        return asked.said

    def ask(self, pictures: Iterable[Picture], whole: bool = False) -> Iterator[Asked]:
        """The same for many, in their order; what fails is an item with its reason. AT_ONCE of them at a time are decoded
        side by side and asked about together, and no more are held in memory."""
        for piece in _pieces(pictures):
            yield from self._piece(piece, whole)

    def _piece(self, pictures: Sequence[Picture], whole: bool) -> list[Asked]:
        from core.device import use_free_cores

        start = time.perf_counter()
        seen = self._seen([data for _, data in pictures], whole)
        good = [one for one in seen if isinstance(one, _Seen)]
        said = iter(())
        if good:
            use_free_cores()
            pixels = {size: np.stack([one.squares[i] for one in good]) for i, size in enumerate(self._sizes)}
            answers, strange = answer(self.models, self._together, pixels)
            far = self._together.strange.together(strange)
            seconds = (time.perf_counter() - start) / len(good)
            said = iter([
                self._prediction({name: p[i] for name, p in answers.items()}, float(far[i]), seconds, one.box)
                for i, one in enumerate(good)
            ])  # fmt: skip
        return [
            Asked(name, one) if isinstance(one, Refused) else Asked(name, next(said), one.squares[0], one.shape)
            for (name, _), one in zip(pictures, seen, strict=True)
        ]

    def _prediction(self, said: Mapping[str, np.ndarray], far: float, seconds: float, box: Box | None) -> Prediction:
        """`said`: what each model and each ensemble says of one picture, (C,) probabilities; `far`: how strange it is to all
        of them."""
        word, strange = said[self.ensemble], self._together.strange
        return Prediction(
            label=self.classes[word.argmax()], confidence=float(word.max()), probabilities=self._named(word),
            known=far <= strange.limit, strangeness=float(strange.share(far)), why=strange.why(far),
            models={name: self._named(p) for name, p in said.items()}, seconds=seconds, box=box,
        )  # fmt: skip

    def _seen(self, files: Sequence[bytes | Refused], whole: bool) -> list[_Seen | Refused]:
        if whole or self.crop is None:
            return _side_by_side(lambda data: self._decoded(data, None), files)
        boxes = self.crop.boxes(files)
        return _side_by_side(
            lambda both: both[1] if isinstance(both[1], Refused) else self._decoded(*both),
            list(zip(files, boxes, strict=True)),
        )

    def _decoded(self, data: bytes, box: Box | None) -> _Seen:
        from core.pixels import dimensions, squares

        shape = dimensions(data)
        if min(shape) < LEAST:
            raise Permanent("too small", f"The picture has {shape[0]} x {shape[1]} px; at least {LEAST} each way are wanted.")  # fmt: skip
        if box:
            shape = box[2] - box[0], box[3] - box[1]
        return _Seen(squares(data, self._sizes, box), box, shape)

    def _named(self, probabilities: np.ndarray) -> dict[str, float]:
        return {label: float(p) for label, p in zip(self.classes, probabilities, strict=True)}


def _pieces(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    piece: list[Picture] = []
    size = 0
    for name, data in pictures:
        piece.append((name, data))
        size += len(data) if isinstance(data, bytes) else 0
        if len(piece) == AT_ONCE or size > HEAVY:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _side_by_side(fn: Callable, items: Sequence) -> list:
    """`fn` of each item, or the Refused that it raises; an item that is one stays what it is. Decoders let go of the lock
    that all threads of a process share, so several work at once."""
    from core.device import cores

    def one(item: object) -> object:
        try:
            return item if isinstance(item, Refused) else fn(item)
        except Refused as error:
            return error

    if len(items) == 1:
        return [one(items[0])]
    with ThreadPoolExecutor(min(DECODERS, cores(), len(items) or 1)) as pool:
        return list(pool.map(one, items))


class Cropper:
    """Crops pictures (the bytes of image files) as those were cropped that models learned from."""

    def __init__(self, detector: Detector, how: Cropping) -> None:
        self.detector, self.how = detector, how

    def __call__(self, data: bytes) -> Box | None:
        """The box; None where nothing was found and the picture stays whole, as in training. Raises Permanent for no
        picture."""
        [box] = self.boxes([data])
        if isinstance(box, Refused):
            raise box
        return box

    def boxes(self, files: Sequence[bytes | Refused]) -> list[Box | None | Refused]:
        """The same for several, decoded side by side and seen together; what fails is its reason."""
        from core.clean.crop import choose
        from core.detectors import BATCH, in_the_original

        looked = _side_by_side(self._shrunk, files)
        good = [one for one in looked if not isinstance(one, Refused)]
        found = [
            seen
            for start in range(0, len(good), BATCH)
            for seen in self.detector.detect([small for small, _ in good[start : start + BATCH]])
        ]
        boxes = iter([
            choose(list(in_the_original(seen, small.shape[1::-1], size)), size[0], size[1], self.how).box
            for (small, size), seen in zip(good, found, strict=True)
        ])  # fmt: skip
        return [one if isinstance(one, Refused) else next(boxes) for one in looked]

    def _shrunk(self, data: bytes) -> tuple[np.ndarray, tuple[int, int]]:
        from core.detectors import shrink
        from core.pixels import decode

        image = decode(data)
        return shrink(image, self.detector.size), image.size


def cropper(models: Iterable[Model], settings: Settings) -> Cropper | None:
    """What crops a picture as those were cropped that the models learned from; None where they learned from whole ones.

    Raises Missing or Damaged where the detector's weights are not there or not right.
    """
    from core.clean.detect import load

    how = next((model.crop for model in models), Cropping())
    detector = load(how.detector, settings, download=False)
    return Cropper(detector, how) if detector else None
