"""The verbs about jobs and this machine: jobs, run, stop, again, worker, demo, doctor."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli.submit import asked, opened, wait
from core.errors import NotYet


def jobs(args: argparse.Namespace) -> dict[str, Any]:
    store, _ = opened()
    name = asked(args)
    project = store.project(name).id if name else None
    return {
        "jobs": [
            {
                "job": j.id,
                "verb": j.verb,
                "status": j.status,
                "done": j.done,
                "total": j.total,
                "note": j.note,
                "error": j.error,
                "created": j.created.isoformat(),
            }
            for j in store.jobs(project, limit=args.limit)
        ]
    }


def run(args: argparse.Namespace) -> dict[str, Any] | None:
    from core import jobs, steps

    store, settings = opened()
    if args.fence is None:
        return wait(
            store,
            settings,
            args.job if store.job(args.job).status in ("queued", "running") else store.again(args.job).id,
        )
    jobs.run(store, settings, args.job, args.fence, steps.STEPS)
    return None


def stop(args: argparse.Namespace) -> dict[str, Any]:
    store, _ = opened()
    store.job(args.job)
    store.cancel(args.job)
    return {"job": args.job, "status": store.job(args.job).status}


def again(args: argparse.Namespace) -> dict[str, Any]:
    store, settings = opened()
    return wait(store, settings, store.again(args.job).id)


def worker(args: argparse.Namespace) -> None:
    from core import jobs

    store, settings = opened()
    jobs.worker(store, settings)


def demo(args: argparse.Namespace) -> dict[str, Any]:
    from core import demo

    store, settings = opened()
    project = demo.project(store)
    return {"project": project.name, **wait(store, settings, store.submit("demo", {}, project.id).id)}


def doctor(args: argparse.Namespace) -> dict[str, Any]:
    from core import doctor

    if args.verify:
        raise NotYet(
            "doctor --verify comes with a later release; reading an image for training checks its SHA-256 already."
        )
    store, settings = opened()
    return doctor.report(store, settings)
