"""SSDLite with a MobileNetV3 for COCO, by torchvision (BSD, code and weights): the permissive detector.

It always sees 320 x 320 px, so what it says of a picture cannot depend on the others beside it.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from core.detectors import BATCH, FLOOR
from core.detectors.files import weights_file
from core.detectors.names import NAMES
from core.errors import Damaged
from core.model import Detection
from core.weights import digest, local, tensors, versioned

if TYPE_CHECKING:
    import torch

STEM = "ssdlite320_mobilenet_v3_large_coco-a79551df"
URL = f"https://download.pytorch.org/models/{STEM}.pth"
SHA256 = "a79551df"  # the beginning of it, as torchvision itself checks it
SIZE = 320  # px


class Torchvision:
    """See `core.detectors.Detector`."""

    name = "torchvision"
    size = SIZE
    dims = 0

    def __init__(
        self, weights: Path | None, where: torch.device, threads: int = 0, downloads: Path | None = None
    ) -> None:
        """The file is torchvision's own .pth, or the same tensors as .safetensors.

        Raises Missing and Damaged as `core.detectors.detector` does.
        """
        from core.device import limit_threads

        file = local(weights, f"{STEM}.safetensors") or weights_file(f"{STEM}.pth", weights, downloads, URL, SHA256)
        self.key = versioned(self.name, digest(file))
        self._net = _network()
        try:
            self._net.load_state_dict(_tensors(file))
        except (RuntimeError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise Damaged(f"{file} does not hold the weights of SSDLite for COCO: {reason}") from None
        self._net.to(where).eval().requires_grad_(False)
        self._where, self._labels = where, _labels()
        if where.type == "cpu":
            limit_threads(threads)

    def see(self, images: Sequence[np.ndarray]) -> tuple[list[list[Detection]], np.ndarray]:
        return self.detect(images), np.zeros((len(images), 0), np.float32)

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        found: list[list[Detection]] = []
        for start in range(0, len(images), BATCH):
            found += self._seen(images[start : start + BATCH])
        return found

    def _seen(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        import torch

        from core.device import use_free_cores

        if self._where.type == "cpu":
            use_free_cores()
        # Scaled here, antialiased, which the network's own scaling is not.
        squares = [np.array(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR)) for image in images]
        with torch.inference_mode():
            x = torch.from_numpy(np.stack(squares)).to(self._where).permute(0, 3, 1, 2).float() / 255
            seen = self._net(list(x))
        return [self._detections(one, image.shape) for one, image in zip(seen, images, strict=True)]

    def _detections(self, seen: dict[str, torch.Tensor], shape: tuple[int, ...]) -> list[Detection]:
        scale = np.array([shape[1], shape[0], shape[1], shape[0]]) / SIZE
        boxes = seen["boxes"].cpu().numpy().astype(np.float64) * scale
        found = []
        for box, score, number in zip(boxes.tolist(), seen["scores"].tolist(), seen["labels"].tolist(), strict=True):
            label = self._labels[number]
            if label in NAMES and score >= FLOOR and box[0] < box[2] and box[1] < box[3]:
                found.append(Detection(label, round(score, 4), tuple(box)))
        return sorted(found, key=lambda one: -one.score)


def _network() -> Any:
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    return ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=91, score_thresh=FLOOR)


def _labels() -> list[str]:
    """COCO's names by the numbers of torchvision, with gaps."""
    from torchvision.models.detection import SSDLite320_MobileNet_V3_Large_Weights

    return SSDLite320_MobileNet_V3_Large_Weights.COCO_V1.meta["categories"]


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    """What the file holds. Nothing but tensors is ever unpickled. Raises Damaged."""
    import torch

    if file.suffix == ".safetensors":
        return tensors(file)
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles in another dialect, which are refused anyway
            return torch.load(file, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
    ):
        raise Damaged(
            f"{file} is no whole file of tensors, so it is refused and was not loaded: get it again from {URL}."
        ) from None
