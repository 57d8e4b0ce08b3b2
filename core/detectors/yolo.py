"""YOLOv8n for COCO, by ultralytics (AGPL-3.0). Nothing else in the house imports ultralytics.

A .pt file is a pickle, and a pickle is a program: it may name any function of this machine. So three gates: `check`
reads the names in it without running anything and refuses whatever is not a part of such a network; ultralytics loads
it with torch's restricted unpickler (ULTRALYTICS_SAFE_LOAD); what came out has to be a detector of COCO's 80 names.

Of ultralytics only the network is used. Its predictor would report each use to its maker, install packages and write
into the user's home; here it is imported offline, silent, and with its settings in a folder that is gone afterwards.
"""

from __future__ import annotations

import os
import pickle
import pickletools
import re
import tempfile
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from core.detectors import BATCH, FLOOR, shrink
from core.detectors.files import weights_file
from core.detectors.names import NAMES
from core.errors import Damaged
from core.model import Detection
from core.weights import digest, versioned

if TYPE_CHECKING:
    import torch

FILE = "yolov8n.pt"
URL = f"https://github.com/ultralytics/assets/releases/download/v8.3.0/{FILE}"
SHA256 = "f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36"  # of what is downloaded from there
# px. On photos of cars 480 finds what 640 finds, at 1.7 times its speed; 416 would too, but loses small things.
SIZE = 480
STRIDE = 32  # px; both sides of what the network sees are multiples of it
GREY = 114  # what fills the border there, as in its training
OVERLAP = 0.7  # two boxes of one name that share more of their area are one
BYTES_MAX = 2**30  # unpacked; the largest YOLOv8 has 140 MB
_QUIET = {
    "ULTRALYTICS_SAFE_LOAD": "1", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false", "YOLO_AUTOINSTALL": "false",
}  # fmt: skip
# The parts of such a network. `getattr` is the restricted one of ultralytics' own unpickler.
_PARTS = re.compile(
    r"torch\.(\w+Storage|Size|device|_utils\._rebuild_(tensor_v2|parameter))|torch\.nn\.modules\.\w+\.\w+"
    r"|ultralytics\.nn\.(modules\.\w+|tasks)\.\w+|ultralytics\.(yolo\.)?utils\.(IterableSimpleNamespace|(loss|tal)\.\w+)"
    r"|collections\.OrderedDict|(builtins|__builtin__)\.(set|getattr)|_codecs\.encode|pathlib\.(Posix|Windows)Path"
    r"|numpy\.(dtype|(_core|core)\.multiarray\.scalar)"
)
_DYNAMIC = ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4")  # opcodes that torch.save never writes


class Yolo:
    """See `core.detectors.Detector`."""

    name = "yolo"
    size = SIZE

    def __init__(
        self, weights: Path | None, where: torch.device, threads: int = 0, downloads: Path | None = None
    ) -> None:
        """Raises Missing and Damaged as `core.detectors.detector` does."""
        import torch

        from core.device import has_bf16, limit_threads

        file = weights_file(FILE, weights, downloads, URL, SHA256)
        check(file)
        self.key = versioned(self.name, digest(file))
        self._net = _load(file).to(where).to(memory_format=torch.channels_last)
        self.dims = sum(branch[0].conv.in_channels for branch in self._net.model[-1].cv2)
        self._where = where
        self._half = {"cuda": torch.float16}.get(where.type, torch.bfloat16 if has_bf16(where) else None)
        if where.type == "cpu":
            limit_threads(threads)

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        return self.see(images)[0]

    def see(self, images: Sequence[np.ndarray]) -> tuple[list[list[Detection]], np.ndarray]:
        found: list[list[Detection]] = [[] for _ in images]
        vectors = np.zeros((len(images), self.dims), np.float32)
        framed = [_Framed(image) for image in images]
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, one in enumerate(framed):
            alike[one.pixels.shape].append(index)
        for indices in alike.values():  # a frame is as small as its picture allows, whatever the others are
            for start in range(0, len(indices), BATCH):
                some = indices[start : start + BATCH]
                rows, vectors[some] = self._seen(np.stack([framed[i].pixels for i in some]))
                for index, one in zip(some, rows, strict=True):
                    found[index] = framed[index].detections(one)
        return found, vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def _seen(self, pixels: np.ndarray) -> tuple[list[list[list[float]]], np.ndarray]:
        """(B, H, W, 3) uint8 -> for each picture rows of left, top, right, bottom, score, class; and (B, dims), the means of
        the three maps that the boxes are read from."""
        import torch

        from core.device import use_free_cores

        if self._where.type == "cpu":
            use_free_cores()
        x = torch.from_numpy(pixels).to(self._where).permute(0, 3, 1, 2)  # of channels-last memory already
        half = self._half is not None
        with torch.inference_mode():
            with torch.autocast(self._where.type, self._half, enabled=half):
                _, raw = self._net(x.float() / 255)
            # Decoded once more in full precision: half of it knows places only to two px.
            vectors = torch.cat([level.float().mean((2, 3)) for level in raw["feats"]], 1)
            raw = {key: raw[key].float() for key in ("boxes", "scores")} | {"feats": raw["feats"]}
            rows = self._net.model[-1]._inference(raw).transpose(1, 2)  # (B, anchors, 4 + 80)
            return [_apart(one).tolist() for one in rows], vectors.cpu().numpy()


class _Framed:
    """A picture scaled down, in the middle of a grey frame with sides that are multiples of STRIDE."""

    def __init__(self, image: np.ndarray) -> None:
        self._height, self._width = image.shape[:2]
        small = image if max(image.shape) <= SIZE else shrink(Image.fromarray(image), SIZE)
        height, width = small.shape[:2]
        self._scale = (width / self._width, height / self._height)
        self.pixels = np.full((-(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE, 3), GREY, np.uint8)
        self._left, self._top = (self.pixels.shape[1] - width) // 2, (self.pixels.shape[0] - height) // 2
        self.pixels[self._top : self._top + height, self._left : self._left + width] = small

    def detections(self, rows: Sequence[Sequence[float]]) -> list[Detection]:
        found = []
        for left, top, right, bottom, score, number in rows:
            x = [min(max((at - self._left) / self._scale[0], 0.0), float(self._width)) for at in (left, right)]
            y = [min(max((at - self._top) / self._scale[1], 0.0), float(self._height)) for at in (top, bottom)]
            if x[0] < x[1] and y[0] < y[1]:
                found.append(Detection(_LABELS[int(number)], round(score, 4), (x[0], y[0], x[1], y[1])))
        return found


def _apart(rows: torch.Tensor) -> torch.Tensor:
    """(anchors, 4 + 80), boxes as centre and sides -> (N, 6), one row for each thing, surest first."""
    import torch
    from torchvision.ops import batched_nms, box_convert

    scores, classes = rows[:, 4:].max(1)
    sure = scores >= FLOOR
    boxes, scores, classes = box_convert(rows[sure, :4], "cxcywh", "xyxy"), scores[sure], classes[sure]
    kept = batched_nms(boxes, scores, classes, OVERLAP)
    return torch.cat([boxes, scores[:, None], classes[:, None]], 1)[kept]


def check(file: Path) -> None:
    """Raises Damaged where the file is not whole, or names anything that is no part of a YOLO network. Runs nothing."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(one.file_size for one in members) > BYTES_MAX:
                raise Damaged(f"{file} is refused as a YOLO network: unpacked, it has more than a gigabyte.")
            if torn := archive.testzip():
                raise Damaged(f"{file} is damaged, at {torn}: get it again from {URL}.")
            pickles = [one.filename for one in members if one.filename.endswith(".pkl")]
            named = {name for one in pickles for name in _names(archive.read(one))}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError) as error:
        # OSError: a folder, or one may not read it. RuntimeError: encrypted. ValueError: no pickle.
        raise Damaged(f"{file} is no YOLO network, or was cut short ({error}): get it again from {URL}.") from None
    strange = sorted(name for name in named if not _PARTS.fullmatch(name))
    if strange:
        raise Damaged(f"{file} is refused and was not loaded: a YOLO network has no use for {', '.join(strange[:3])}.")
    if len(pickles) != 1 or "ultralytics.nn.tasks.DetectionModel" not in named:
        raise Damaged(f"{file} is no YOLO network that finds things: wanted is {URL}.")


def _names(data: bytes) -> set[str]:
    """The functions and classes that a pickle names. Raises ValueError where it is none."""
    found = set()
    for opcode, value, _ in pickletools.genops(data):
        if opcode.name == "GLOBAL":
            found.add(str(value).replace(" ", "."))
        elif opcode.name in _DYNAMIC:
            found.add(f"names made up while it is read ({opcode.name})")
    return found


def _load(file: Path) -> Any:
    """The network of a file that `check` let pass, with its batch norm folded, in evaluation mode."""
    tasks = _ultralytics()
    try:
        net, _ = tasks.load_checkpoint(str(file.absolute()), fuse=True)
    except (
        TypeError,
        AttributeError,
        ImportError,
        KeyError,
        ValueError,
        RuntimeError,
        pickle.UnpicklingError,
    ) as error:
        raise Damaged(f"{file} could not be loaded as a YOLO network: {str(error).splitlines()[0]}") from None
    if not isinstance(net, tasks.DetectionModel) or tuple(net.names.values()) != _LABELS:
        raise Damaged(f"{file} is a network for other things than COCO's 80: wanted is {URL}.")
    return net.requires_grad_(False)


def _ultralytics() -> Any:
    """ultralytics.nn.tasks, imported so that it leaves no trace: neither files nor settings of this process."""
    import torch

    environment, save, opening = dict(os.environ), torch.save, Image.open
    with tempfile.TemporaryDirectory() as folder, np.printoptions(), warnings.catch_warnings():
        os.environ.update(_QUIET, YOLO_CONFIG_DIR=folder)
        try:
            from ultralytics.nn import tasks
        finally:
            os.environ.update(environment)  # never empty: another thread may start a process just now
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            Image.open = opening  # theirs wants a library for HEIF where bytes are no picture
            torch.save = save
    found: Any = tasks
    found.SAFE_LOAD = True  # it reads the environment once, and somebody may have imported it before
    return found


_LABELS = tuple(NAMES)
