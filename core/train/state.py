"""Where a training stands: written down after each epoch, taken up again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core import checkpoint
from core.model import Recipe

if TYPE_CHECKING:
    import torch

    from core.train.training import Training


def save(training: Training) -> None:
    """Write down where it stands after its last epoch."""
    tensors = {f"net.{name}": tensor for name, tensor in training.net.state_dict().items()}
    if training.mean is not None:
        tensors |= {f"mean.{name}": tensor for name, tensor in training.mean.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in training.best.items()}
    names = [name for name, _ in training.learning()]
    for i, slots in training.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{names[i]}.{key}": tensor for key, tensor in slots.items() if tensor is not None}
    facts = {
        "recipe": dataclasses.asdict(training.recipe), "classes": list(training.classes),
        "pictures": [len(training.train), len(training.val)], "device": training.device.type, "precision": training.precision,
        "parts": training.parts, "batch": training.batch, "best_epoch": training.best_epoch, "best_value": training.best_value,
        "history": training.history, "scaler": training.scaler.state_dict(),
    }  # fmt: skip
    checkpoint.save_state(training.folder, training.done, tensors | {"best_logits": training.best_logits}, facts)


def restore(training: Training, tensors: dict[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Set it to where it stood."""
    import torch

    training.net.load_state_dict(_under(tensors, "net."))
    if training.mean is not None:
        training.mean.load_state_dict(_under(tensors, "mean."))
    slots = training.optimiser.state_dict()
    for i, (name, parameter) in enumerate(training.learning()):
        kept = _under(tensors, f"optimiser.{name}.")
        slots["state"][i] = {  # laid out in memory like the weight: the fused step reads both in that order
            key: torch.empty_like(parameter).copy_(t) if t.shape == parameter.shape else t for key, t in kept.items()
        }
    training.optimiser.load_state_dict(slots)
    if facts["scaler"]:
        training.scaler.load_state_dict(facts["scaler"])
    training.best = _under(tensors, "best.")
    training.best_logits = tensors.get("best_logits", training.best_logits)  # the first release kept none
    training.done, training.parts, training.history = facts["epoch"], facts["parts"], facts["history"]
    training.best_epoch, training.best_value = (
        facts["best_epoch"],
        facts["best_value"] if "best_value" in facts else facts["best_loss"],
    )


def fits(training: Training, facts: Mapping[str, Any]) -> bool:
    """Whether a state belongs to this training."""
    return (
        Recipe.stored(facts["recipe"]) == training.recipe
        and facts["classes"] == list(training.classes)
        and facts["pictures"] == [len(training.train), len(training.val)]
    )


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
