"""Explanations kept on disk, beside the run's checkpoint: asked for once more they are read, also after a restart.

`runs/<id>/explained/<32 hex>.safetensors` holds one map with its figures; the name is made of all that it depends on. It
may be deleted at any time, is written by rename, and goes with the run's files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import orphans
from core.model import Explanation
from core.whole import write as write_whole

if TYPE_CHECKING:
    from core.checkpoint import Model

FOLDER = "explained"
VERSION = 1  # raise it when an explainer, or how maps are scored, changes: what was kept is then not asked any more
MOST = 100 * 2**20  # bytes of maps that are kept of a run, the newest
FIGURES = ("additivity", "seconds", "deletion", "insertion")


def ask(
    model: Model, run: int, folder: Path, pixels: np.ndarray, labels: Sequence[str], explainer: str, samples: int
) -> list[Explanation]:
    """As `fresh`, or from the run's `folder` what is there already. Raises BadInput as `core.explainers.explain` does."""
    kept, about = folder / FOLDER, (*identity(model), pixels.tobytes(), explainer, samples)
    paths = {label: kept / f"{key(*about, label)}.safetensors" for label in labels}
    found = {label: _read(path, run, label, pixels, explainer) for label, path in paths.items()}
    missing = [label for label, one in found.items() if one is None]
    if missing:
        for one in fresh(model, run, pixels, missing, explainer, samples):
            found[one.label] = one
            figures = {name: repr(getattr(one, name)) for name in FIGURES}
            with suppress(OSError):  # a full disk, or the run's files were just deleted: the map is there all the same
                write(paths[one.label], {"heat": one.heat}, figures)
        _make_room(kept)
    return [one for label in labels if (one := found[label])]


def fresh(
    model: Model, run: int, pixels: np.ndarray, labels: Sequence[str], explainer: str, samples: int
) -> list[Explanation]:
    """The same, worked out now. `explainer` may also be core.faithful.RANDOM: pixels in random order, to compare with."""
    from core import faithful
    from core.explainers import explain

    if explainer == faithful.RANDOM:
        heat, nan = faithful.at_random(pixels), float("nan")
        found = [Explanation(run, label, heat, pixels, nan, 0.0, explainer) for label in labels]
    else:
        found = explain(model, run, pixels, labels, explainer, samples)
    return faithful.scored(model, found)


def identity(model: Model) -> tuple[Any, ...]:
    """What tells one checkpoint of a run from another one: a run that was stopped goes on, and has other weights then."""
    last = list(model.net.state_dict().values())[-2:]
    return (model.classes, model.temperature, *(part.cpu().numpy().tobytes() for part in last))


def key(*about: object) -> str:
    """32 hex digits that are others where anything of this is."""
    digest = hashlib.sha256()
    for part in (VERSION, *about):
        data = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:32]


def write(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, str]) -> None:
    """All of it or nothing. Raises OSError; the folder of the run itself is never made."""
    from safetensors.numpy import save

    for folder in reversed(path.parents[: path.parts[::-1].index(FOLDER)]):
        folder.mkdir(exist_ok=True)
    write_whole(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, dict(facts)))


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]] | None:
    """What `write` wrote; None where there is nothing, or nothing whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError):
        return None


def _read(path: Path, run: int, label: str, pixels: np.ndarray, explainer: str) -> Explanation | None:
    there = read(path)
    if there is None:
        return None
    with suppress(OSError):
        os.utime(path)  # the oldest look goes first
    figures = {name: float(there[1][name]) for name in FIGURES}
    return Explanation(run, label, there[0]["heat"], pixels, explainer=explainer, **figures)


def _make_room(folder: Path) -> None:
    """Remove the maps that nobody has looked at for longest, where there are more than MOST bytes of them."""
    with suppress(OSError):  # somebody else tidies up as well
        orphans.remove(folder)
        files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.safetensors"))
        size = sum(size for _, size, _ in files)
        for _, bytes_, path in files:
            if size <= MOST:
                break
            path.unlink(missing_ok=True)
            size -= bytes_
