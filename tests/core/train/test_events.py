"""Event files for TensorBoard, read back by TensorBoard."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.errors import BadSetting
from core.train.events import FIGURES, events


def row(epoch: int, value: float) -> dict:
    return {"epoch": epoch, **dict.fromkeys(FIGURES, value)}


def read(folder: Path, name: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return [(scalar.step, round(scalar.value, 3)) for scalar in found.Scalars(name)]


def test_each_epoch_is_a_point_of_every_curve(tmp_path: Path) -> None:
    with events(tmp_path, True, 0) as note:
        note(row(1, 0.5))
        note(row(2, 0.25))
    for name in FIGURES:
        assert read(tmp_path, name) == [(1, 0.5), (2, 0.25)]


def test_a_training_that_goes_on_leaves_no_epoch_twice(tmp_path: Path) -> None:
    with events(tmp_path, True, 0) as note:
        for epoch in (1, 2, 3):
            note(row(epoch, 0.5))
    with events(tmp_path, True, 2) as note:  # killed before the third was stored
        note(row(3, 0.125))
    assert read(tmp_path, "val_loss") == [(1, 0.5), (2, 0.5), (3, 0.125)]


def test_unasked_nothing_is_written(tmp_path: Path) -> None:
    with events(tmp_path, False, 0) as note:
        note(row(1, 0.5))
    assert not list(tmp_path.iterdir())


def test_without_the_package_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(BadSetting, match="WINNOW_TENSORBOARD.*pip install tensorboard"), events(tmp_path, True, 0):
        pass
