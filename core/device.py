"""Where a network runs, and in what precision. Both are chosen once and shown."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from core.errors import BadInput, BadSetting

if TYPE_CHECKING:
    import torch
    from torch import nn

DEVICES = ("auto", "cpu", "cuda", "mps")


def device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Raises BadSetting where a device is asked for that is not there: nothing falls back to the CPU unasked.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if name not in there:
        raise BadSetting(f"WINNOW_DEVICE={name!r} does not fit: wanted one of {', '.join(DEVICES)}.")
    if not there[name]:
        found = ", ".join(kind for kind, ok in there.items() if ok)
        raise BadSetting(f"WINNOW_DEVICE={name!r} was asked for, but this machine has only: {found}.")
    return torch.device(name)


def describe(where: torch.device) -> str:
    """A name for the screen: "cuda (NVIDIA L4)", "cpu"."""
    import torch

    return f"cuda ({torch.cuda.get_device_name(where)})" if where.type == "cuda" else where.type


def precision(where: torch.device, net: nn.Module, size: int) -> str:
    """The faster of "fp32", "bf16" and "fp16" for training `net`, which sees (B, 3, size, size) pictures.

    On CUDA half precision always pays; bf16 where the GPU has the units, else fp16 with a scaled loss. A CPU is
    measured: with AMX or AVX512-BF16 bf16 is up to three times as fast, without them much slower. MPS stays at fp32.
    """
    import torch

    if where.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if where.type != "cpu":
        return "fp32"
    plain, half = _seconds(net, size)
    return "bf16" if half * 1.1 < plain else "fp32"


def _seconds(net: nn.Module, size: int) -> tuple[float, float]:
    """Forward and backward over 16 pictures on the CPU in fp32 and in bf16, the best of four each, in turn.

    It works on a copy: batch norm would learn from the noise.
    """
    import torch

    clone = copy.deepcopy(net).to(memory_format=torch.channels_last).train()
    x = torch.randn(16, 3, size, size, generator=torch.Generator().manual_seed(0))
    x = x.contiguous(memory_format=torch.channels_last)
    best = [float("inf"), float("inf")]
    for _ in range(5):  # the first one plans the kernels
        for half in (False, True):
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                out = clone(x)
            out.float().sum().backward()
            best[half] = min(best[half], time.perf_counter() - start)
    return best[0], best[1]


def has_bf16(where: torch.device) -> bool:
    """Whether a CPU multiplies bf16 in hardware (AMX or AVX512-BF16). A fact of the machine, not a measurement, so that
    the same model on the same machine always says the same."""
    import torch

    tests = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return where.type == "cpu" and any(getattr(torch.cpu, test, bool)() for test in tests)


def dtype(precision: str) -> torch.dtype | None:
    """What autocast computes in; None for fp32. Raises BadInput for another name."""
    import torch

    kinds = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    if precision not in kinds:
        raise BadInput(f"Precision {precision!r} is not known: wanted one of {', '.join(kinds)}.")
    return kinds[precision]
