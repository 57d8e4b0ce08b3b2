"""A training's figures as event files for TensorBoard, for those who look at all their trainings there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from core.errors import BadSetting

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "lr", "images_per_second")


class Note(Protocol):
    def __call__(self, row: Mapping[str, Any]) -> None: ...


def check(wanted: bool) -> None:
    """Raises BadSetting where they are `wanted` and the package tensorboard is missing."""
    if not wanted:
        return
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise BadSetting(
            "WINNOW_TENSORBOARD is on, but the package tensorboard is not installed: pip install tensorboard, or leave it out."
        ) from None


@contextmanager
def events(folder: Path, wanted: bool, done: int) -> Iterator[Note]:
    """What notes each epoch's row in event files in `folder`; nothing where it is not `wanted`.

    `done` epochs were noted by an earlier attempt; what it noted after them no longer counts. Raises as `check` does.
    """
    check(wanted)
    if not wanted:
        yield lambda row: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder), purge_step=done + 1) as writer:

        def note(row: Mapping[str, Any]) -> None:
            for name in FIGURES:
                writer.add_scalar(name, row[name], int(row["epoch"]))

        yield note
