"""kill -9 of job, worker and web server at random moments: units lost, units doubled, seconds until it goes on.

    python tests/bench/kill.py [--rounds 20] [--json]

Each round is a job of 40 units on one SQLite database. The "web server" is a process that does what app.py's lifespan
does: it says that it is there, starts the worker, and starts it again when it is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

from core.jobs.presence import environment, web_present  # noqa: E402
from core.settings import Settings  # noqa: E402
from db import open_store  # noqa: E402
from tests.core.jobs import tiny  # noqa: E402

UNITS, SECONDS = 40, 0.05
ENOUGH = 90.0  # seconds after which a job that did not go on counts as lost


def web(settings: Settings) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, __file__, "--web"], env=environment(settings), start_new_session=True)


def serve() -> None:
    from core import settings
    from core.jobs import presence

    presence.COMMAND = tiny.COMMAND
    with web_present(settings.load()):
        time.sleep(3600)


def worker(home: Path) -> int | None:
    for process in psutil.process_iter(["cmdline", "environ", "pid"]):
        command, environ = process.info["cmdline"] or [], process.info["environ"] or {}
        if command[1:] == [*tiny.COMMAND[1:], "worker"] and environ.get("WINNOW_HOME") == str(home):
            return process.info["pid"]
    return None


def wait(holds, seconds: float = ENOUGH):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.02)
    return None


class Bench:
    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home)
        self.home = home
        self.store = open_store(self.settings.database)
        self.project = self.store.add_project("bench", ["x"]).id
        self.web = web(self.settings)
        assert wait(lambda: worker(home)), "no worker came"

    def round(self, what: str) -> dict[str, float]:
        number = self.store.submit("units", {"n": UNITS, "seconds": SECONDS}, self.project).id
        begun = wait(lambda: (row := self.store.job(number)).pid and row)
        assert begun, f"job {number} did not begin"
        time.sleep(random.uniform(0, UNITS * SECONDS + 1.5))  # importing takes about a second
        row = self.store.job(number)
        before = row.done
        pid = {"job": row.pid, "worker": worker(self.home), "web": self.web.pid}[what]
        ended = row.status not in ("queued", "running")
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # the job was at its end just before
            ended = True
        killed = time.monotonic()
        if what == "web":
            self.web.wait()
        resumed = None
        if not ended:
            wait(lambda: (now := self.store.job(number)).done > before or now.status not in ("queued", "running"))
            resumed = time.monotonic() - killed
        wait(lambda: self.store.job(number).status not in ("queued", "running"))
        if what == "web":
            self.web = web(self.settings)
        units = [c.url for _, c in self.store.pending(number, limit=10 * UNITS)]
        return {"lost": UNITS - len(set(units)), "doubled": len(units) - len(set(units)), "resumed": resumed,
                "fence": self.store.job(number).fence, "done": self.store.job(number).status == "done"}  # fmt: skip

    def close(self) -> None:
        self.web.kill()
        self.web.wait()
        if (pid := worker(self.home)) is not None:
            os.kill(pid, signal.SIGTERM)
            wait(lambda: not psutil.pid_exists(pid), 15)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--web", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.web:
        serve()
    home = Path(tempfile.mkdtemp(prefix="winnow-kill-"))
    bench = Bench(home)
    answer: dict[str, dict] = {}
    try:
        for what in ("job", "worker", "web"):
            rounds = [bench.round(what) for _ in range(args.rounds)]
            seconds = [r["resumed"] for r in rounds if r["resumed"] is not None]
            answer[what] = {
                "rounds": args.rounds, "killed_while_running": len(seconds),
                "units": args.rounds * UNITS, "lost": sum(r["lost"] for r in rounds), "doubled": sum(r["doubled"] for r in rounds),
                "not_done": sum(not r["done"] for r in rounds), "taken_over": sum(r["fence"] > 1 for r in rounds),
                "resume_median": round(statistics.median(seconds), 2) if seconds else None,
                "resume_max": round(max(seconds), 2) if seconds else None,
            }  # fmt: skip
            if not args.json:
                print(f"{what:>7}: {answer[what]}", flush=True)
    finally:
        bench.close()
        shutil.rmtree(home, ignore_errors=True)
    if args.json:
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
