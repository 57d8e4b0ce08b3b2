"""One training: the network, the optimiser, where it stands, and what it leaves behind."""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import checkpoint
from core.backbones import look, start
from core.device import out_of_memory
from core.errors import BadInput
from core.model import Cropping, Recipe
from core.recipes import BASELINES
from core.train import end, optimise, state
from core.train.batch import fastest
from core.train.features import features
from core.train.feed import Feed, Pictures
from core.train.together import Together

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

CLIP = 5.0  # largest norm of a gradient: one bad batch must not undo an epoch
HEAD_BATCH = 64  # features at once, where none are said
HALVINGS = 4  # times a batch is halved for want of memory before it is an error
HOPE = 5  # epochs after which a network should be better than guessing
WORST = 12  # validation pictures told with each epoch


class Training:
    """A training under way. `net` is what learns: the whole network, or the head of a frozen one, which then reads
    features of the pictures in the place of the pictures."""

    def __init__(
        self, recipe: Recipe, classes: tuple[str, ...], train: Pictures, val: Pictures, folder: Path, where: torch.device,
        threads: int, weights: Path | None,
    ) -> None:  # fmt: skip
        import numpy as np
        import torch

        from core.device import Pace, cores, keep_memory

        self.recipe, self.classes, self.folder, self.device = recipe, classes, folder, where
        self.train, self.val, self.seen, self._weights = train, val, look(recipe), weights
        self.together = Together(where)  # before anything is put on a GPU: which one is said there
        keep_memory()
        # Sums of other lengths are rounded otherwise: where all is to be the same, nothing is chosen by how fast it is.
        self.pace = Pace(threads or (cores() if recipe.deterministic else 0), where)
        if recipe.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS sums in an order of its own
        torch.use_deterministic_algorithms(recipe.deterministic, warn_only=True)
        torch.manual_seed(recipe.seed)
        whole = start(recipe, len(classes), weights)
        optimise.freeze(whole, recipe)
        self.whole = whole.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.net, self.front = self.whole, None
        if recipe.train == "head":
            layers = list(self.whole.named_children())
            at = [name for name, _ in layers].index("trunk") + 1
            self.front = torch.nn.Sequential(OrderedDict(layers[:at])).eval()
            self.net = torch.nn.Sequential(OrderedDict(layers[at:]))
        self.inputs = (train.pixels, val.pixels)  # or their features
        self.labels = torch.as_tensor(np.asarray(train.labels, dtype=np.int64), device=where)
        counts = torch.bincount(self.labels, minlength=len(classes)).float()
        self.rarity = counts.sum() / (len(classes) * counts)  # of each class: 1 where all have as many pictures
        self.weight = self.rarity if recipe.balance == "weights" else torch.ones_like(counts)
        movable = torch.tensor([label not in recipe.fixed_sides for label in classes])
        self.mirror = movable[torch.as_tensor(train.labels)] if recipe.fixed_sides else None
        self.done, self.parts, self.precision = 0, 1, ""  # epochs done; pieces a batch is cut into
        self.best: dict[str, torch.Tensor] = {}
        self.best_epoch, self.best_value, self.best_logits = 0, math.inf, torch.zeros(0)
        self.history: list[dict[str, Any]] = []
        self._told: list[str] = []

    # where it stands -------------------------------------------------------------------------------------------------

    def resume(self) -> list[str]:
        """Go on from the newest whole state in the folder, if there is one; returns sentences to show."""
        import torch
        from torch.optim.swa_utils import AveragedModel

        from core import device as devices

        recipe, found = self.recipe, checkpoint.load_state(self.folder)
        if recipe.head in BASELINES:  # solved at once: it stands nowhere in between
            self.batch, self.precision, self.dtype, self.mean = 0, "fp32", None, None
            return []
        facts = found[1] if found else {}
        if found and not state.fits(self, facts):
            raise BadInput(
                f"{self.folder} holds a training of another recipe, or of pictures that cannot all be read just now: train it"
                " again once they can, or anew."
            )
        if self.front is not None:
            self.precision = "fp32"  # a head is small: what half precision saves is less than what it costs
        elif facts.get("device") == self.device.type:
            self.precision = facts["precision"]
        elif recipe.deterministic and self.device.type == "cpu":
            self.precision = "fp32"
        else:
            self.precision = self.together.agree(lambda: devices.precision(self.device, self.net, self.seen.size))
        self.dtype = devices.dtype(self.precision)
        self.batch = int(facts.get("batch", recipe.batch)) or self.together.agree(self._find_batch)
        # They are dealt evenly; one of a single picture for a process would have no variance for batch norm.
        self.batches = min(
            math.ceil(len(self.train) / self.batch), max(1, len(self.train) // (2 * self.together.count))
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.optimiser = optimise.optimiser(self.net, recipe, self.device)
        self.mean = None
        if recipe.ema:
            self.mean = AveragedModel(self.net, use_buffers=True)
        self.forward = self._compiled() if recipe.compile else self.net
        if not found:
            return []
        tensors, facts, warnings = found
        state.restore(self, tensors, facts)
        return warnings

    def prepare(self, kept: Path | None) -> Iterator[dict[str, Any]]:
        """Of a frozen network: let it see every picture once. `kept` is a folder where that may stay."""
        if self.front is None:
            return
        from core.weights import digest, timm_file, versioned

        recipe, made = self.recipe, []
        version = versioned(recipe.backbone, digest(timm_file(recipe.backbone, self._weights)))
        name = f"{version}{'-gray' if recipe.gray else ''}-{self.seen.size}"
        for part in (self.train, self.val):
            file = kept / f"{part.key}-{name}.npy" if kept and part.key else None
            work = features(self.front, self.seen, part.pixels, self.device, file)
            while True:
                try:
                    yield {"epoch": 0, "images": next(work), "of": len(part)}
                except StopIteration as end:
                    made.append(end.value)
                    break
        self.inputs = (made[0], made[1])

    def finished(self) -> bool:
        """All epochs are done, or what is watched has not become better for `patience` epochs."""
        return self.done >= self.recipe.epochs or (
            self.done > 0 and self.done - self.best_epoch >= self.recipe.patience
        )

    def learning(self) -> list[tuple[str, nn.Parameter]]:
        """What the optimiser moves, by name, in its own order."""
        names = {id(weight): name for name, weight in self.net.named_parameters()}
        return [(names[id(weight)], weight) for weight in self._weights_that_learn()]

    def _weights_that_learn(self) -> list[nn.Parameter]:
        return [weight for group in self.optimiser.param_groups for weight in group["params"]]

    def _find_batch(self) -> int:
        if self.front is not None:
            return HEAD_BATCH
        each = fastest(self.net, self.seen.size, self.device, self.dtype, len(self.train) // self.together.count)
        found = each * self.together.count
        self._told.append(f"{found} pictures at once train fastest on {self.device.type}.")
        return found

    def _compiled(self) -> Any:
        import torch

        return torch.compile(self.net)

    # epochs ----------------------------------------------------------------------------------------------------------

    def epochs(self) -> Iterator[dict[str, Any]]:
        """Epoch after epoch until it is finished; rows as `core.train.fit` gives them."""
        import torch

        feed, validation = Feed(self.inputs[0], self.device), self.inputs[1]
        if self.device.type == "cuda":  # that of this training, not of a larger one before it
            torch.cuda.reset_peak_memory_stats(self.device)
        while not self.finished():
            yield from self._epoch(feed, validation)

    def _epoch(self, feed: Feed, validation: np.ndarray) -> Iterator[dict[str, Any]]:
        """One pass over the train part and one over validation, which count once they are noted."""
        import torch

        number, start = self.done + 1, time.perf_counter()
        seed = self.recipe.seed * 1_000_003 + number
        draw = torch.Generator().manual_seed(seed)
        order = self._order(draw)
        if self.together.rank:  # other changes of pictures, and other dropout, in each process
            seed += self.together.rank * 1_000_003
            draw.manual_seed(seed)
        torch.manual_seed(seed)
        loss = torch.zeros((), device=self.device)
        right = torch.zeros((), device=self.device)
        images, waiting, lr, told, outside = 0, 0.0, 0.0, start, 0.0
        optimise.learning(self.net)
        shares = [self.together.share(rows) for rows in order]
        batches, values = feed(shares), [_watched(self.recipe, row) for row in self.history]
        for step, rows in enumerate(shares):
            self.pace.before(step)
            began = time.perf_counter()
            x, y = self._batch(next(batches), rows, draw)
            waiting += time.perf_counter() - began
            lr = self._set_lr((number - 1) * self.batches + step, values)
            batch_loss, batch_right = self._step(x, y, draw, len(order[step]))
            self.pace.after(step, time.perf_counter() - began)
            loss, right, images = loss + batch_loss, right + batch_right, images + len(order[step])
            if step + 1 < self.batches and time.perf_counter() - told > 1:
                self._finite(loss, number)
                told = time.perf_counter()
                now = told - start - outside
                speed = images / now
                left = len(self.train) * (self.recipe.epochs - self.done) - images
                # By all epochs so far, validation and all: by one that has just begun it would jump.
                pace = (len(self.train) * self.done + images) / (sum(row["seconds"] for row in self.history) + now)
                yield self._with_warnings({
                    "epoch": number, "images": images, "of": len(self.train), "loss": loss.item() * self.together.count / images,
                    "images_per_second": speed, "left": left / pace, "parts": self.parts,
                })  # fmt: skip
                outside += time.perf_counter() - told  # what the one who watches does is not training
        loss, right = self.together.total(torch.stack([loss, right]))
        self._finite(loss, number)
        seconds = time.perf_counter() - start - outside
        row = {
            "epoch": number, "loss": loss.item() / images, "accuracy": right.item() / images, "lr": lr,
            "images_per_second": images / seconds, "waiting": waiting / seconds, **self._validate(validation),
            **self._gpu(),
        }  # fmt: skip
        if not math.isfinite(row["val_loss"]):
            raise self._no_number(number)
        self._note(row, start + outside)
        yield self._with_warnings(row)

    def _note(self, row: dict[str, Any], since: float) -> None:
        """The epoch counts: it is kept where it is the best so far, and where all stands is written down."""
        import torch

        number, value = row["epoch"], _watched(self.recipe, row)
        row["best"] = value < self.best_value
        best = (
            {name: tensor.detach().cpu().clone() for name, tensor in self._judged().state_dict().items()}
            if row["best"]
            else {}
        )
        row["seconds"] = time.perf_counter() - since
        self.history.append(dict(row))  # from here on nothing takes long: a stop finds all of it, or nothing
        self.done = number
        if row["best"]:
            self.best, self.best_logits = best, torch.from_numpy(self._logits)
            self.best_value, self.best_epoch = value, number
        if self.together.rank == 0:
            state.save(self)
        if number == HOPE and min(each["val_loss"] for each in self.history) > 0.98 * math.log(len(self.classes)):
            self._told.append(
                f"After {HOPE} epochs {self.recipe.name} is hardly better than guessing: try another learning rate than"
                f" {self.recipe.lr:g}; a search finds one."
            )

    def rise(self, rates: Iterable[float]) -> Iterator[tuple[float, float]]:
        """A step at each rate; yields it with the loss of its batch. What was learned is not kept anywhere."""
        import itertools

        import torch

        feed, draw = Feed(self.inputs[0], self.device), torch.Generator().manual_seed(self.recipe.seed)
        orders = (rows for _ in itertools.count() for rows in self._order(draw))
        optimise.learning(self.net)
        for rate, rows in zip(rates, orders, strict=False):
            x, y = self._batch(next(feed([rows])), rows, draw)
            for group in self.optimiser.param_groups:
                group["lr"] = rate * group["scale"]
            loss, _ = self._step(x, y, draw, len(rows))
            yield rate, loss.item() / len(rows)

    def _order(self, draw: torch.Generator) -> list[torch.Tensor]:
        """The row numbers of each batch of an epoch."""
        import torch

        if self.recipe.balance == "sampling":
            chance = self.rarity[self.labels].cpu()
            order = torch.multinomial(chance, len(self.train), replacement=True, generator=draw)
        else:
            order = torch.randperm(len(self.train), generator=draw)
        return list(order.tensor_split(self.batches))

    def _batch(
        self, data: torch.Tensor, rows: torch.Tensor, draw: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the net reads, on the device: (B, 3, S, S) float32, channels-last and augmented, or (B, D) features; and
        (B,) labels."""
        import torch

        from core.augment import augment

        labels = self.labels[rows.to(self.device)]
        if self.front is not None:
            return data, labels
        mirror = None if self.mirror is None else self.mirror[rows]
        x = augment(data, self.recipe.augment, self.seen.mean, self.seen.std, self.device, draw, mirror)
        return x.contiguous(memory_format=torch.channels_last), labels

    def _set_lr(self, step: int, values: Sequence[float]) -> float:
        lr = self.recipe.lr * optimise.share(self.recipe, step, self.batches, values)
        for group in self.optimiser.param_groups:
            group["lr"] = lr * group["scale"]
        return lr

    def _step(
        self, x: torch.Tensor, y: torch.Tensor, draw: torch.Generator, images: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One step of the optimiser on a batch of `images`, or this process's share of it; returns the summed loss and
        how many were right.

        Where memory does not suffice the batch is cut into twice as many parts, whose gradients add up to the same; only batch
        norm, where a network has it, sees the pictures of one part at a time.
        """
        import torch

        from core.augment import mix

        other, share = y, torch.ones(len(y))
        if self.front is None:
            x, other, share = mix(x, y, self.recipe.augment, draw)
        share = share.to(self.device)
        # Of all processes, once: one that has to try again must not ask those that did not.
        total = self.together.total((share * self.weight[y] + (1 - share) * self.weight[other]).sum())
        while True:
            try:
                loss, right = self._accumulate(x, y, other, share, total, images)
                break
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                self.optimiser.zero_grad(set_to_none=True)
                if self.parts >= 2**HALVINGS or self.parts * 2 > len(y) // 2:
                    raise BadInput(
                        f"Not even {max(2, len(y) // self.parts)} pictures at once fit into the memory of"
                        f" {self.device.type}: close what else uses it, or choose a smaller backbone."
                    ) from None
                self.parts *= 2
                self._told.append(
                    f"The memory of {self.device.type} does not hold {len(y)} pictures at once: they are taken in"
                    f" {self.parts} parts, whose gradients are added up."
                )
        self.together.add_gradients(self._weights_that_learn())
        self.scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self._weights_that_learn(), CLIP)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        if self.mean is not None:
            optimise.average(self.mean, self.net, self.recipe.ema)
        return loss, right

    def _accumulate(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        other: torch.Tensor,
        share: torch.Tensor,
        total: torch.Tensor,
        images: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The gradients of the batch, part by part; `total` is the weight of all its pictures."""
        import torch

        loss = right = total.new_zeros(())
        parts = min(self.parts, max(1, len(y) // 2))  # a batch may be one picture smaller than the one that was cut
        pieces = zip(*(each.tensor_split(parts) for each in (x, y, other, share)), strict=True)
        for part_x, part_y, part_other, part_share in pieces:
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
                out = self.forward(part_x)
            out = out.float()
            sum_loss = (part_share * self._losses(out, part_y)).sum()
            if other is not y:
                sum_loss = sum_loss + ((1 - part_share) * self._losses(out, part_other)).sum()
            self.scaler.scale(sum_loss / total).backward()
            loss = loss + sum_loss.detach() / total * images
            right = right + (out.detach().argmax(1) == part_y).sum()
        return loss, right

    def _losses(self, out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(out, y, self.weight, reduction="none", label_smoothing=self.recipe.label_smoothing)

    def _finite(self, loss: torch.Tensor, epoch: int) -> None:
        if not math.isfinite(loss.item()):
            raise self._no_number(epoch)

    def _no_number(self, epoch: int) -> BadInput:
        return BadInput(
            f"The training of {self.recipe.name} stopped in epoch {epoch}: its loss is not a number any more."
            f" Try a learning rate lower than {self.recipe.lr:g}."
        )

    def _with_warnings(self, row: dict[str, Any]) -> dict[str, Any]:
        if self._told:
            row["warning"] = " ".join(self._told)
            self._told = []
        return row

    def _gpu(self) -> dict[str, Any]:
        """On CUDA the memory at its fullest, in bytes, and how busy it is just now, 0..1 (where its driver tells)."""
        import torch

        if self.device.type != "cuda":
            return {}
        told: dict[str, Any] = {"gpu_memory": torch.cuda.max_memory_allocated(self.device)}
        with suppress(ModuleNotFoundError, RuntimeError):
            told["gpu_use"] = torch.cuda.utilization(self.device) / 100
        return told

    # validation ------------------------------------------------------------------------------------------------------

    def _judged(self) -> nn.Module:
        """What is validated and kept: the net, or the running mean of its weights."""
        return self.net if self.mean is None else self.mean.module

    def _validate(self, inputs: np.ndarray) -> dict[str, Any]:
        """What `judged` says of validation, and its worst pictures."""
        import numpy as np

        from core.evaluate import softmax

        net = self._judged().eval()
        self.together.take_first([*self.net.buffers(), *(() if net is self.net else net.buffers())])
        out = self._logits = self.together.all_rows(self.logits(net, self.together.share(inputs), self.dtype))
        chance = softmax(out)[np.arange(len(self.val)), self.val.labels]
        worst = [
            {"row": int(i), "said": self.classes[out[i].argmax()], "chance": float(chance[i])}
            for i in np.argsort(chance, kind="stable")[:WORST]
        ]
        return {**judged(out, self.val.labels), "worst": worst}

    def logits(self, net: nn.Module, inputs: np.ndarray, dtype: torch.dtype | None = None) -> np.ndarray:
        """(N, C) float32 of pictures, or of the features of a frozen network."""
        import numpy as np
        import torch

        from core.evaluate import logits

        if self.front is None:
            return logits(net, inputs, self.seen.mean, self.seen.std, self.device, dtype)
        with torch.inference_mode():
            parts = [
                net(torch.from_numpy(np.array(inputs[at : at + 1024])).to(self.device)).float().cpu().numpy()
                for at in range(0, len(inputs), 1024)
            ]
        return np.concatenate(parts)

    # the end ---------------------------------------------------------------------------------------------------------

    def solved(self, row: dict[str, Any]) -> dict[str, Any]:
        """Note that the net is as good as it gets, without epochs: a baseline. Returns the row to show."""
        import torch

        start = time.perf_counter()
        row = {"epoch": 1, "lr": 0.0, "waiting": 0.0, **row, **self._validate(self.inputs[1]), "best": True}
        row["seconds"] += time.perf_counter() - start
        self.done = self.best_epoch = 1
        self.best = {name: tensor.detach().cpu().clone() for name, tensor in self.net.state_dict().items()}
        self.best_logits = torch.from_numpy(self._logits)
        self.history.append(dict(row))
        return row

    def keep(self, split: int | None, crop: Cropping) -> None:
        """It was stopped: the best epoch so far becomes a checkpoint, and the states stay, to go on from."""
        if self.best and self.done and self.together.rank == 0:
            end.leave(self, self.best_logits.numpy() if len(self.best_logits) else None, split, crop, finished=False)

    def close(self, split: int | None, crop: Cropping) -> None:
        """Calibrate the best epoch on validation, write the checkpoint, drop the states."""
        if self.together.rank:  # the first process writes for all
            return
        end.leave(self, None, split, crop, finished=True)
        checkpoint.tidy(self.folder)


def judged(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Plain cross-entropy (no smoothing, no weights), accuracy and macro-F1 of (N, C) logits."""
    import numpy as np

    from core.evaluate import f_scores, softmax

    said, count = logits.argmax(axis=1), logits.shape[1]
    confusion = np.bincount(labels * count + said, minlength=count * count).reshape(count, count)
    return {
        "val_loss": float(-np.log(softmax(logits)[np.arange(len(labels)), labels] + 1e-300).mean()),
        "val_accuracy": float((said == labels).mean()),
        "val_macro_f1": float(f_scores(confusion).mean()),
    }


def _watched(recipe: Recipe, row: dict[str, Any]) -> float:
    """What is watched of an epoch's row, the lower the better."""
    if recipe.watch == "loss":
        return row["val_loss"]
    return -row["val_accuracy" if recipe.watch == "accuracy" else "val_macro_f1"]
