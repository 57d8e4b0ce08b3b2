"""What is known of every picture before anybody looked at it: its vector, its class, what cleaning noticed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

if TYPE_CHECKING:
    from core.model import Project
    from db.store import Store

DIMENSIONS = 384  # principal components of the vectors
SAMPLE = 20_000  # pictures that they are found on
BLOCK = 4096  # rows brought down at once
CLASS = 0.3  # length of what says the class, beside components of length 1
LEAST = 5  # pictures of a class, fewer say nothing of what is usual in it
WEIGHT = {"corrupt": 1.0, "no_box": 0.5, "label_conflict": 0.6}  # of a finding at the start, times its score; else .5
COPIES = ("exact_duplicate", "near_duplicate")  # these say nothing of what is on a picture


@dataclass(frozen=True, slots=True)
class Frame:
    """How a project's vectors, those of all its networks side by side, become components."""

    mean: np.ndarray  # (D,) float32
    spread: np.ndarray  # (D,) float32
    axes: np.ndarray  # (D, d) float32

    def of(self, views: Sequence[np.ndarray]) -> np.ndarray:
        """(N, D1), (N, D2) ... -> (N, d) float32. What is no number lies in the middle: it says nothing."""
        out = np.empty((len(views[0]), self.axes.shape[1]), np.float32)
        for start in range(0, len(out), BLOCK):
            some = np.hstack([one[start : start + BLOCK] for one in views]).astype(np.float32)
            out[start : start + BLOCK] = np.nan_to_num((some - self.mean) / self.spread, copy=False) @ self.axes
        return out


@dataclass(frozen=True, slots=True)
class Described:
    """N pictures in order of their number."""

    ids: np.ndarray  # (N,) int64
    rows: np.ndarray  # (N, D) float32: components of the vectors, zeros where nothing is known; and the class
    classes: np.ndarray  # (N,) int32: the class a source gave it
    cold: np.ndarray  # (N,) float32 in 0..1: how strange it is before anybody said a word; 0.5 is doubtful
    known: np.ndarray  # (N,) bool: whether it has a vector
    names: tuple[str, ...]  # of the classes
    by: str  # the embedder's key; "" = no vectors at all
    frame: Frame | None = None  # of the rows, without the class; None where there are none

    def place(self, image: int) -> int | None:
        """Which of the N an image is; None where it is none of them."""
        at = int(np.searchsorted(self.ids, image))
        return at if at < len(self.ids) and self.ids[at] == image else None


def views(store: Store, project: Project) -> list[str]:
    """Whose vectors describe the pictures: the embedder's, and the detector's where the pictures are cropped by one that
    gives any. Those of other networks and other weights that were used before are left alone."""
    from core.clean import last

    main, detector = last(store, project).get("embedder"), project.cleaning.crop.detector
    there = store.embedded(project.id)
    return [by for by in there if by == main] + [by for by in there if by.partition("@")[0] == detector]


def describe(store: Store, project: Project, folder: Path | None = None) -> Described:
    """All pictures of the project. `folder`: where what was computed is kept, and taken from as long as nothing changed."""
    labelled = store.source_labels(project.id)
    ids = np.array([image for image, _ in labelled], np.int64)
    names = tuple(sorted({label for _, label in labelled}))
    number = {name: n for n, name in enumerate(names)}
    classes = np.array([number[label] for _, label in labelled], np.int32)
    by = views(store, project)
    rows, known, strange, frame = _rows(store, project, by, ids, classes, folder)
    cold = 1 / (1 + np.exp(1.5 - strange))
    place = {image: n for n, image in enumerate(ids.tolist())}
    for one in store.findings(project.id):
        at = place.get(one.image)
        if at is not None and one.kind not in COPIES:
            cold[at] = max(cold[at], one.score * WEIGHT.get(one.kind, 0.5))
    return Described(ids, rows, classes, cold.astype(np.float32), known, names, " and ".join(by), frame)


def _rows(
    store: Store, project: Project, by: Sequence[str], ids: np.ndarray, classes: np.ndarray, folder: Path | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Frame | None]:
    """(N, D) components, (N,) which are known, (N,) strangeness, and what made the components; kept in `folder`."""
    known, strange = np.zeros(len(ids), bool), np.zeros(len(ids))
    if not by or not len(ids):
        return np.zeros((len(ids), 0), np.float32), known, strange, None
    of = json.dumps([project.name, *by, int(ids[-1]), len(ids), project.cleaning.checked])
    name = f"{project.id}-{hashlib.sha256(of.encode()).hexdigest()[:24]}.npz"
    if folder is None:
        return _computed(store, project.id, by, ids, classes)
    # It is not there, or not whole: then it is made again.
    with suppress(OSError, ValueError, KeyError, BadZipFile), np.load(folder / name) as held:
        frame = Frame(held["mean"], held["spread"], held["axes"])
        return held["rows"], held["known"], held["strange"], frame if frame.axes.size else None
    rows, known, strange, frame = _computed(store, project.id, by, ids, classes)
    none = np.zeros((0, 0), np.float32)
    mean, spread, axes = (frame.mean, frame.spread, frame.axes) if frame else (none, none, none)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{uuid.uuid4().hex}.part.npz"
    np.savez(part, rows=rows, known=known, strange=strange, mean=mean, spread=spread, axes=axes)
    part.replace(folder / name)
    for old in folder.glob(f"{project.id}-*.npz"):
        if old.name != name:
            old.unlink(missing_ok=True)
    return rows, known, strange, frame


def _computed(
    store: Store, project: int, by: Sequence[str], ids: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Frame | None]:
    """The same, from the vectors."""
    found = [vectors_of(store, project, one, ids) for one in by]
    known = np.any([there for there, _ in found], axis=0)
    strange = np.zeros(len(ids))
    at = np.flatnonzero(known)
    if len(at) < 2:
        return np.zeros((len(ids), 0), np.float32), known, strange, None
    some = [vectors[at] for _, vectors in found]
    frame = frame_of(some)
    components = frame.of(some)
    rows = np.zeros((len(ids), components.shape[1]), np.float32)
    rows[at] = components
    there, vectors = found[0]
    usual = np.bincount(classes[there], minlength=int(classes.max()) + 1) >= LEAST
    some = np.flatnonzero(there & usual[classes])
    if len(some):
        of = np.unique(classes[some], return_inverse=True)[1]
        strange[some] = unlikely(vectors[some], of, _copies(store, project, ids[some]))
    return np.hstack([rows, labels(classes)]), known, strange, frame


def vectors_of(store: Store, project: int, by: str, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) which pictures have one of this network, and (N, D) float16, zeros where they have none."""
    there, vectors = np.zeros(len(ids), bool), np.zeros((len(ids), 0), np.float16)
    for image, vector, _ in store.embeddings(project, by):
        n = int(np.searchsorted(ids, image))
        if n < len(ids) and ids[n] == image:
            if not vectors.shape[1]:
                vectors = np.zeros((len(ids), len(vector) // 2), np.float16)
            there[n], vectors[n] = True, np.frombuffer(vector, "<f2")
    return there, vectors


def _copies(store: Store, project: int, ids: np.ndarray) -> np.ndarray:
    """(N,) the number of the photo that each picture is: copies share one."""
    group = {image: name for kind in COPIES for image, name in store.groups(project, kind).items()}
    number: dict[str, int] = {}
    return np.array([number.setdefault(group.get(image, f"image {image}"), len(number)) for image in ids.tolist()])


def unlikely(vectors: np.ndarray, classes: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """(N,) how little each picture looks like its class, in standard deviations: strange within it, and half as much like
    others. Each alone finds fewer; see tests/bench/README.md."""
    from core.clean.classes import probabilities, reduced, whitened
    from core.clean.outliers import strangeness

    rows = reduced(vectors)
    white = whitened(rows)
    strange = _standard(strangeness(rows, white, classes, copies))
    if not classes.max():
        return strange
    own = np.concatenate(
        [
            chances[np.arange(len(chances)), classes[some]]
            for some, chances, _ in probabilities(rows, white, classes, copies)
        ]
    )
    return _standard(strange + 0.5 * _standard(1 - own))


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(float(values.std()), 1e-9)


def labels(classes: np.ndarray) -> np.ndarray:
    """(N, C) float32: which class, around 0 and of a mean square length of CLASS^2; nothing where there is but one."""
    one = np.eye(int(classes.max()) + 1, dtype=np.float32)[classes]
    one -= one.mean(0)
    return one * np.float32(CLASS / max(float(np.sqrt((one**2).sum(1).mean())), 1e-6))


def frame_of(views: Sequence[np.ndarray]) -> Frame:
    """(N, D1), (N, D2) ... -> what gives the principal components of all views side by side, each of them brought to one
    spread, number by number, and to the same weight; the mean square of a row's length is 1."""
    step = max(1, len(views[0]) // SAMPLE)
    some = [one[::step].astype(np.float32) for one in views]
    mean, spread = (np.concatenate(each) for each in zip(*map(_scale, some), strict=True))
    rows = (np.hstack(some) - mean) / spread
    values, axes = np.linalg.eigh(rows.T @ rows / len(rows))
    axes = axes[:, ::-1][:, : min(DIMENSIONS, len(rows))]
    axes = (axes / np.sqrt(max(float(values[::-1][: axes.shape[1]].sum()), 1e-9))).astype(np.float32)
    return Frame(mean, spread, axes)


def _scale(some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, D) -> mean and spread of each number; what never changes counts for nothing."""
    spread = some.std(0)
    return some.mean(0), np.where(spread < 1e-6, np.inf, spread) * np.float32(np.sqrt(some.shape[1]))


def unit(rows: np.ndarray) -> np.ndarray:
    """(N, D) brought to length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
