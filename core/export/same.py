"""That exported models say what the app says, measured on real pictures before they are handed out.

ONNX, TorchScript and safetensors get equal pixels; predict.py, in a process of its own, gets the files.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from core.credits import file_name
from core.errors import Damaged, Missing, Permanent
from core.evaluate import softmax
from core.model import ImageRecord, Part, Project, Run, Split
from core.pixels import squares

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.checkpoint import Model
    from db.store import Store

COUNT = 100  # pictures
PIXELS, FILES = 0.001, 0.01  # by how much a probability may differ from equal pixels, and from the file
BATCH = 8

Said = tuple[np.ndarray, np.ndarray]  # (N, C) probabilities, (N,) how strange


@dataclass(slots=True)
class Looked:
    """The pictures that are compared: of validation, or where that is empty of train."""

    part: Part
    records: list[ImageRecord] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)  # their files
    pixels: dict[int, np.ndarray] = field(default_factory=dict)  # size -> (N, S, S, 3) uint8, cropped as in training


class Found:
    """The largest differences so far: how many pictures, of which part, and per file."""

    def __init__(self, looked: Looked) -> None:
        self.looked, self.files = looked, dict[str, float]()
        self.labels = self.known = 0  # pictures on which predict.py names the same class, and says the same of "known"

    def add(self, file: str, difference: float, most: float) -> None:
        """Raises Damaged where it is more than `most`, or no number."""
        self.files[file] = difference
        if not difference <= most:
            raise Damaged(
                f"{file} does not say what the model says: on {len(self.looked.records)} pictures a probability, or how strange it is, differs by up "
                f"to {difference:.4f}, and at most {most:g} was wanted. Nothing was exported."
            )

    def result(self) -> dict[str, Any]:
        return {
            "images": len(self.looked.records), "part": self.looked.part, "labels_equal": self.labels, "known_equal": self.known,
            "largest_difference": dict(self.files), "limits": {"equal pixels": PIXELS, "files": FILES},
        }  # fmt: skip


def looked(store: Store, blobs: Blobs, project: Project, split: Split, models: Mapping[str, Model]) -> Looked:
    """COUNT pictures, spread evenly over the part. Those that cannot be read are passed over; raises Missing where none can."""
    part: Part = "val" if split.parts["val"] else "train"
    ids = [image for image, _ in split.parts[part]]
    sizes = sorted({one.size for one in models.values()})
    found, seen = Looked(part), {size: [] for size in sizes}
    for record in store.images_by_id(project.id, _spread(ids)):
        if len(found.records) == COUNT:
            break
        try:
            data = blobs.get(record.facts.sha256, verify=True)
            cut = squares(data, sizes, split.boxes.get(record.id))
        except (Missing, Damaged, Permanent):
            continue
        found.records.append(record)
        found.data.append(data)
        for size, square in zip(sizes, cut, strict=True):
            seen[size].append(square)
    if not found.records:
        raise Missing(
            f"None of the pictures of split {split.id} can be read, so nothing can show that exported models say the same."
        )
    found.pixels = {size: np.stack(squares) for size, squares in seen.items()}
    return found


def _spread(ids: Sequence[int]) -> list[int]:
    """All of them, in an order in which the first COUNT are spread evenly over the part."""
    first = [ids[i * len(ids) // COUNT] for i in range(COUNT)] if len(ids) > COUNT else list(ids)
    taken = set(first)
    return [*first, *(each for each in ids if each not in taken)][: 10 * COUNT]


def compare(
    folder: Path, runs: Sequence[Run], models: Mapping[str, Model], ensemble: str, found: Found
) -> Iterator[str]:
    """Compare every file in the folder with the models; yields what it is at. Raises Damaged as `Found.add` does."""
    count = len(found.looked.records)
    for run, one in zip(runs, models.values(), strict=True):
        pixels = found.looked.pixels[one.size]
        logits, strange = one.seen(pixels)
        expected = softmax(logits, one.temperature), strange
        for end, ask in (("onnx", _onnx), ("pt", _torchscript), ("safetensors", _safetensors)):
            yield f"comparing {run.id}.{end} with {run.name} on {count} pictures"
            got = ask(folder / f"{run.id}.{end}", pixels, one)
            found.add(f"{run.id}.{end}", _apart(got, expected), PIXELS)
    yield f"comparing predict.py with the app on {count} pictures"
    _script(folder, models, ensemble, found)


def _apart(got: Said, expected: Said) -> float:
    """The largest difference of a probability, or of how strange a picture is, as a part of it where that is more than 1."""
    strange = np.abs(got[1] - expected[1]) / np.maximum(1, np.abs(expected[1]))
    return float(np.max([np.abs(got[0] - expected[0]).max(), strange.max()]))


def _joined(parts: Sequence[Sequence[np.ndarray]]) -> Said:
    probabilities, strange = (np.concatenate([np.asarray(part[i]) for part in parts]) for i in (0, 1))
    return probabilities, strange


def _onnx(path: Path, pixels: np.ndarray, one: Model) -> Said:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    parts = [pixels[i : i + BATCH] for i in range(0, len(pixels), BATCH)]
    return _joined([session.run(["probabilities", "strange"], {"pixels": part}) for part in parts])  # type: ignore[list-item]


def _torchscript(path: Path, pixels: np.ndarray, one: Model) -> Said:
    import warnings

    import torch

    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        net = torch.jit.load(str(path))  # the file that was written a moment ago, never one that somebody brought
        parts = [torch.from_numpy(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]
        return _joined([net(part) for part in parts])


def _safetensors(path: Path, pixels: np.ndarray, one: Model) -> Said:
    from safetensors.torch import load_file

    from core.backbones import build
    from core.checkpoint import folded

    net = build(one.recipe, len(one.classes))
    net.load_state_dict(load_file(path))
    logits, strange = replace(one, net=folded(net)).seen(pixels)
    return softmax(logits, one.temperature), strange


def _script(folder: Path, models: Mapping[str, Model], ensemble: str, found: Found) -> None:
    """predict.py, in a process that cannot see this program, against `core.predict` on the same files, both uncropped."""
    from core.predict import Predictor

    app, largest = Predictor(models, ensemble), 0.0
    with TemporaryDirectory() as files:
        paths = [Path(files) / file_name(record) for record in found.looked.records]
        for path, data in zip(paths, found.looked.data, strict=True):
            path.write_bytes(data)
        ran = subprocess.run(
            [sys.executable, "-I", str(folder / "predict.py"), *map(str, paths)],
            capture_output=True,
            text=True,
            cwd=files,
        )
    try:
        told = {each["image"]: each for each in json.loads(ran.stdout)["images"]}
    except (ValueError, KeyError, TypeError):
        raise Damaged(
            f"predict.py does not run: {ran.stderr.strip().rpartition(chr(10))[2] or 'it says nothing'}."
        ) from None
    for path, data in zip(paths, found.looked.data, strict=True):
        ours, theirs = app.predict(data), told.get(str(path))
        if theirs is None:
            raise Damaged(f"predict.py does not read {path.name}, which the app does.")
        found.labels += ours.label == theirs["label"]
        found.known += ours.known == theirs["known"]
        said = ((name, label) for name, p in ours.models.items() for label in p)
        apart = [abs(ours.models[name][label] - theirs["models"][name][label]) for name, label in said]
        apart.append(abs(ours.strangeness - theirs["strangeness"]))
        largest = max(largest, *apart) if all(np.isfinite(apart)) else float("nan")
    found.add("predict.py", largest, FILES)
