"""What a training leaves: its best epoch, calibrated, measured, as a checkpoint."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from core import checkpoint
from core.model import Cropping

if TYPE_CHECKING:
    import numpy as np

    from core.train.training import Training

BACKGROUND, BACKGROUND_BYTES = 200, 10_000_000  # training pictures kept for SHAP to compare with: so many, if they fit


def leave(training: Training, out: np.ndarray | None, split: int | None, crop: Cropping, finished: bool) -> None:
    """Calibrate the best epoch on validation and write the checkpoint. `out`: its logits there, (N, C), if known."""
    import numpy as np
    import torch

    from core.device import describe
    from core.evaluate import temperature, wilson
    from core.train.training import judged

    training.net.load_state_dict(training.best)
    weights = {name: tensor.detach().cpu().clone() for name, tensor in training.whole.state_dict().items()}
    parameters = sum(weight.numel() for weight in training.whole.parameters())
    if out is None:
        net = training.net if training.front is not None else checkpoint.folded(training.net)
        out = training.logits(net.eval(), training.inputs[1])
    labels = np.asarray(training.val.labels, dtype=np.int64)
    most = max(1, min(BACKGROUND, BACKGROUND_BYTES // (3 * training.seen.size**2)))
    rows = np.sort(np.random.default_rng(training.recipe.seed).permutation(len(training.train))[:most])
    validation = {
        "logits": torch.from_numpy(out), "labels": torch.from_numpy(labels),
        "background": torch.from_numpy(np.ascontiguousarray(training.train.pixels[rows])),
    }  # fmt: skip
    ones = [labels == at for at in range(len(training.classes))]  # the pictures of each class
    right = int((out.argmax(axis=1) == labels).sum())
    best = {key: value for key, value in training.history[training.best_epoch - 1].items() if key != "worst"}
    metrics = {
        **best, "best_epoch": training.best_epoch, "epochs": training.done, "finished": finished,
        "images_per_second": statistics.median(row["images_per_second"] for row in training.history),
        "waiting": statistics.median(row["waiting"] for row in training.history),
        "seconds": sum(row["seconds"] for row in training.history), "device": describe(training.device, training.together.count),
        "precision": training.precision, "threads": torch.get_num_threads(), "batch": training.batch,
        "parameters": parameters, **(_latency(training) if finished else {}), "history": training.history,
        **judged(out, labels), "val_accuracy_interval": list(wilson(right, len(labels))),
        "val_found": [[int((out[of].argmax(axis=1) == at).sum()), int(of.sum())] for at, of in enumerate(ones)],
    }  # fmt: skip
    checkpoint.save(
        training.folder,
        training.recipe,
        training.classes,
        weights,
        validation,
        temperature(out, labels),
        split,
        metrics,
        crop,
    )


def _latency(training: Training) -> dict[str, Any]:
    """`latency`: seconds from one decoded picture to its logits on this device, the median of seven."""
    import numpy as np

    from core.device import describe
    from core.evaluate import logits

    one, times = np.array(training.val.pixels[:1]), []
    net = checkpoint.folded(training.whole)
    for _ in range(8):
        began = time.perf_counter()
        logits(net, one, training.seen.mean, training.seen.std, training.device)
        times.append(time.perf_counter() - began)
    return {"latency": statistics.median(times[1:]), "latency_device": describe(training.device)}  # the first one plans
