"""Train a backbone from scratch on decoded pictures; resumable at each epoch, the best epoch kept.

`fit` is a generator: it yields about once a second where it stands and after each epoch its figures; closing it stops
the training and leaves a state that a later `fit` on the same folder goes on from.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import checkpoint
from core.backbones import backbone
from core.errors import BadInput
from core.model import Cropping, Recipe

if TYPE_CHECKING:
    import numpy as np
    import torch

WARMUP = 0.05  # share of all steps in which the learning rate rises from 0
CLIP = 5.0  # largest norm of a gradient: one bad batch must not undo an epoch
HALVINGS = 4  # times a batch is halved for want of memory before it is an error
SEEDS = 2**32  # seeds there are, from 0: what every generator that is fed from it takes
BACKGROUND = 200  # training pictures kept in a checkpoint for SHAP to compare with


@dataclass(frozen=True, slots=True)
class Pictures:
    """Decoded pictures and what they show; `pixels` may be mapped from disk."""

    pixels: np.ndarray  # (N, S, S, 3) uint8
    labels: np.ndarray  # (N,) int64, index into the classes

    def __len__(self) -> int:
        return len(self.labels)


def fit(
    recipe: Recipe, classes: Sequence[str], train: Pictures, val: Pictures, folder: Path,
    device: str = "auto", threads: int = 0, split: int | None = None, crop: Cropping = Cropping(),
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Train `recipe` and leave a checkpoint in `folder` (see `core.checkpoint.load`).

    Yields two kinds of rows. After each epoch: `epoch` (from 1), `loss`, `accuracy`, `val_loss`, `val_accuracy`, `lr`,
    `seconds` (of the epoch), `images_per_second` (of its training pass), `waiting` (share of that pass spent waiting for
    data, 0..1), `best` (whether it is the best epoch so far). Between them, about once a second: `epoch`, `images`,
    `of`, `loss` and no `val_loss`. A row may carry `warning`, a sentence to show.
    Where the folder holds the checkpoint of this recipe already there is nothing to do, and no row comes.
    The same recipe, pictures, device, precision and number of threads give the same model, stopped and resumed or not.

    `threads` is the number of CPU threads, 0 = what is faster just now (see `core.device.Pace`). `split` and `crop` are
    written down with the model: where its pictures came from, and how what it is asked about has to be cropped. Raises BadInput for
    pictures that cannot be learned from, a loss that is no number, or memory that does not suffice for a sixteenth of a
    batch; BadSetting for the device.
    """
    from core.device import device as find

    _check(recipe, classes, train, val)
    if checkpoint.finished(Path(folder), recipe, classes):
        return
    training = _Training(recipe, tuple(classes), train, val, Path(folder), find(device), threads)
    warnings = training.resume()
    while not training.finished():
        for row in training.epoch():
            if warnings:
                row["warning"] = " ".join(warnings)
                warnings = []
            yield row
    training.close(split, crop)


def _check(recipe: Recipe, classes: Sequence[str], train: Pictures, val: Pictures) -> None:
    import numpy as np

    if len(classes) < 2:
        raise BadInput(
            f"Training needs at least two classes, but there is {len(classes)}: keep pictures of a second one."
        )
    for name, pictures in (("train", train), ("validation", val)):
        counts = np.bincount(pictures.labels, minlength=len(classes)) if len(pictures) else np.zeros(len(classes))
        empty = [label for label, count in zip(classes, counts, strict=True) if not count]
        if not len(pictures):
            raise BadInput(f"The {name} part has no picture: keep some and split again.")
        if empty and name == "train":
            raise BadInput(f"No picture to train on for {', '.join(empty)}: keep more of it, or split without it.")
    size = backbone(recipe.backbone).size
    for pictures in (train, val):
        if pictures.pixels.shape != (len(pictures), size, size, 3):
            raise BadInput(
                f"{recipe.backbone} wants ({len(pictures)}, {size}, {size}, 3), got {pictures.pixels.shape}."
            )
    for key, least in (("epochs", 1), ("batch", 2), ("patience", 1)):
        if getattr(recipe, key) < least:
            raise BadInput(f"{key} = {getattr(recipe, key)} is too few: at least {least} was wanted.")
    if not 0 <= recipe.seed < SEEDS:
        raise BadInput(f"seed = {recipe.seed} is no seed: a whole number from 0 to {SEEDS - 1} was wanted.")
    if not recipe.lr > 0:
        raise BadInput(f"lr = {recipe.lr} does not train: a learning rate above 0 was wanted, such as 0.001.")


class _Training:
    """A training under way: the network, the optimiser, and where it stands."""

    def __init__(
        self, recipe: Recipe, classes: tuple[str, ...], train: Pictures, val: Pictures, folder: Path, where: torch.device,
        threads: int,
    ) -> None:  # fmt: skip
        import numpy as np
        import torch

        from core.device import Pace, keep_memory

        self.recipe, self.classes, self.folder, self.device = recipe, classes, folder, where
        self.val, self.seen = val, backbone(recipe.backbone)
        keep_memory()
        self.pace = Pace(threads, where)
        torch.manual_seed(recipe.seed)
        net = self.seen.build(len(classes))
        self.net = net.to(where).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=where.type in ("cpu", "cuda")
        )
        self.train = train
        self.labels = torch.as_tensor(np.asarray(train.labels, dtype=np.int64), device=where)
        counts = torch.bincount(self.labels, minlength=len(classes)).float()
        self.weight = counts.sum() / (len(classes) * counts) if recipe.class_weights else torch.ones_like(counts)
        # They are dealt evenly; one of a single picture would have no variance for batch norm.
        self.batches = min(math.ceil(len(train) / recipe.batch), max(1, len(train) // 2))
        self.done, self.parts, self.precision = 0, 1, ""  # epochs done; pieces a batch is cut into
        self.best: dict[str, torch.Tensor] = {}
        self.best_epoch, self.best_loss = 0, math.inf
        self.history: list[dict[str, Any]] = []

    def finished(self) -> bool:
        """All epochs are done, or the validation loss has not fallen for `patience` epochs."""
        return self.done >= self.recipe.epochs or (
            self.done > 0 and self.done - self.best_epoch >= self.recipe.patience
        )

    def resume(self) -> list[str]:
        """Go on from the newest whole state in the folder, if there is one; returns sentences to show."""
        import torch

        from core import device as devices

        found = checkpoint.load_state(self.folder)
        facts = found[1] if found else {}
        told = self._facts()
        if found and any(facts.get(key) != value for key, value in told.items()):
            raise BadInput(
                f"{self.folder} holds a training of another recipe or other pictures: choose another folder."
            )
        same_device = facts.get("device") == self.device.type
        self.precision = facts["precision"] if same_device else devices.precision(self.device, self.net, self.seen.size)
        self.dtype = devices.dtype(self.precision)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        if not found:
            return []
        tensors, facts, warnings = found
        self.net.load_state_dict(_under(tensors, "net."))
        self.best = _under(tensors, "best.")
        slots = self.optimiser.state_dict()
        for i, (name, parameter) in enumerate(self.net.named_parameters()):
            kept = _under(tensors, f"optimiser.{name}.")
            slots["state"][i] = {  # laid out in memory like the weight: the fused step reads both in that order
                key: torch.empty_like(parameter).copy_(t) if t.shape == parameter.shape else t
                for key, t in kept.items()
            }
        self.optimiser.load_state_dict(slots)
        if facts["scaler"]:
            self.scaler.load_state_dict(facts["scaler"])
        self.done, self.parts, self.history = facts["epoch"], facts["parts"], facts["history"]
        self.best_epoch, self.best_loss = facts["best_epoch"], facts["best_loss"]
        return warnings

    def _facts(self) -> dict[str, Any]:
        """What a state has to agree with."""
        pictures = [len(self.train), len(self.val)]
        return {"recipe": dataclasses.asdict(self.recipe), "classes": list(self.classes), "pictures": pictures}

    def epoch(self) -> Iterator[dict[str, Any]]:
        """One pass over the train part, one over validation, and the state written down."""
        import torch

        number, start = self.done + 1, time.perf_counter()
        draw = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + number)
        order = torch.randperm(len(self.train), generator=draw).tensor_split(self.batches)
        loss = torch.zeros((), device=self.device)
        right = torch.zeros((), device=self.device)
        images, waiting, lr, told, outside = 0, 0.0, 0.0, start, 0.0
        self.net.train()
        for step, rows in enumerate(order):
            self.pace.before(step)
            began = time.perf_counter()
            x, y = self._batch(rows, draw)
            waiting += time.perf_counter() - began
            lr = self._set_lr((number - 1) * self.batches + step)
            batch_loss, batch_right = self._step(x, y)
            self.pace.after(step, time.perf_counter() - began)
            loss, right, images = loss + batch_loss, right + batch_right, images + len(rows)
            if step + 1 < self.batches and time.perf_counter() - told > 1:
                self._finite(loss, number)
                told = time.perf_counter()
                yield {"epoch": number, "images": images, "of": len(self.train), "loss": loss.item() / images}
                outside += time.perf_counter() - told  # what the one who watches does is not training
        self._finite(loss, number)
        seconds = time.perf_counter() - start - outside
        row = {
            "epoch": number, "loss": loss.item() / images, "accuracy": right.item() / images, "lr": lr,
            "images_per_second": images / seconds, "waiting": waiting / seconds, **self._validate(),
        }  # fmt: skip
        row["best"] = row["val_loss"] < self.best_loss
        if row["best"]:
            self.best_loss, self.best_epoch = row["val_loss"], number
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in self.net.state_dict().items()}
        row["seconds"] = time.perf_counter() - start - outside
        self.done = number
        self.history.append(dict(row))
        self._save()
        yield row

    def _batch(self, rows: torch.Tensor, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, S, S) float32 on the device, channels-last and augmented, and (B,) labels."""
        import torch

        from core.augment import augment

        pixels = torch.from_numpy(self.train.pixels[rows.numpy()])
        x = augment(pixels, self.recipe.augment, self.seen.mean, self.seen.std, self.device, draw)
        return x.contiguous(memory_format=torch.channels_last), self.labels[rows.to(self.device)]

    def _set_lr(self, step: int) -> float:
        """A short linear rise, then half a cosine down to 0 (Loshchilov and Hutter 2017); a function of the step alone."""
        total = self.batches * self.recipe.epochs
        warm = max(1, round(total * WARMUP))
        if step < warm:
            share = (step + 1) / warm
        else:
            share = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.lr * share
        return self.recipe.lr * share

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One step of the optimiser; returns the summed loss and how many were right.

        Where memory does not suffice the batch is cut into twice as many parts, whose gradients add up to the same.
        """
        import torch

        while True:
            try:
                return self._accumulate(x, y)
            except torch.OutOfMemoryError:
                self.optimiser.zero_grad(set_to_none=True)
                if self.parts >= 2**HALVINGS or self.parts * 2 > len(y) // 2:
                    raise BadInput(
                        f"Not even {max(2, len(y) // self.parts)} pictures at once fit into the memory of"
                        f" {self.device.type}: close what else uses it, or choose a smaller backbone."
                    ) from None
                self.parts *= 2

    def _accumulate(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        from torch.nn.functional import cross_entropy

        total = self.weight[y].sum()
        loss = right = total.new_zeros(())
        parts = min(self.parts, max(1, len(y) // 2))  # a batch may be one picture smaller than the one that was cut
        for part_x, part_y in zip(x.tensor_split(parts), y.tensor_split(parts), strict=True):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
                out = self.net(part_x)
            out = out.float()
            sum_loss = cross_entropy(
                out, part_y, self.weight, reduction="sum", label_smoothing=self.recipe.label_smoothing
            )
            self.scaler.scale(sum_loss / total).backward()
            loss = loss + sum_loss.detach() / total * len(y)
            right = right + (out.detach().argmax(1) == part_y).sum()
        self.scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        return loss, right

    def _finite(self, loss: torch.Tensor, epoch: int) -> None:
        if not math.isfinite(loss.item()):
            raise BadInput(
                f"The training of {self.recipe.name} stopped in epoch {epoch}: its loss is not a number any more."
                f" Try a learning rate lower than {self.recipe.lr:g}."
            )

    def _validate(self) -> dict[str, float]:
        """Plain cross-entropy (no smoothing, no weights) and accuracy on validation."""
        import numpy as np

        from core.evaluate import logits, softmax

        self.net.eval()
        out = logits(self.net, self.val.pixels, self.seen.mean, self.seen.std, self.device, self.dtype)
        chance = softmax(out)[np.arange(len(self.val)), self.val.labels]
        right = out.argmax(axis=1) == self.val.labels
        return {"val_loss": float(-np.log(chance + 1e-300).mean()), "val_accuracy": float(right.mean())}

    def _save(self) -> None:
        tensors = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        names = [name for name, _ in self.net.named_parameters()]
        for i, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{names[i]}.{key}": tensor for key, tensor in slots.items()}
        facts = {
            **self._facts(), "device": self.device.type, "precision": self.precision, "parts": self.parts,
            "best_epoch": self.best_epoch, "best_loss": self.best_loss, "history": self.history,
            "scaler": self.scaler.state_dict(),
        }  # fmt: skip
        checkpoint.save_state(self.folder, self.done, tensors, facts)

    def close(self, split: int | None, crop: Cropping) -> None:
        """Calibrate the best epoch on validation, write the checkpoint, drop the states."""
        import numpy as np
        import torch

        from core.device import describe
        from core.evaluate import logits, temperature

        self.net.load_state_dict(self.best)
        best = checkpoint.folded(self.net)
        out = logits(best, self.val.pixels, self.seen.mean, self.seen.std, self.device)
        labels = np.asarray(self.val.labels, dtype=np.int64)
        rows = np.sort(np.random.default_rng(self.recipe.seed).permutation(len(self.train))[:BACKGROUND])
        validation = {
            "logits": torch.from_numpy(out), "labels": torch.from_numpy(labels),
            "background": torch.from_numpy(np.ascontiguousarray(self.train.pixels[rows])),
        }  # fmt: skip
        metrics = {
            **self.history[self.best_epoch - 1], "best_epoch": self.best_epoch, "epochs": self.done,
            "images_per_second": float(np.median([row["images_per_second"] for row in self.history])),
            "waiting": float(np.median([row["waiting"] for row in self.history])),
            "seconds": sum(row["seconds"] for row in self.history), "device": describe(self.device),
            "precision": self.precision, "threads": torch.get_num_threads(), "history": self.history,
        }  # fmt: skip
        metrics["val_accuracy"] = float((out.argmax(axis=1) == labels).mean())
        checkpoint.save(
            self.folder,
            self.recipe,
            self.classes,
            self.best,
            validation,
            temperature(out, labels),
            split,
            metrics,
            crop,
        )
        for state in self.folder.glob("state-*.json"):
            checkpoint.drop_state(state)


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
