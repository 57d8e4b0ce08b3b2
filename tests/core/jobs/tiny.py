"""`python -m core worker | run` with steps made for tests: `python tests/core/jobs/tiny.py worker`.

Units are candidates, stored one by one under the fence, so that what was lost or doubled can be counted afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from core.errors import BadInput  # noqa: E402
from core.model import Candidate, Progress  # noqa: E402

if TYPE_CHECKING:
    from core.steps import Context, Step

COMMAND = (sys.executable, str(Path(__file__)))


def units(ctx: Context, n: int = 20, seconds: float = 0.05) -> Step:
    """Store n units, one each `seconds`; after a restart go on behind what is there."""
    for i in range(ctx.store.positions(ctx.job.id), n):
        time.sleep(seconds)
        ctx.store.add_candidates(
            ctx.claim, ctx.project.id, i, [Candidate(f"unit:{ctx.job.id}:{i}", "x", "urls", title=str(os.getpid()))]
        )
        yield Progress(i + 1, n, f"unit {i + 1}")
    return {"units": n}


def grandchild(ctx: Context, note: str = "") -> Step:
    """Start `sleep 600` and wait for it, as a library would."""
    process = subprocess.Popen(["sleep", "600"])
    yield Progress(0, 1, str(process.pid))
    process.wait()
    return {}


def deaf(ctx: Context) -> Step:
    """Come to no yield, and take whatever is raised for a mishap of the work."""
    yield Progress(0, 1, "deaf")
    while True:
        try:
            time.sleep(600)
        except BaseException as error:
            print("ignored", repr(error), flush=True)


def long(ctx: Context, seconds: float = 600) -> Step:
    """One item that takes long, in Python."""
    yield Progress(0, 2, "begun")
    try:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        print("closed", flush=True)
    yield Progress(1, 2, "done")
    return {}


def die(ctx: Context) -> Step:
    yield Progress(0, None, "about to die")
    os._exit(7)


def fail(ctx: Context, sentence: str = "") -> Step:
    yield Progress(0, None, "about to fail")
    if sentence:
        raise BadInput(sentence)
    return {"nothing": {}["key"]}


STEPS = {"units": units, "grandchild": grandchild, "deaf": deaf, "long": long, "die": die, "fail": fail}


def main(argv: list[str]) -> None:
    from core import jobs, settings

    found = settings.load()
    if argv[0] == "ensure":  # what a web server does, without the web
        jobs.ensure_worker(found, COMMAND)
        time.sleep(float(argv[1]))
        return
    from db import open_store

    store = open_store(found.database)
    if argv[0] == "worker":
        jobs.worker(store, found, COMMAND)
    elif argv[0] == "run":
        jobs.run(store, found, int(argv[1]), int(argv[3]), STEPS)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1:])
