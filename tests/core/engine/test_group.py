"""Processes that train: what they yield, how they end, and that none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.engine.local import Local
from core.errors import BadInput, Died
from tests.core.engine.work import counting

ROOT = Path(__file__).resolve().parents[3]


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "ranks.py" in " ".join(p.cmdline())]


def none_left() -> bool:
    deadline = time.monotonic() + 20
    while children() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not children()


def test_on_a_gpu_of_its_own_it_runs_in_a_process_that_takes_the_next_training_too() -> None:
    engine = Local()
    [first], [second] = (list(engine.train(counting, {"rows": 1, "pid": True}, gpu=0)) for _ in range(2))
    assert first == second != os.getpid()
    engine.close()
    assert none_left()


def test_two_on_a_gpu_each_run_at_once() -> None:
    engine = Local()
    rows = [engine.train(counting, {"rows": 2, "pid": True}, gpu=gpu) for gpu in (0, 1)]
    assert len({next(each) for each in rows}) == 2
    for each in rows:
        each.close()
    engine.close()
    assert none_left()


def test_while_nothing_is_ready_it_says_so_and_closed_then_it_closes_the_generator(tmp_path: Path) -> None:
    engine = Local()
    rows = engine.train(counting, {"rows": 9, "waits": 1, "closed": tmp_path / "closed"}, gpu=0, idle=0.05)
    assert next(row for row in rows if row is not None) == 0
    assert next(rows) is None
    rows.close()
    assert (tmp_path / "closed").exists()
    engine.close()
    assert none_left()


def test_an_error_comes_through_and_a_process_that_dies_is_told() -> None:
    with pytest.raises(BadInput, match="row 1"):
        list(Local().train(counting, {"rows": 3, "fails": 1}, gpu=0))
    with pytest.raises(Died, match="by signal 9"):
        list(Local().train(counting, {"rows": 3, "dies": 1}, gpu=0))
    assert none_left()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process ends when it next tells something")
def test_killed_the_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    script = (
        "from core.engine.local import Local; from tests.core.engine.work import counting\n"
        "for pid in Local().train(counting, {'rows': 2, 'pid': True, 'waits': 1}, gpu=0): print(pid, flush=True)\n"
        "import time; time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert child.wait(10) is not None or not child.is_running()


def test_interrupted_in_the_middle_the_generator_is_closed_too(tmp_path: Path) -> None:
    class Interrupt(BaseException): ...

    engine = Local()
    rows = engine.train(counting, {"rows": 9, "closed": tmp_path / "closed"}, gpu=0)
    assert next(rows) == 0
    with pytest.raises(Interrupt):
        rows.throw(Interrupt)
    assert (tmp_path / "closed").exists()
    engine.close()
    assert none_left()


def test_a_process_that_waits_and_was_killed_is_replaced() -> None:
    engine = Local()
    [first] = engine.train(counting, {"rows": 1, "pid": True}, gpu=0)
    psutil.Process(first).kill()
    time.sleep(0.2)
    [second] = engine.train(counting, {"rows": 1, "pid": True}, gpu=0)
    assert second != first
    engine.close()


def test_one_that_was_closed_takes_the_next_training(tmp_path: Path) -> None:
    engine = Local()
    rows = engine.train(counting, {"rows": 9, "pid": True}, gpu=0)
    first = next(rows)
    rows.close()
    assert list(engine.train(counting, {"rows": 1, "pid": True}, gpu=0)) == [first]
    engine.close()
    assert none_left()
