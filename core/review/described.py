"""What is known of every picture before anybody looked at it: its vector, its class, what cleaning noticed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.model import Project
    from db.store import Store

DIMENSIONS = 384  # principal components of the vectors
SAMPLE = 20_000  # pictures that they are found on
WEIGHT = {"corrupt": 1.0, "no_box": 0.5, "label_conflict": 0.6}  # of a finding at the start, times its score; else .5
COPIES = ("exact_duplicate", "near_duplicate")  # these say nothing of what is on a picture


@dataclass(frozen=True, slots=True)
class Described:
    """N pictures in order of their number."""

    ids: np.ndarray  # (N,) int64
    rows: np.ndarray  # (N, D) float32: components of one spread, zeros where nothing is known
    classes: np.ndarray  # (N,) int32: the class a source gave it
    cold: np.ndarray  # (N,) float32 in 0..1: how strange it is before anybody said a word; 0.5 is doubtful
    known: np.ndarray  # (N,) bool: whether it has a vector
    names: tuple[str, ...]  # of the classes
    by: str  # the embedder's key; "" = no vectors at all


def network(store: Store, project: Project) -> str:
    """The embedder of the newest clean; "" where the project was never cleaned."""
    jobs = [job for verb in ("clean", "demo", "split") for job in store.jobs(project.id, verb)]
    for job in sorted(jobs, key=lambda job: -job.id):
        of = job.result.get("clean", job.result) if job.status == "done" else {}
        if isinstance(of, dict) and of.get("embedder"):
            return str(of["embedder"])
    return ""


def describe(store: Store, project: Project, folder: Path | None = None) -> Described:
    """All pictures of the project. `folder`: where what was computed is kept, and taken from as long as nothing changed."""
    labelled = store.source_labels(project.id)
    ids = np.array([image for image, _ in labelled], np.int64)
    names = tuple(sorted({label for _, label in labelled}))
    number = {name: n for n, name in enumerate(names)}
    classes = np.array([number[label] for _, label in labelled], np.int32)
    by = network(store, project)
    rows, known, strange = _rows(store, project, by, ids, classes, folder)
    cold = 1 / (1 + np.exp(-1.5 * (strange - 1.5)))
    place = {image: n for n, image in enumerate(ids.tolist())}
    for one in store.findings(project.id):
        at = place.get(one.image)
        if at is not None and one.kind not in COPIES:
            cold[at] = max(cold[at], one.score * WEIGHT.get(one.kind, 0.5))
    return Described(ids, rows, classes, cold.astype(np.float32), known, names, by)


def _rows(
    store: Store, project: Project, by: str, ids: np.ndarray, classes: np.ndarray, folder: Path | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, D) components, (N,) which are known, (N,) strangeness; kept in `folder`."""
    known, strange = np.zeros(len(ids), bool), np.zeros(len(ids))
    if not by or not len(ids):
        return np.zeros((len(ids), 0), np.float32), known, strange
    of = json.dumps([project.name, project.id, by, int(ids[-1]), len(ids), project.cleaning.checked])
    file = folder and folder / f"{hashlib.sha256(of.encode()).hexdigest()[:24]}.npz"
    if file and file.exists():
        with np.load(file) as held:
            return held["rows"], held["known"], held["strange"]
    rows, known, strange = _computed(store, project.id, by, ids, classes)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez(part, rows=rows, known=known, strange=strange)
        part.replace(file)
    return rows, known, strange


def _computed(
    store: Store, project: int, by: str, ids: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from core.clean.classes import reduced, whitened
    from core.clean.outliers import strangeness

    rows, known, strange = np.zeros((len(ids), 0), np.float32), np.zeros(len(ids), bool), np.zeros(len(ids))
    found, at = [], []
    place = {image: n for n, image in enumerate(ids.tolist())}
    for image, vector, _ in store.embeddings(project, by):
        if image in place:
            at.append(place[image])
            found.append(np.frombuffer(vector, "<f2"))
    if len(found) < 2:
        return rows, known, strange
    where = np.array(at)
    known[where] = True
    vectors = np.stack(found)
    components = reduced(vectors)
    white = whitened(components)
    learned = components_of(vectors)
    rows = np.zeros((len(ids), learned.shape[1]), np.float32)
    rows[where] = learned
    sizes = np.bincount(classes[where])
    enough = sizes[classes[where]] >= 5
    if enough.any():
        copies = np.arange(len(where))
        groups: dict[str, int] = {}
        for kind in COPIES:
            for image, group in store.groups(project, kind).items():
                if image in place:
                    copies[np.flatnonzero(where == place[image])] = len(where) + groups.setdefault(group, len(groups))
        some = np.flatnonzero(enough)
        of = np.unique(classes[where[some]], return_inverse=True)[1]
        strange[where[some]] = strangeness(
            np.ascontiguousarray(components[some]), np.ascontiguousarray(white[some]), of, copies[some]
        )
    return rows, known, strange


def components_of(vectors: np.ndarray) -> np.ndarray:
    """(N, D) -> (N, d) float32: the principal components of what was first brought to one spread, number by number; the mean
    square of a row's length is 1."""
    some = vectors[:: max(1, len(vectors) // SAMPLE)].astype(np.float32)
    mean, spread = some.mean(0), some.std(0)
    spread[spread < 1e-6] = 1
    some = (some - mean) / spread
    values, axes = np.linalg.eigh(some.T @ some / len(some))
    axes = axes[:, ::-1][:, : min(DIMENSIONS, len(some))]
    axes = (axes / np.sqrt(max(values[::-1][: axes.shape[1]].sum(), 1e-9))).astype(np.float32)
    out = np.empty((len(vectors), axes.shape[1]), np.float32)
    for start in range(0, len(vectors), 4096):
        out[start : start + 4096] = ((vectors[start : start + 4096].astype(np.float32) - mean) / spread) @ axes
    return out
