"""Several processes that train as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.checkpoint import load, metrics
from core.engine.local import Local
from core.errors import BadInput
from core.model import Recipe
from tests.core.train.work import ranks, trained

# SGD: with Adam a gradient that is twice as large would make the same step.
RECIPE = Recipe("simplecnn", size=32, epochs=3, batch=16, lr=0.02, optimiser="sgd", augment=())


def test_they_share_a_batch_add_up_agree_and_put_rows_together() -> None:
    [(total, share, agreed, rows, gradient, buffer)] = Local().train(ranks, {}, workers=2)
    assert total == [2.0, 1.0] and share == [0, 1, 2] and agreed == 0
    assert rows == [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
    assert gradient == [[3.0, 3.0], [3.0, 3.0]] and buffer == [0.0, 0.0]


def test_an_error_of_any_of_them_ends_all() -> None:
    with pytest.raises(BadInput, match="process 1 has no memory left"):
        list(Local().train(ranks, {"fails": 1}, workers=2))


@pytest.mark.slow
def test_two_learn_what_one_learns_and_one_goes_on_where_two_were_stopped(tmp_path: Path) -> None:
    def train(name: str, workers: int) -> list[dict]:
        rows = Local().train(trained, {"recipe": RECIPE, "folder": tmp_path / name}, workers)
        return [row for row in rows if "val_loss" in row]

    one, two = train("one", 1), train("two", 2)
    for key in ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "lr"):
        np.testing.assert_allclose([row[key] for row in two], [row[key] for row in one], rtol=2e-3, err_msg=key)
    weights = [load(tmp_path / name).net.state_dict() for name in ("one", "two")]
    for name, tensor in weights[0].items():
        np.testing.assert_allclose(weights[1][name], tensor, atol=2e-4)

    rows = Local().train(trained, {"recipe": RECIPE, "folder": tmp_path / "three"}, 2)
    while "val_loss" not in (row := next(rows)):
        pass
    rows.close()
    assert metrics(tmp_path / "three")["epochs"] == row["epoch"] == 1  # the best epoch so far was kept as a model
    rest = train("three", 1)
    assert [row["epoch"] for row in rest] == [2, 3]
    np.testing.assert_allclose(rest[-1]["val_loss"], one[-1]["val_loss"], rtol=2e-3)


@pytest.mark.slow
def test_one_without_memory_cuts_its_share_and_leaves_the_other_neither_waiting_nor_wrong(tmp_path: Path) -> None:
    def train(name: str, **more: int) -> list[float]:
        rows = Local().train(trained, {"recipe": RECIPE, "folder": tmp_path / name, **more}, 2)
        return [row["val_loss"] for row in rows if "val_loss" in row]

    np.testing.assert_allclose(train("hungry", hungry=1), train("plain"), rtol=1e-3)
