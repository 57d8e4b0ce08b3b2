"""A table of a million rows: memory, the first download, rows written, and going on after kill -9.

    python tests/bench/million.py [--rows 1000000] [--stop-after 300000] [--bodies same|distinct] [--json]

The table has the columns url and label with 1,000 labels. A server in a process of its own answers each address with a
small PNG: the same one for all (every image but the first is then a duplicate, so that little is written to disk), or
with --bodies distinct another one each. Three parts:

  written   `add_candidates` alone, a thousand rows at a time as the job does, on an empty SQLite database; and what the
            table's rows cost before that (read, labelled, checked)
  job       the real job, by the real worker, with the calls of its store timed: first over a table of 1,000 rows (what a
            job costs anyway), then over all. It stores rows as it needs them, so it reaches --stop-after at the speed of
            its downloads; it is never driven faster. Memory is that of the job's process (RSS), above what it had when
            it asked for its first download.
  killed    kill -9 of the job's process at --stop-after rows stored: seconds until the server is asked for an address it
            never saw, the longest pause in the downloads after that, addresses asked for twice, rows lost or doubled.
            After --more further rows the job is stopped.
"""

from __future__ import annotations

import argparse
import csv
import functools
import itertools
import json
import os
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.bench.dots import Dots  # noqa: E402
from tests.bench.server import Remote  # noqa: E402

COMMAND = (sys.executable, str(Path(__file__)))  # the worker's, with this file's timed store in its jobs
LABELS = 1000
FEW = 1000  # rows of the first, small job
CALLS = ("add_candidates", "pending", "add_fetched")
GOALS = {"memory above start, MB": 300, "rows/s alone": 20_000, "rows/s within the job": 20_000}
ENOUGH = 7200.0  # seconds


def label(number: int) -> str:
    return f"class {number % LABELS:04}"


def write_table(path: Path, base: str, rows: int) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["url", "label"])
        out.writerows([f"{base}/{n}.png", label(n)] for n in range(rows))


# written --------------------------------------------------------------------------------------------------------------


def written(table: Path, rows: int) -> dict[str, Any]:
    from core.scrape import labelled
    from core.scrape.rounds import ROWS
    from core.sources import urls
    from core.sources.options import Options
    from db import open_store

    classes = [label(n) for n in range(LABELS)]
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/winnow.db")
        project = store.add_project("bench", classes).id
        store.submit("scrape", {}, project)
        claimed = store.claim("bench", 3600)
        assert claimed is not None
        reading, storing, position = 0.0, [], 0
        found = labelled(urls.read(Options(table=str(table))), classes)
        while position < rows:
            begun = time.perf_counter()
            batch = list(itertools.islice(found, min(ROWS, rows - position)))
            read = time.perf_counter()
            store.add_candidates(claimed[1], project, position, batch)
            storing.append(time.perf_counter() - read)
            reading += read - begun
            position += len(batch)
        store.close()
    tenth = max(len(storing) // 10, 1)
    return {
        "rows": rows, "rows/s alone": round(rows / sum(storing)), "rows/s read and labelled": round(rows / reading),
        "rows/s alone, first tenth": round(ROWS / statistics.mean(storing[:tenth])),
        "rows/s alone, last tenth": round(ROWS / statistics.mean(storing[-tenth:])),
    }  # fmt: skip


# the job --------------------------------------------------------------------------------------------------------------


def timed(store: Any, to: Path) -> Any:
    """The store, with a line in the file for each of its CALLS: its name, seconds, rows."""
    out = to.open("a", buffering=1)

    def wrapped(name: str) -> Callable:
        call = getattr(store, name)

        @functools.wraps(call)
        def timed_call(*args: Any, **more: Any) -> Any:
            begun = time.perf_counter()
            result = call(*args, **more)
            rows = len(result if name == "pending" else args[-1])
            out.write(f"{name},{time.perf_counter() - begun:.6f},{rows}\n")
            return result

        return timed_call

    for name in CALLS:
        setattr(store, name, wrapped(name))
    return store


def core(argv: list[str]) -> None:
    """`worker`, or `run JOB --fence N`: what `python -m core` does, with the timed store in a job."""
    from core import jobs, settings, steps
    from db import open_store

    found = settings.load()
    store = open_store(found.database)
    if argv[0] == "worker":
        jobs.worker(store, found, COMMAND)
    else:
        jobs.run(timed(store, found.home / "calls.csv"), found, int(argv[1]), int(argv[3]), steps.STEPS)


class Bench:
    """A home, its worker, and one job at a time."""

    def __init__(self, home: Path) -> None:
        from core.settings import Settings
        from db import open_store

        self.settings = Settings(home=home, allow_hosts=("127.0.0.1",))  # type: ignore[call-arg]
        self.store = open_store(self.settings.database)
        self.project = self.store.add_project("bench", [label(n) for n in range(LABELS)]).id

    def start(self, table: Path) -> int:
        from core import jobs

        params = {"source": "urls", "options": {"table": str(table)}}
        number = self.store.submit("scrape", params, self.project).id
        jobs.ensure_worker(self.settings, COMMAND)
        return number

    def process(self, number: int, other_than: int = 0) -> psutil.Process:
        """The job's process, once there is one."""
        for _ in wait():
            pid = self.store.job(number).pid
            if pid and pid != other_than and psutil.pid_exists(pid):
                return psutil.Process(pid)
        raise AssertionError("no process came")

    def ended(self, number: int) -> str:
        for _ in wait():
            if (status := self.store.job(number).status) not in ("queued", "running"):
                return status
        raise AssertionError("the job did not end")

    def calls(self, since: int = 0) -> list[tuple[str, float, int]]:
        lines = (self.settings.home / "calls.csv").read_text().splitlines()[since:]
        # The last line may be half written: its process was killed.
        return [(n, float(s), int(r)) for n, s, r in (line.split(",") for line in lines if line.count(",") == 2)]

    def close(self) -> None:
        """End the worker; its jobs end with it."""
        for process in psutil.process_iter(["cmdline", "environ"]):
            command, environ = process.info["cmdline"] or [], process.info["environ"] or {}
            if command[1:] == [*COMMAND[1:], "worker"] and environ.get("WINNOW_HOME") == str(self.settings.home):
                process.terminate()
                process.wait(20)


def wait(seconds: float = ENOUGH, every: float = 0.02) -> Iterator[float]:
    """Seconds since the start, again and again, until it has been long enough."""
    begun = time.monotonic()
    while (now := time.monotonic() - begun) < seconds:
        yield now
        time.sleep(every)


def megabytes(process: psutil.Process) -> float:
    return process.memory_info().rss / 1e6


def small(bench: Bench, server: Remote, folder: Path, base: str) -> dict[str, float]:
    """What a job of FEW rows costs."""
    write_table(folder / "few.csv", base, FEW)
    server.ask("mark")
    begun = time.monotonic()
    number = bench.start(folder / "few.csv")
    process, most = bench.process(number), 0.0
    for _ in wait():
        try:
            most = max(most, megabytes(process))
        except psutil.NoSuchProcess:
            break
    assert bench.ended(number) == "done", bench.store.job(number).error
    return {"first download after, s": round(server.ask("news")["first"] - begun, 2), "most memory, MB": round(most)}


def grown(bench: Bench, number: int, server: Remote, begun: float, rows: int) -> dict[str, Any]:
    """Let the job run until `rows` are stored."""
    process = bench.process(number)
    start, seen, printed = 0.0, [], 0
    for _ in wait(every=0.25):
        if not start and server.ask("news")["first"]:
            start, first = megabytes(process), server.ask("news")["first"]
        if start:
            stored = bench.store.positions(number)
            seen.append((time.monotonic() - begun, stored, megabytes(process), bench.store.job(number).done))
            if stored // 50_000 > printed:
                printed = stored // 50_000
                print(
                    f"  {seen[-1][0]:6.0f} s: {stored} rows stored, {seen[-1][2]:.0f} MB", file=sys.stderr, flush=True
                )
            if stored >= rows:
                break
        assert bench.store.job(number).status in ("queued", "running"), bench.store.job(number).error
    most = max(memory for _, _, memory, _ in seen)
    half = [each for each in seen if each[1] >= rows / 2]
    calls = bench.calls()
    added = [(seconds, n) for name, seconds, n in calls if name == "add_candidates"]
    seconds = seen[-1][0] - seen[0][0]
    return {
        "rows stored": seen[-1][1], "first download after, s": round(first - begun, 2), "seconds": round(seconds),
        "downloads/s": round((seen[-1][3] - seen[0][3]) / seconds),
        "memory at the first download, MB": round(start), "most memory, MB": round(most),
        "memory above start, MB": round(most - start),
        "memory in the second half, MB per 100,000 rows": round(
            (half[-1][2] - half[0][2]) / max(half[-1][1] - half[0][1], 1) * 100_000, 1
        ),
        "rows/s within the job": round(sum(n for _, n in added) / sum(s for s, _ in added)),
        "of the main thread's time": {
            name: round(sum(s for called, s, _ in calls if called == name) / seconds, 3) for name in CALLS
        },
    }  # fmt: skip


def killed(bench: Bench, number: int, server: Remote, more: int) -> dict[str, Any]:
    process = bench.process(number)
    before = bench.store.positions(number)
    os.kill(process.pid, signal.SIGKILL)
    at = time.monotonic()
    time.sleep(0.05)  # what was on its way to the server is answered
    server.ask("mark")
    for _ in wait(300):
        if server.ask("news")["first"]:
            break
    for _ in wait(every=0.25):
        if bench.store.positions(number) >= before + more or bench.store.job(number).status == "done":
            break
    news = server.ask("news")
    bench.store.cancel(number)
    status = bench.ended(number)
    asked = server.ask("counts")
    twice = sum(count > 1 for count in asked)
    return {
        "goes on after, s": round(news["first"] - at, 2), "longest pause after that, s": round(news["longest pause"], 2),
        "asked for twice": twice, "of at most without an answer yet": bench.settings.connections,
        "job at the end": status, **accounted(bench, number, asked),
    }  # fmt: skip


def accounted(bench: Bench, number: int, asked: bytes) -> dict[str, Any]:
    """Positions lost or doubled; rows with an outcome that nobody fetched; rows that failed."""
    with sqlite3.connect(f"file:{bench.settings.home / 'winnow.db'}?mode=ro", uri=True) as db:
        rows, distinct, last = db.execute(
            "SELECT count(*), count(DISTINCT position), max(position) FROM candidates WHERE found_by = ?", (number,)
        ).fetchone()
        statuses = dict(
            db.execute("SELECT status, count(*) FROM candidates WHERE found_by = ? GROUP BY status", (number,))
        )
        ended = db.execute(
            "SELECT position FROM candidates WHERE found_by = ? AND status IN ('fetched', 'duplicate')", (number,)
        )
        unfetched = sum(not asked[position] for (position,) in ended)
    return {
        "rows": rows, "lost": last + 1 - distinct, "doubled": rows - distinct, "statuses": statuses,
        "ended without being fetched": unfetched, "failed": statuses.get("failed", 0),
    }  # fmt: skip


def measured(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with Remote(Dots, args.rows, args.bodies == "distinct") as server:
        base = f"http://127.0.0.1:{server.ask('port')}"
        table = folder / "table.csv"
        write_table(table, base, args.rows)
        found: dict[str, Any] = {"rows": args.rows, "bodies": args.bodies}
        found["written"] = written(table, min(args.rows, args.written))
        print(json.dumps(found["written"]), file=sys.stderr, flush=True)
        bench = Bench(folder / "few")
        try:
            found["small job"] = small(bench, server, folder, base)
        finally:
            bench.close()
        bench = Bench(folder / "home")  # with no images that the small job brought
        try:
            server.ask("forget")
            begun = time.monotonic()
            number = bench.start(table)
            found["job"] = grown(bench, number, server, begun, args.stop_after)
            found["killed"] = killed(bench, number, server, args.more)
        finally:
            bench.close()
    after = found["killed"]
    found["not accounted for"] = [
        name for name in ("lost", "doubled", "ended without being fetched", "failed") if after[name]
    ] + ["asked for twice"] * (after["asked for twice"] > after["of at most without an answer yet"])
    figures = found["job"] | found["written"]
    found["met"] = {
        name: figures[name] <= goal if "MB" in name else figures[name] >= goal for name, goal in GOALS.items()
    }
    return found


def main() -> None:
    if sys.argv[1:2] in (["worker"], ["run"]):
        core(sys.argv[1:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--stop-after", type=int, default=300_000, help="rows stored, then kill -9")
    parser.add_argument("--more", type=int, default=10_000, help="rows after that")
    parser.add_argument("--written", type=int, default=300_000, help="rows written without downloads")
    parser.add_argument("--bodies", choices=("same", "distinct"), default="same")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="winnow-million-"))
    try:
        found = measured(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found, indent=None if args.json else 1))
    sys.exit(bool(found["not accounted for"]))


if __name__ == "__main__":
    main()
