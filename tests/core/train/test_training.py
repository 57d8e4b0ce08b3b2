"""Training: it learns, it stops and goes on, and it says in a sentence why it cannot."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import backbones
from core.checkpoint import load, load_state, save_state
from core.errors import BadInput, Damaged, Died, Missing
from core.model import Recipe
from core.train import Pictures, fit
from core.train.finder import find
from core.train.sentences import sentences
from core.train.training import Training
from tests.drawn import CLASSES, TINY, drawn, tiny, tiny_backbones

RECIPE = Recipe("tiny24", epochs=4, batch=12, lr=1e-3)
TRAIN, VAL = drawn(36, 24, 1), drawn(18, 24, 2)


@pytest.fixture(autouse=True)
def _tiny() -> Iterator[None]:
    with tiny_backbones():
        yield


def rows(folder: Path, recipe: Recipe = RECIPE, train: Pictures = TRAIN, val: Pictures = VAL, classes=CLASSES) -> list:
    return [row for row in fit(recipe, classes, train, val, folder, "cpu", threads=1) if "val_loss" in row]


def stop_after(epoch: int, folder: Path) -> None:
    training = fit(RECIPE, CLASSES, TRAIN, VAL, folder, "cpu", threads=1)
    for row in training:
        if "val_loss" in row and row["epoch"] == epoch:
            break
    training.close()


def without_times(row: dict) -> dict:
    unsteady = ("seconds", "images_per_second", "waiting", "warning", "worst")
    return {key: value for key, value in row.items() if key not in unsteady}


def test_it_learns_what_the_classes_look_like(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, backbone="vgg75-bn", epochs=5, augment=())
    seen = rows(tmp_path, recipe, drawn(60, 75, 1), drawn(18, 75, 2))
    assert [row["epoch"] for row in seen] == list(range(1, len(seen) + 1))
    assert seen[-1]["loss"] < seen[0]["loss"]
    model = load(tmp_path)
    assert (model.probabilities(drawn(60, 75, 3).pixels).argmax(1) == drawn(60, 75, 3).labels).mean() > 0.9
    assert model.metrics["device"] == "cpu" and model.metrics["precision"] in ("fp32", "bf16")


def test_each_epoch_tells_its_figures(tmp_path: Path) -> None:
    row = rows(tmp_path, dataclasses.replace(RECIPE, epochs=1))[0]
    assert set(row) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "lr", "seconds", "images_per_second",
        "waiting", "best", "worst",
    }  # fmt: skip
    assert 0 < row["waiting"] < 1 and row["images_per_second"] > 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_stopped_and_resumed_it_ends_bit_for_bit_as_if_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setattr("core.device.precision", lambda *_: precision)  # else measured anew for each training
    unbroken = rows(tmp_path / "unbroken")
    stop_after(2, tmp_path / "broken")
    assert load(tmp_path / "broken").metrics["epochs"] == 2  # what it had learned until then can be asked already
    rest = rows(tmp_path / "broken")
    assert [row["epoch"] for row in rest] == [3, 4]
    for ours, theirs in zip(rest, unbroken[2:], strict=True):
        assert without_times(ours) == without_times(theirs)
    one, two = load(tmp_path / "broken"), load(tmp_path / "unbroken")
    assert np.array_equal(one.val_logits, two.val_logits)
    assert [row["epoch"] for row in one.metrics["history"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("end", [".safetensors", ".json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_a_damaged_state_gives_way_to_the_one_before_with_a_warning(tmp_path: Path, harm: str, end: str) -> None:
    stop_after(3, tmp_path)
    [path] = tmp_path.glob(f"state-00003*{end}")
    data = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    seen = rows(tmp_path)
    if (harm, end) == ("gone", ".json"):  # as if killed before the state was complete: nothing is wrong
        assert "warning" not in seen[0] and seen[0]["epoch"] == 3
    else:
        assert "state-00003" in seen[0]["warning"] and seen[0]["epoch"] == 3
        assert "warning" not in seen[1]


def test_with_every_state_damaged_it_says_so_and_trains_nothing(tmp_path: Path) -> None:
    stop_after(2, tmp_path)
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(Damaged, match="No state"):
        rows(tmp_path)


def test_a_state_of_the_first_release_goes_on(tmp_path: Path) -> None:
    stop_after(2, tmp_path)
    for path in tmp_path.glob("checkpoint.json"):
        path.unlink()  # a stopped training left none
    tensors, facts, _ = load_state(tmp_path) or pytest.fail("there is no state")
    old = {
        key: facts["recipe"][key] for key in ("backbone", "epochs", "batch", "lr", "weight_decay", "patience", "seed")
    }
    history = [
        {key: value for key, value in row.items() if key not in ("val_macro_f1", "worst")} for row in facts["history"]
    ]
    facts |= {"recipe": old | {"label_smoothing": 0.05, "augment": True, "class_weights": True}, "history": history}
    facts["best_loss"] = facts.pop("best_value")
    tensors.pop("best_logits")
    save_state(tmp_path, 2, tensors, {key: value for key, value in facts.items() if key != "batch"})
    training = fit(RECIPE, CLASSES, TRAIN, VAL, tmp_path, "cpu", threads=1)
    assert next(row for row in training if "val_loss" in row)["epoch"] == 3
    training.close()
    assert load(tmp_path).metrics["epochs"] == 3


def test_validation_that_is_no_number_stops_the_training_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.full((len(VAL), 3), np.nan, np.float32)
    monkeypatch.setattr("core.evaluate.logits", lambda *_, **__: nothing)
    with pytest.raises(BadInput, match="epoch 1: its loss is not a number"):
        rows(tmp_path, dataclasses.replace(RECIPE, epochs=1))


def test_where_all_is_to_be_the_same_nothing_is_chosen_by_how_fast_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.device.precision", lambda *_: pytest.fail("it was timed"))
    monkeypatch.setattr("core.device.cores", lambda: 2)
    monkeypatch.setattr("time.perf_counter", iter(np.random.default_rng(3).random(10_000).cumsum()).__next__)
    recipe = dataclasses.replace(RECIPE, deterministic=True)
    seen = [list(fit(recipe, CLASSES, TRAIN, VAL, tmp_path / str(i), "cpu", threads=0)) for i in (1, 2)]
    ended = [[without_times(row) for row in each if "val_loss" in row] for each in seen]
    assert ended[0] == ended[1] and load(tmp_path / "1").metrics["precision"] == "fp32"
    assert torch.get_num_threads() == 2


def test_a_batch_that_is_to_be_found_is_told_and_kept_for_a_training_that_goes_on(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, batch=0, epochs=2)
    training = fit(recipe, CLASSES, TRAIN, VAL, tmp_path, "cpu", threads=1)
    first = next(row for row in training if row.get("warning"))
    training.close()
    assert "16 pictures at once train fastest on cpu" in first["warning"]  # more would leave less than 20 steps
    assert "warning" not in rows(tmp_path, recipe)[0]
    assert load(tmp_path).metrics["batch"] == 16


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    stop_after(1, tmp_path)
    with pytest.raises(BadInput, match="another recipe"):
        rows(tmp_path, dataclasses.replace(RECIPE, lr=0.5))


def test_when_it_is_done_only_the_checkpoint_is_left(tmp_path: Path) -> None:
    rows(tmp_path)
    left = sorted(path.name.partition("-")[0] for path in tmp_path.iterdir())
    assert left == ["checkpoint.json", "model", "validation"]


def test_a_training_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    rows(tmp_path)
    before = (tmp_path / "checkpoint.json").read_bytes()
    save_state(tmp_path, 4, {"net.w": torch.zeros(1)}, {})  # as if killed before the states were gone
    assert rows(tmp_path) == [] and (tmp_path / "checkpoint.json").read_bytes() == before
    assert not list(tmp_path.glob("state-*"))


def test_it_stops_early_when_validation_gets_no_better(tmp_path: Path) -> None:
    noise = Pictures(VAL.pixels, np.roll(VAL.labels, 1))  # what is learned is wrong here, ever more so
    seen = rows(tmp_path, dataclasses.replace(RECIPE, epochs=30, patience=2, augment=()), val=noise)
    assert len(seen) < 30 and not seen[-1]["best"] and not seen[-2]["best"] and seen[-3]["best"]
    assert load(tmp_path).metrics["best_epoch"] == len(seen) - 2


def test_the_learning_rate_rises_then_falls_to_nothing(tmp_path: Path) -> None:
    rates = [row["lr"] for row in rows(tmp_path)]
    assert rates == sorted(rates, reverse=True) and rates[0] <= RECIPE.lr and rates[-1] < RECIPE.lr / 10


def test_a_loss_that_is_no_number_stops_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a number any more.*lower than 1e\\+30"):
        rows(tmp_path, dataclasses.replace(RECIPE, lr=1e30))


def test_no_better_than_guessing_after_five_epochs_it_says_so_once(tmp_path: Path) -> None:
    lost = rows(tmp_path / "lost", dataclasses.replace(RECIPE, epochs=7, lr=1e-9))
    assert ["hardly better than guessing" in row.get("warning", "") for row in lost] == [False] * 4 + [
        True,
        False,
        False,
    ]
    assert "another learning rate than 1e-09" in lost[4]["warning"]
    assert not any("warning" in row for row in rows(tmp_path / "fine", dataclasses.replace(RECIPE, epochs=6, lr=1e-2)))


@pytest.mark.parametrize(
    ("train", "val", "classes", "sentence"),
    [
        (Pictures(TRAIN.pixels, TRAIN.labels % 2), VAL, CLASSES, "No picture to train on for blue"),
        (Pictures(TRAIN.pixels[:0], TRAIN.labels[:0]), VAL, CLASSES, "The train part has no picture"),
        (TRAIN, Pictures(VAL.pixels[:0], VAL.labels[:0]), CLASSES, "The validation part has no picture"),
        (Pictures(TRAIN.pixels, TRAIN.labels * 0), VAL, ("red",), "at least two classes"),
        (drawn(9, 100, 1), VAL, CLASSES, "24, 24"),
    ],
)
def test_pictures_that_cannot_be_learned_from_are_refused(tmp_path: Path, train, val, classes, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        rows(tmp_path, train=train, val=val, classes=classes)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("batch", 1),
        ("patience", 0),
        ("lr", 0.0),
        ("seed", -1),
        ("seed", 2**32),
        ("backbone", "vgg57-bn"),
    ],
)
def test_a_recipe_that_cannot_train_is_refused_by_name(tmp_path: Path, key: str, value) -> None:
    with pytest.raises(BadInput, match="vgg75-bn" if key == "backbone" else key):
        rows(tmp_path, dataclasses.replace(RECIPE, **{key: value}))


def test_one_picture_in_a_class_is_enough_to_train(tmp_path: Path) -> None:
    assert len(rows(tmp_path, dataclasses.replace(RECIPE, epochs=1), train=drawn(3, 24, 1))) == 1


@pytest.mark.parametrize(("count", "batch"), [(3, 2), (5, 2), (25, 12), (25, 24), (7, 3)])
def test_no_batch_has_a_single_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, batch: int) -> None:
    sizes = []

    class Seen(nn.BatchNorm1d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                sizes.append(len(x))
            return super().forward(x)

    net = lambda classes, _: nn.Sequential(nn.Flatten(), Seen(24 * 24 * 3), nn.Linear(24 * 24 * 3, classes))  # noqa: E731
    monkeypatch.setitem(backbones.BACKBONES, "flat", dataclasses.replace(TINY["tiny24"], build=net))
    monkeypatch.setattr("core.device.precision", lambda *_: "fp32")  # it would be shown pictures too
    monkeypatch.setattr("core.checkpoint.folded", lambda net: net.eval())
    rows(tmp_path, dataclasses.replace(RECIPE, backbone="flat", batch=batch, epochs=2), train=drawn(count, 24, 1))
    assert min(sizes) >= 2 and sum(sizes) == 2 * count and max(sizes) <= batch + 1


class Cramped(nn.Module):
    """Memory for so many pictures at once, and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x


def without_norm(classes: int) -> list[nn.Module]:
    """Batch norm sees the part of the batch it is given, so only without it halves learn what the whole learns."""
    return [nn.Identity() if isinstance(layer, nn.BatchNorm2d) else layer for layer in tiny(classes, 24)]


def cramped(monkeypatch: pytest.MonkeyPatch, room: int) -> Recipe:
    net = lambda classes, _: nn.Sequential(Cramped(room), *without_norm(classes))  # noqa: E731
    tight = dataclasses.replace(TINY["tiny24"], build=net)
    monkeypatch.setitem(backbones.BACKBONES, "cramped", tight)
    monkeypatch.setattr("core.device.precision", lambda *_: "fp32")  # it would measure with 16 pictures
    return dataclasses.replace(RECIPE, backbone="cramped", augment=(), epochs=1)


def test_without_memory_the_batch_is_halved_and_learns_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = rows(tmp_path / "wide", cramped(monkeypatch, 12))[0]
    tight = rows(tmp_path / "tight", cramped(monkeypatch, 3))[0]
    assert without_times(tight) == pytest.approx(without_times(wide), rel=1e-3)


def test_a_cpu_that_is_out_of_memory_halves_the_batch_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = Cramped.forward

    def plain(self: Cramped, x: torch.Tensor) -> torch.Tensor:
        try:
            return forward(self, x)
        except torch.OutOfMemoryError:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
            ) from None

    recipe = cramped(monkeypatch, 3)
    monkeypatch.setattr(Cramped, "forward", plain)
    [row] = rows(tmp_path, recipe)
    assert "does not hold 12 pictures at once: they are taken in 4 parts" in row["warning"]


def test_a_loss_that_is_no_number_any_more_leaves_what_was_best_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = Training._losses
    monkeypatch.setattr(
        Training, "_losses", lambda self, out, y: losses(self, out, y) * (float("nan") if self.done == 2 else 1.0)
    )
    with pytest.raises(BadInput, match="stopped in epoch 3: its loss is not a number"):
        rows(tmp_path)
    model = load(tmp_path)
    assert model.metrics["epochs"] == 2 and not model.metrics["finished"]


def test_a_gpu_that_is_gone_is_said_and_is_no_fault_of_the_recipe() -> None:
    with pytest.raises(Died, match="stopped answering in epoch 4"), sentences(RECIPE, torch.device("cuda"), lambda: 3):
        raise RuntimeError("CUDA error: unspecified launch failure")


def test_the_mean_of_the_weights_follows_them_closely_at_first(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=8, ema=0.9999, augment=())
    assert rows(tmp_path, recipe)[-1]["val_accuracy"] > 0.9  # after 24 steps a plain mean is still where it began


def test_memory_that_is_full_before_the_first_epoch_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("core.device.precision", full)
    for begun in (fit(RECIPE, CLASSES, TRAIN, VAL, tmp_path, "cpu"), find(RECIPE, CLASSES, TRAIN, VAL, "cpu")):
        with pytest.raises(BadInput, match="The memory of cpu is full: close what else uses it"):
            next(begun)


def test_a_halved_batch_that_is_one_picture_smaller_has_no_part_of_a_single_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    recipe = dataclasses.replace(cramped(monkeypatch, 3), batch=8)
    forward = Cramped.forward

    def noting(self: Cramped, x: torch.Tensor) -> torch.Tensor:
        out = forward(self, x)
        if self.training:
            sizes.append(len(x))
        return out

    monkeypatch.setattr(Cramped, "forward", noting)
    rows(tmp_path, recipe, train=drawn(15, 24, 1))  # dealt 8 and 7
    assert sorted(sizes) == [2, 2, 2, 2, 2, 2, 3]


def test_it_gives_up_after_four_halvings_and_says_how_many_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match=r"Not even \d+ pictures at once fit into the memory of cpu"):
        rows(tmp_path, cramped(monkeypatch, 0))


RUN = """
import sys
from pathlib import Path
from core.model import Recipe
from core.train import fit
from tests.drawn import CLASSES, drawn, tiny_backbones

with tiny_backbones():
    recipe = Recipe("tiny24", epochs=60, batch=12, lr=1e-3, patience=60)
    for row in fit(recipe, CLASSES, drawn(36, 24, 1), drawn(18, 24, 2), Path(sys.argv[1]), "cpu", threads=1):
        print(row["epoch"], flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_repeats_at_most_the_epoch_under_way(tmp_path: Path) -> None:
    moments = random.Random()
    last = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(tmp_path)], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
        )
        seen = [int(process.stdout.readline())]
        assert seen[0] <= last + 1  # nothing before it is done again: at most the row it could not tell any more
        threading.Timer(moments.uniform(0, 0.3), process.kill).start()
        seen += [int(line) for line in process.stdout if line.strip()]
        process.wait()
        last = seen[-1]
    rest = rows(tmp_path, dataclasses.replace(RECIPE, epochs=60, patience=60))
    assert rest[0]["epoch"] in (last + 1, last + 2)  # + 2: it was killed between saving an epoch and telling of it
    assert [row["epoch"] for row in load(tmp_path).metrics["history"]] == list(range(1, 61))


@pytest.mark.slow
def test_compiled_it_learns_the_same_and_without_a_compiler_it_says_so(tmp_path: Path) -> None:
    import torch._inductor.config

    recipe = dataclasses.replace(RECIPE, epochs=2, augment=())
    plain, compiled = (rows(tmp_path / str(way), dataclasses.replace(recipe, compile=way)) for way in (False, True))
    np.testing.assert_allclose([r["val_loss"] for r in compiled], [r["val_loss"] for r in plain], rtol=0.05)
    torch._dynamo.reset()
    missing = torch._inductor.config.patch({"cpp.cxx": (None, "no-such-compiler"), "force_disable_caches": True})
    with missing, pytest.raises(Missing, match="no-such-compiler.*install a C"):
        rows(tmp_path / "none", dataclasses.replace(recipe, compile=True, batch=18))
