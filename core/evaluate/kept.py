"""What every model said of every picture of an evaluation, kept on disk for curves, thresholds and lists.

A folder holds `probabilities.npy`, (M, N, C) float32, calibrated, in the order of the evaluation's models; `images.npy`
and `labels.npy`, (N,) int64 (-1 = none of the classes). It is written beside and renamed as one, and may be deleted at
any time: the figures are in the database, and evaluating again makes it again.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import orphans
from core.cache import mapped, opened


@dataclass(frozen=True, slots=True)
class Kept:
    images: np.ndarray  # (N,) int64
    labels: np.ndarray  # (N,) int64
    probabilities: np.ndarray  # (M, N, C) float32, mapped from disk


@contextmanager
def keep(folder: Path, images: np.ndarray, labels: np.ndarray, models: int, classes: int) -> Iterator[np.ndarray]:
    """The (M, N, C) array to be written to; it takes its place in `folder` at the end. Raises OSError on a full disk."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    orphans.remove(folder.parent)
    part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.part")
    part.mkdir()
    try:
        np.save(part / "images.npy", images)
        np.save(part / "labels.npy", labels)
        array = mapped(part / "probabilities.npy", np.dtype(np.float32), (models, len(images), classes))
        yield array
        array.flush()
        shutil.rmtree(folder, ignore_errors=True)  # of an attempt that was killed before its row was stored
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def read(folder: Path) -> Kept | None:
    """What was kept; None where it is not there, or not whole."""
    images, labels, said = (opened(folder / f"{name}.npy") for name in ("images", "labels", "probabilities"))
    if images is None or labels is None or said is None or said.shape[1:2] != images.shape:
        return None
    return Kept(np.array(images), np.array(labels), said)


def precision_recall(
    scores: np.ndarray, of: np.ndarray, most: int = 200
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The precision-recall curve of (N,) scores against (N,) bool: precision, recall, threshold, and average precision.

    A threshold stands beside each point; of many points `most` are kept, evenly by recall. No picture of the class: nothing.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    if not of.any():
        return np.empty(0), np.empty(0), np.empty(0), float("nan")
    precision, recall, thresholds = precision_recall_curve(of, scores)
    precision, recall = precision[:-1], recall[:-1]  # the last point is no threshold's
    if len(recall) > most:
        # Of the points with one recall the last one, whose precision is the highest: recall falls from point to point.
        at = np.unique(np.searchsorted(-recall, -np.linspace(1, 0, most), "right").clip(1) - 1)
        precision, recall, thresholds = precision[at], recall[at], thresholds[at]
    return precision, recall, thresholds, float(average_precision_score(of, scores))
