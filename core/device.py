"""Where a network runs, and in what precision. Both are chosen once and shown."""

from __future__ import annotations

import copy
import ctypes
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
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


def describe(where: torch.device, count: int = 1) -> str:
    """A name for the screen: "cuda (NVIDIA L4)", "2 x cuda (NVIDIA L4)", "cpu"."""
    import torch

    name = f"cuda ({torch.cuda.get_device_name(where)})" if where.type == "cuda" else where.type
    return f"{count} x {name}" if count > 1 else name


def gpus(name: str = "auto") -> int:
    """How many devices of the kind of that name a training can use: several GPUs, else 1."""
    import torch

    return torch.cuda.device_count() if device(name).type == "cuda" else 1


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
    """Forward and backward over 16 pictures of 128 px, or fewer larger ones, on the CPU in fp32 and in bf16, the best of
    three each, in turn.

    One thread's own processor time, which other programs on the machine do not lengthen. It works on a copy: batch norm
    would learn from the noise.
    """
    import torch

    clone = copy.deepcopy(net).to(memory_format=torch.channels_last).train()
    count = max(2, min(16, 16 * 128**2 // size**2))
    x = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))
    x = x.contiguous(memory_format=torch.channels_last)
    best, threads = [float("inf"), float("inf")], torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(4):  # the first one plans the kernels
        for half in (False, True):
            start = time.process_time()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                out = clone(x)
            out.float().sum().backward()
            best[half] = min(best[half], time.process_time() - start)
    torch.set_num_threads(threads)
    return best[0], best[1]


def keep_memory() -> None:
    """Let this process keep the memory that one batch frees for the next one, where the C library is glibc.

    It would hand large pieces back to the system and get them page by page again: a seventh of a training's time.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # musl knows no mallopt
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(-3, 2**30)  # M_MMAP_THRESHOLD: up to 1 GiB comes from the heap
            mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: and the heap does not shrink


def free_memory() -> None:
    """Hand back what `keep_memory` kept, and from here on what is large once it is free."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            libc = ctypes.CDLL(None)
            # As far as the C library's own limits grow. With 128 KB, where they begin, every block of a multiplication
            # would come page by page: a quarter of its time.
            libc.mallopt(-3, 2**25)
            libc.mallopt(-1, 2**26)
            libc.malloc_trim(0)


class Pace:
    """How many CPU threads a training uses: as many as asked for, or, for 0, what is faster just now.

    The threads of one operation wait for each other, so where other programs hold a core two threads can be slower
    than one by far (measured: 25 images/s against 66). With 0 the first steps of each epoch are taken in turn with all
    cores and with half of them, and the rest with what was faster.
    """

    TRIALS = 6  # steps of an epoch that are timed, half of them with each number of threads

    def __init__(self, threads: int, where: torch.device) -> None:
        import torch

        most = cores()
        self._choices = (most, most // 2) if not threads and where.type == "cpu" and most > 1 else ()
        self._times: dict[int, list[float]] = {}
        if threads:
            torch.set_num_threads(threads)

    def before(self, step: int) -> None:
        """Set the threads for step 0, 1, 2, ... of an epoch."""
        import torch

        if not self._choices or step > self.TRIALS:
            return
        if step == 0:
            self._times = {threads: [] for threads in self._choices}
        if step < self.TRIALS:
            torch.set_num_threads(self._choices[step % 2])
        else:
            torch.set_num_threads(min(self._choices, key=lambda threads: sorted(self._times[threads])[1]))

    def after(self, step: int, seconds: float) -> None:
        """How long that step took."""
        if self._choices and step < self.TRIALS:
            self._times[self._choices[step % 2]].append(seconds)


_most = 0  # threads that a person allows; 0 = as many as there are cores


def limit_threads(most: int) -> None:
    """Let this process compute with at most so many threads; 0 = one for each core."""
    global _most
    import torch

    _most = most
    torch.set_num_threads(most or cores())


def use_free_cores() -> None:
    """Compute from here on with as many threads as there are cores that no other program uses: at least one, at most
    what `limit_threads` allows.

    The threads of one operation wait for each other: beside a training one prediction with two threads takes 230 ms,
    with one 10.
    """
    import torch

    wanted = max(1, min(_most or cores(), cores() - round(_others())))
    if wanted != torch.get_num_threads():  # setting it, even to the same, makes torch forget its planned kernels
        torch.set_num_threads(wanted)


_looked: tuple[float, float, float] | None = None  # when, others' processor seconds until then, their share before


def _others() -> float:
    """Cores that other programs used since the last look. (The load average would count our own work as theirs.)"""
    global _looked
    now = time.monotonic()
    if _looked and now - _looked[0] < 0.5:  # the kernel counts in hundredths of a second
        return _looked[2]
    try:
        user, nice, system, _idle, _waiting, *rest = map(
            int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
        )
    except OSError:  # no Linux
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # Windows has none
    own = os.times()
    used = (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK") - own.user - own.system
    share = (used - _looked[1]) / (now - _looked[0]) if _looked else os.getloadavg()[0]
    _looked = (now, used, share)
    return share


def out_of_memory(error: Exception) -> bool:
    """Whether torch says that memory does not suffice: on a CPU it raises a plain RuntimeError."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
