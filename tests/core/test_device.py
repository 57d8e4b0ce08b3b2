"""Where a network runs, on how many cores, and that the choice is never made in silence."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core import device as devices
from core.device import Pace, device, limit_threads, use_free_cores
from core.errors import BadInput, BadSetting


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    limit_threads(0)
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_never_replaced_in_silence(name: str) -> None:
    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if there[name]():
        pytest.skip(f"this machine has {name}")
    with pytest.raises(BadSetting, match=f"WINNOW_DEVICE='{name}'.*only: cpu"):
        device(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert device("auto").type == "cpu"


def test_an_unknown_device_names_what_was_wanted() -> None:
    with pytest.raises(BadSetting, match="'tpu'.*auto, cpu, cuda, mps"):
        device("tpu")


def test_unasked_it_takes_the_number_of_threads_that_was_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.device.cores", lambda: 4)
    for slow, fast in ((4, 2), (2, 4)):
        pace = Pace(0, torch.device("cpu"))
        for epoch_step in (*range(9), *range(9)):  # two epochs: each tries anew
            pace.before(epoch_step)
            used = torch.get_num_threads()
            assert epoch_step < Pace.TRIALS or used == fast
            pace.after(epoch_step, 1.0 if used == slow else 0.5)
    asked = Pace(3, torch.device("cpu"))
    asked.before(0)
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize(
    ("others", "allowed", "used"), [(0.0, 0, 8), (3.2, 0, 5), (3.2, 2, 2), (20.0, 0, 1), (0.0, 3, 3)]
)
def test_a_prediction_uses_the_cores_that_others_leave_and_no_more_than_it_may(
    monkeypatch: pytest.MonkeyPatch, others: float, allowed: int, used: int
) -> None:
    monkeypatch.setattr(devices, "cores", lambda: 8)
    monkeypatch.setattr(devices, "_others", lambda: others)
    limit_threads(allowed)
    use_free_cores()
    assert torch.get_num_threads() == used


def test_what_others_use_is_all_that_is_used_but_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    tick, clock, own = os.sysconf("SC_CLK_TCK"), [100.0], [5.0]
    busy = [1000.0]  # seconds all programs used since the machine started
    monkeypatch.setattr(devices, "_looked", None)
    monkeypatch.setattr(devices.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(devices.os, "times", lambda: SimpleNamespace(user=own[0], system=0.0))
    monkeypatch.setattr(Path, "read_text", lambda *_: f"cpu  {round(busy[0] * tick)} 0 0 9999 9 0 0 0 0 0\ncpu0 1")
    devices._others()
    clock[0], own[0], busy[0] = 102.0, 8.0, 1007.0  # in two seconds: 7 used, 3 of them by us
    assert devices._others() == pytest.approx(2.0)
    clock[0], busy[0] = 102.1, 1009.0
    assert devices._others() == pytest.approx(2.0), "too soon to tell anew"


FAULTS = """
import resource, torch
from core.device import keep_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(4_000_000)  # 16 MB, given back at once
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = faults()
keep_memory()
faults()
print(first, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_a_training_gets_freed_memory_back_without_asking_the_system_again() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    given_back, kept = map(int, done.stdout.split())
    assert kept < given_back / 10, done.stdout


FREED = """
import torch
from core.device import free_memory, keep_memory
def own():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) / 1000
keep_memory()
before = own()
large, small = torch.ones(50_000_000), torch.ones(100)  # what lies behind a piece keeps the heap from shrinking
del large
kept = own()
free_memory()
freed = own()
torch.ones(50_000_000)
print(kept - before, freed - before, own() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_what_was_kept_is_handed_back_and_nothing_is_kept_after_it() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    kept, freed, after = map(float, done.stdout.split())
    assert kept > 190 and freed < 20 and after < 20, done.stdout


def test_an_unknown_precision_names_what_was_wanted() -> None:
    assert devices.dtype("fp32") is None and devices.dtype("bf16") is torch.bfloat16
    with pytest.raises(BadInput, match="'int4'.*fp32, bf16, fp16"):
        devices.dtype("int4")
