"""What the verbs share: the store opened, a job queued and waited for, its progress on stderr."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from core.errors import BadInput

if TYPE_CHECKING:
    from core.model import Project
    from core.settings import Settings
    from db.store import Store


def opened() -> tuple[Store, Settings]:
    from core import settings
    from db import open_store

    found = settings.load()
    return open_store(found.database), found


def asked(args: argparse.Namespace) -> str:
    """The project's name: --project, or WINNOW_PROJECT; "" where there is neither."""
    from core.settings import variables

    return variables().get("WINNOW_PROJECT", "") if args.project is None else args.project


def inside(args: argparse.Namespace) -> tuple[Store, Settings, Project]:
    name = asked(args)
    if not name:
        raise BadInput("Which project? Give --project NAME, or set WINNOW_PROJECT.")
    store, settings = opened()
    return store, settings, store.project(name)


def submit(args: argparse.Namespace, verb: str, params: dict[str, Any], need: str = "cpu") -> dict[str, Any]:
    """Queue the job, wait for it, give its result."""
    from core import jobs

    store, settings, project = inside(args)
    jobs.ensure_worker(settings)  # first: a worker that is there takes the job at once, under the settings it knows
    return wait(store, settings, store.submit(verb, params, project.id, need).id)


def wait(store: Store, settings: Settings, number: int) -> dict[str, Any]:
    from core import jobs

    jobs.ensure_worker(settings)
    job = jobs.wait(store, settings, number, _show(number))
    if job.status != "done":
        print(job.error or f"Job {number} was stopped.", file=sys.stderr)
        return {"job": number, "error": job.error or "stopped", **job.result, "_failed": True}
    return dict(job.result)


def _show(number: int) -> Any:
    """Progress on stderr: one line that is rewritten on a terminal, one line for each change elsewhere."""
    from core.jobs import eta, waiting

    terminal, last = sys.stderr.isatty(), [""]

    def show(job: Any) -> None:
        done = f"{job.done}{f'/{job.total}' if job.total else ''}"
        now = waiting(job) if job.status == "queued" else f"{done} {job.note} {eta(job)}".rstrip()
        line = f"job {number} {job.verb}: {now}"
        if line != last[0]:
            print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
            last[0] = line
        if terminal and job.status not in ("queued", "running"):
            print(file=sys.stderr)

    return show
