"""Detectors by name: pictures in, boxes with COCO's names out. A new one is one file and one line in `DETECTORS`.

yolo.py         YOLOv8n by ultralytics (AGPL-3.0), the better one; the only file that imports ultralytics
torchvision.py  SSDLite by torchvision (BSD), the permissive one
files.py        where their weights come from: WINNOW_WEIGHTS, what was downloaded before, a download
names.py        the 80 names, with words to search them by
propose.py      what to look for, guessed from the names of the classes

A detector sees no more than `size` px, so whoever decodes may scale down to that before pictures travel between
processes: `Shrunk` does, and `in_the_original` gives the boxes back in px of the upright original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.detectors.names import NAMES
from core.detectors.propose import propose
from core.errors import BadInput
from core.model import Detection

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image

__all__ = ["DETECTORS", "FLOOR", "NAMES", "Detector", "Shrunk", "detector", "in_the_original", "propose", "shrink"]

FLOOR = 0.1  # detections below this score are not told; what counts is decided later, by core.clean.crop
BATCH = 16  # pictures seen at once


class Detector(Protocol):
    name: str
    key: str  # the name and the version of the weights, under which what it saw is kept
    size: int  # px; the longest side it sees
    dims: int  # numbers in the vector it gives of a picture; 0 = it gives none

    def see(self, images: Sequence[np.ndarray]) -> tuple[list[list[Detection]], np.ndarray]:
        """What `detect` gives, and (B, dims) float32: what the network saw on the way to it, of length 1."""
        ...

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        """(H, W, 3) uint8 RGB pictures -> for each what was seen in it, surest first, boxes in px of that picture.

        Labels are COCO's names, scores at least `FLOOR`. What is seen in a picture does not depend on the others.
        """
        ...


def _yolo(weights: Path | None, where: torch.device, threads: int, downloads: Path | None) -> Detector:
    from core.detectors.yolo import Yolo

    return Yolo(weights, where, threads, downloads)


def _torchvision(weights: Path | None, where: torch.device, threads: int, downloads: Path | None) -> Detector:
    from core.detectors.torchvision import Torchvision

    return Torchvision(weights, where, threads, downloads)


DETECTORS: dict[str, Callable[[Path | None, torch.device, int, Path | None], Detector]] = {
    "yolo": _yolo,
    "torchvision": _torchvision,
}


def detector(
    name: str, weights: Path | None, where: torch.device, threads: int = 0, downloads: Path | None = None
) -> Detector:
    """The detector of that name, loaded.

    `weights`: the folder of WINNOW_WEIGHTS, looked in first; `downloads`: the folder for what has to be downloaded,
    None = nothing is. `threads`: at most so many on a CPU, 0 = as many as there are free cores.
    Raises BadInput for another name, Missing where its weights cannot be had, Damaged where the file is not what its
    name says; such a file is refused before anything of it is loaded.
    """
    if name not in DETECTORS:
        raise BadInput(f"Detector {name!r} is not known: choose one of {', '.join(DETECTORS)}, or none.")
    return DETECTORS[name](weights, where, threads, downloads)


class Shrunk:
    """sha256 -> (picture, (width, height) of the upright original), in a child process. The picture is (H, W, 3) uint8
    with sides of at most `size` px."""

    def __init__(self, storage: str, size: int) -> None:
        self.storage, self.size = storage, size

    def __call__(self, sha256: str) -> tuple[np.ndarray, tuple[int, int]]:
        """Raises Missing, Damaged or Permanent, with the reason why it cannot be read."""
        from core.blobs import Blobs
        from core.pixels import decode

        image = decode(Blobs(self.storage).get(sha256))
        return shrink(image, self.size), image.size


def shrink(image: Image.Image, size: int) -> np.ndarray:
    """An RGB picture as (H, W, 3) uint8, its longest side `size` px at most. A small one stays as it is: enlarged, a
    car on white is seen with a score of .67 instead of .81."""
    import numpy as np
    from PIL import Image

    longest = max(image.size)
    if longest > size:
        width, height = (max(1, round(side * size / longest)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.array(image)


def in_the_original(
    found: Sequence[Detection], seen: tuple[int, int], original: tuple[int, int]
) -> Iterator[Detection]:
    """Detections in a picture of `seen` (width, height) px, in px of the `original` that it was scaled from."""
    across, down = original[0] / seen[0], original[1] / seen[1]
    for one in found:
        left, top, right, bottom = one.box
        yield replace(one, box=(left * across, top * down, right * across, bottom * down))
