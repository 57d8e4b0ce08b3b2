"""What torch raises, as what a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.device import out_of_memory
from core.errors import BadInput, Died, Missing
from core.model import Recipe

if TYPE_CHECKING:
    import torch


@contextmanager
def sentences(recipe: Recipe, where: torch.device, done: Callable[[], int] = int) -> Iterator[None]:
    """What torch raises where memory is full, a compiler is missing or a GPU is gone, as what a person can act on; `done()`
    is how many epochs are kept."""
    try:
        yield
    except RuntimeError as error:
        if out_of_memory(error):
            raise BadInput(
                f"The memory of {where.type} is full: close what else uses it, or choose a smaller backbone or size."
            ) from None
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        if recipe.compile and _of_the_compiler(error):
            raise Missing(
                f"{recipe.name} cannot be compiled here ({said}): install a C++ compiler such as g++, or train with"
                " compile=no."
            ) from None
        if where.type == "cuda" and "CUDA" in str(error):
            raise Died(
                f"The GPU stopped answering in epoch {done() + 1} ({said}). What was learned until the end of epoch"
                f" {done()} is kept: go on once it is back."
            ) from None
        raise


def _of_the_compiler(error: RuntimeError) -> bool:
    from torch._dynamo.exc import TorchDynamoException

    return isinstance(error, TorchDynamoException)
