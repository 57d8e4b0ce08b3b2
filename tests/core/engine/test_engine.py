"""One contract over both engines; then what only `local` promises: limits, isolation, many at once."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core import engine as engines
from core.engine import Handle
from core.engine.local import Local
from core.engine.serial import Serial
from core.errors import BadInput, NotYet, Permanent
from core.settings import Settings
from tests.core.engine.work import counting, double, misbehave, odd, pid

ROOT = Path(__file__).resolve().parents[3]


class Doubler:
    """An async callable with something to open and to close."""

    def __init__(self) -> None:
        self.opened = self.closed = self.calls = 0

    async def __aenter__(self) -> Doubler:
        self.opened += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed += 1

    async def __call__(self, item: int) -> int:
        self.calls += 1
        await asyncio.sleep(0)
        return double(item)


@pytest.fixture(params=["serial", "local"])
def engine(request: pytest.FixtureRequest) -> Serial | Local:
    return Serial() if request.param == "serial" else Local(children=2)


def outcomes(found: object) -> dict:
    return {item: (value, error and str(error)) for item, value, error in found}  # type: ignore[attr-defined]


# the contract --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("need", ["io", "cpu", "gpu"])
def test_each_item_comes_back_once_with_its_value_or_its_error(engine, need):
    fn = Doubler() if need == "io" else double
    found = list(engine.map(fn, [3, -1, 5, 0], need))
    assert len(found) == 4
    assert outcomes(found) == {3: (6, None), -1: (None, "-1 is below zero"), 5: (10, None), 0: (0, None)}
    assert isinstance(next(error for item, _, error in found if item == -1), ValueError)


@pytest.mark.parametrize("need", ["io", "cpu", "gpu"])
def test_endless_items_are_taken_lazily_and_closing_stops_the_work(engine, need):
    taken = itertools.count()
    fn = Doubler() if need == "io" else double
    found = engine.map(fn, taken, need)
    assert len(list(itertools.islice(found, 10))) == 10
    found.close()
    assert next(taken) < 400, "items were taken far ahead"


@pytest.mark.parametrize("need", ["io", "cpu", "gpu"])
def test_no_items_give_no_outcomes(engine, need):
    assert list(engine.map(Doubler() if need == "io" else double, [], need)) == []


def test_an_async_context_is_entered_once_and_left_once_also_when_closed_early(engine):
    fn = Doubler()
    found = engine.map(fn, itertools.count(), "io")
    next(found)
    found.close()
    assert (fn.opened, fn.closed) == (1, 1)


@pytest.mark.parametrize("need", ["io", "cpu"])
def test_a_source_that_fails_fails_the_program_after_nothing_was_lost_in_silence(engine, need):
    def source():
        yield 1
        raise OSError("the table is gone")

    with pytest.raises(OSError, match="the table is gone"):
        list(engine.map(Doubler() if need == "io" else double, source(), need))


def test_a_context_that_cannot_be_entered_fails_the_program(engine):
    class Shut(Doubler):
        async def __aenter__(self):
            raise BadInput("the proxy is not there")

    with pytest.raises(BadInput, match="the proxy is not there"):
        list(engine.map(Shut(), [1], "io"))


def test_a_kind_of_work_that_nobody_knows_is_refused(engine):
    with pytest.raises(BadInput, match="need='tpu'"):
        engine.map(double, [1], "tpu")


def test_train_gives_what_the_generator_yields_and_closes_it(engine, tmp_path):
    assert list(engine.train(counting, {"rows": 3})) == [0, 1, 2]
    rows = engine.train(counting, {"rows": 3, "closed": tmp_path / "closed"})
    assert next(rows) == 0
    rows.close()
    assert (tmp_path / "closed").exists()
    with pytest.raises(BadInput, match="row 1"):
        list(engine.train(counting, {"rows": 3, "fails": 1}))


def test_the_engine_of_one_process_refuses_more_workers():
    with pytest.raises(NotYet, match="one process"):
        Serial().train(counting, {"rows": 3}, workers=2)


def test_maps_may_feed_each_other(engine):
    fetched = engine.map(Doubler(), range(50), "io")
    decoded = engine.map(double, (value for _, value, _ in fetched), "cpu")
    assert sorted(value for _, value, _ in decoded) == [4 * i for i in range(50)]


def test_the_engine_of_the_settings_is_local_and_ray_says_that_it_comes_later(home):
    assert isinstance(engines.engine(Settings(home=home)), Local)
    with pytest.raises(NotYet, match="WINNOW_ENGINE='ray'"):
        engines.engine(Settings(home=home, engine="ray"))


# a job's process -----------------------------------------------------------------------------------------------------


def started(engine, tmp_path: Path, code: str) -> Handle:
    return engine.start([sys.executable, "-c", code], tmp_path / "logs" / "7.log", dict(os.environ))


def wait_for(holds, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(holds())


def test_a_process_runs_in_a_session_of_its_own_and_writes_its_log(engine, tmp_path):
    handle = started(engine, tmp_path, "import os; print('session', os.getsid(0) == os.getpid())")
    assert wait_for(lambda: not engine.alive(handle))
    assert (tmp_path / "logs" / "7.log").read_text() == "session True\n"


GRANDCHILD = "import subprocess, time; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); "


def grandchild(tmp_path: Path) -> psutil.Process:
    log = tmp_path / "logs" / "7.log"
    assert wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
    return psutil.Process(int(log.read_text()))


def test_end_ends_the_process_and_its_grandchild(engine, tmp_path):
    handle = started(engine, tmp_path, GRANDCHILD + "time.sleep(600)")
    sleeper = grandchild(tmp_path)
    assert engine.alive(handle)
    engine.end(handle)
    assert not engine.alive(handle)
    assert not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE


def test_end_also_ends_what_a_process_left_behind_that_exited_by_itself(engine, tmp_path):
    handle = started(engine, tmp_path, GRANDCHILD)
    sleeper = grandchild(tmp_path)
    assert wait_for(lambda: not engine.alive(handle))
    engine.end(handle)
    assert not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE


def test_end_forces_a_process_that_does_not_listen(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("core.engine.processes.POLITE", 0.3)
    handle = started(
        engine, tmp_path, "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    )
    assert wait_for((tmp_path / "logs" / "7.log").read_text)
    engine.end(handle)
    assert not engine.alive(handle)


def test_a_process_whose_number_was_used_again_is_not_taken_for_the_old_one(engine, tmp_path):
    handle = started(engine, tmp_path, "import time; time.sleep(600)")
    earlier = Handle(handle.pid, handle.created - 100)
    assert not engine.alive(earlier)
    engine.end(earlier)
    assert engine.alive(handle), "the process that has the number now was ended"
    engine.end(handle)


def test_a_zombie_is_not_alive(engine):
    zombie = subprocess.Popen(["true"], start_new_session=True)
    process = psutil.Process(zombie.pid)
    assert wait_for(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert not engine.alive(Handle(zombie.pid, process.create_time() - psutil.boot_time()))
    zombie.wait()


# what only local promises --------------------------------------------------------------------------------------------


def test_an_item_whose_process_dies_overruns_or_eats_memory_fails_alone():
    local = Local(children=2, seconds=5.0, memory=1 << 30)
    items = ["a", "crash", "b", "exit", "slow", "c", "memory", "print", "d"]
    found = {item: (value, getattr(error, "reason", "")) for item, value, error in local.map(misbehave, items, "cpu")}
    assert found == {
        "a": ("a", ""), "b": ("b", ""), "c": ("c", ""), "d": ("d", ""), "print": ("print", ""),
        "crash": (None, "crashed"), "exit": (None, "crashed"), "slow": (None, "timeout"), "memory": (None, "memory"),
    }  # fmt: skip


def test_the_error_of_a_dead_process_says_that_trying_again_is_of_no_use():
    ((_, _, error),) = Local(children=1).map(misbehave, ["exit"], "cpu")
    assert isinstance(error, Permanent)
    assert not error.retryable


def test_an_error_that_cannot_be_pickled_back_keeps_its_sentence():
    ((_, _, error),) = Local(children=1).map(odd, [1], "cpu")
    assert str(error) == "Odd: 1 and 1"


def test_work_is_spread_over_children_that_are_gone_when_the_iterator_is_closed():
    found = Local(children=2).map(pid, itertools.count(), "cpu")
    pids = {value for _, value, _ in itertools.islice(found, 20)}
    assert len(pids) == 2
    assert os.getpid() not in pids
    found.close()
    assert not any(psutil.pid_exists(p) for p in pids)


def test_a_function_that_children_cannot_load_fails_the_program(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text(
        "import os\nassert 'ONLY_HERE' in os.environ, 'not here'\ndef f(x): return x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ONLY_HERE", "1")
    import only_here  # type: ignore[import-not-found]

    monkeypatch.delenv("ONLY_HERE")
    with pytest.raises(AssertionError, match="not here"):
        list(Local(children=1).map(only_here.f, [1], "cpu"))


def test_many_downloads_run_at_once_and_go_on_while_the_consumer_is_busy():
    running, most = 0, 0

    async def fetch(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return item

    began = time.monotonic()
    found = Local(at_once=20).map(fetch, range(60), "io")
    next(found)
    time.sleep(0.4)  # a transaction; the loop has the rest of what it was fed done by now
    rest = list(found)
    assert most == 20
    assert len(rest) == 59
    assert time.monotonic() - began < 2.5, "60 downloads of 50 ms, 20 at once, take 150 ms; one by one they take 3 s"


ORPHAN = """
import itertools, sys
sys.path.insert(0, {root!r})
from core.engine.local import Local
from tests.core.engine.work import pid
for _, value, _ in Local(children=2).map(pid, itertools.count(), "cpu"):
    print(value, flush=True)
"""


def test_children_do_not_outlive_a_parent_that_is_killed():
    code = ORPHAN.format(root=str(ROOT))
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = {int(parent.stdout.readline()) for _ in range(10)}
    parent.kill()
    parent.wait()
    assert pids
    assert wait_for(lambda: not any(psutil.pid_exists(p) for p in pids))
