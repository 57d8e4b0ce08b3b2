"""Jobs: a row, a claim, a lease, a fence (see core/jobs.py for who calls what)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, insert, literal, or_, select, true, update

from core.errors import BadInput, Fenced
from core.model import Claim, Job
from db.store.base import Base, Row, now
from db.tables import jobs

MAX_ATTEMPTS = 5  # a job whose process died so often is given up, with the reason; a person may try again


def _job(row: Row) -> Job:
    names = Job.__dataclass_fields__
    return Job(**{name: getattr(row, name) for name in names})


class Jobs(Base):
    def submit(
        self, verb: str, params: Mapping[str, Any], project: int | None = None, need: str = "cpu", alone: bool = False
    ) -> Job:
        """Queue a job. `need` is "cpu" or "gpu": a training, of which a machine runs one at a time.

        `alone`: raises BadInput where such a job of the project is queued or running; one guarded INSERT.
        """
        values = {
            "project": project, "verb": verb, "params": dict(params), "need": need, "status": "queued", "created": now(),
            "fence": 0, "attempts": 0, "cancel": False, "done": 0, "note": "", "result": {}, "error": "",
        }  # fmt: skip
        other = jobs.alias()
        busy = exists().where(
            other.c.project == project, other.c.verb == verb, other.c.status.in_(("queued", "running"))
        )
        row_of = select(*(literal(value, jobs.c[name].type) for name, value in values.items()))
        with self._write() as c:
            row = c.execute(
                insert(jobs)
                .from_select(list(values), row_of.where(~busy) if alone else row_of, include_defaults=False)
                .returning(jobs)
            ).one_or_none()
        if row is None:
            raise BadInput(f"A job of this kind ({verb}) is under way already: wait for it, or stop it.")
        return _job(row)

    def claim(self, machine: str, lease: float, need: str = "") -> tuple[Job, Claim] | None:
        """Take the oldest job that is queued, or whose worker's lease ran out; one guarded UPDATE. `lease` in seconds.

        `need` "cpu" or "gpu" takes such a job only. None = nothing to do.
        """
        at = now()
        free = or_(jobs.c.status == "queued", and_(jobs.c.status == "running", jobs.c.lease < at))
        fits = jobs.c.need == need if need else true()
        wanted = select(jobs.c.id).where(free, fits).order_by(jobs.c.id).limit(1).with_for_update(skip_locked=True)
        with self._read() as c:  # several times a second there is nothing to do: that takes no lock from anyone
            if c.execute(select(jobs.c.id).where(free, or_(fits, jobs.c.cancel)).limit(1)).one_or_none() is None:
                return None
        with self._write() as c:
            # A person's stop, or too many deaths, ends a job that nobody holds.
            c.execute(update(jobs).where(free, jobs.c.cancel).values(status="stopped", ended=at, note="stopped"))
            c.execute(
                update(jobs)
                .where(free, jobs.c.attempts >= MAX_ATTEMPTS)
                .values(
                    status="failed",
                    ended=at,
                    error=f"The job's process died {MAX_ATTEMPTS} times; its log says what it did last. Nothing stored is lost.",
                )
            )
            row = c.execute(
                update(jobs)
                .where(jobs.c.id == wanted.scalar_subquery())
                .values(
                    status="running",
                    fence=jobs.c.fence + 1,
                    attempts=jobs.c.attempts + 1,
                    machine=machine,
                    lease=at + timedelta(seconds=lease),
                    started=at,
                    updated=at,
                    ended=None,
                    pid=None,
                    error="",
                )
                .returning(jobs)
            ).one_or_none()
        return (_job(row), Claim(row.id, row.fence)) if row else None

    def running_here(self, claim: Claim, pid: int, created: float) -> None:
        """Note the process that runs the job."""
        with self._write() as c:
            self._guard(c, claim, pid=pid, pid_created=created)

    def renew(self, claim: Claim, lease: float) -> bool:
        """Keep the lease for another `lease` seconds; True = a person asked the job to stop. Raises Fenced."""
        at = now()
        with self._write() as c:
            row = c.execute(
                update(jobs)
                .where(
                    jobs.c.id == claim.job,
                    jobs.c.fence == claim.fence,
                    jobs.c.status == "running",
                )
                .values(lease=at + timedelta(seconds=lease), updated=at)
                .returning(jobs.c.cancel)
            ).one_or_none()
        if row is None:
            raise Fenced(f"Job {claim.job} is no longer this worker's.")
        return row.cancel

    def progress(
        self, claim: Claim, done: int, total: int | None, note: str, detail: Mapping[str, Any] | None = None
    ) -> bool:
        """Write how far the job is (`detail` stands in the place of its result); True = a person asked it to stop.

        Raises Fenced.
        """
        more = {} if detail is None else {"result": dict(detail)}
        with self._write() as c:
            return self._guard(c, claim, done=done, total=total, note=note, **more)

    def finish(self, claim: Claim, status: str, result: Mapping[str, Any] | None = None, error: str = "") -> None:
        """End the job: "done", "failed" (with its one sentence) or "stopped". Raises Fenced."""
        with self._write() as c:
            values: dict[str, Any] = {"status": status, "error": error, "ended": now(), "lease": None}
            self._guard(c, claim, **values, **({} if result is None else {"result": dict(result)}))

    def release(self, claim: Claim, died: bool = True) -> None:
        """Back into the queue: its process died, or (not `died`, which counts as no attempt) its worker leaves."""
        with self._write() as c:
            self._guard(c, claim, status="queued", lease=None, attempts=jobs.c.attempts - (0 if died else 1))

    def take_back(self, machine: str) -> list[tuple[int, float, datetime]]:
        """End the leases of this machine's earlier worker, which is known to be gone: its jobs can be claimed at once.

        Gives the process of each, where it was noted, as (pid, created, last sign of life): it may run still and has
        to be ended.
        """
        with self._write() as c:
            rows = c.execute(
                update(jobs)
                .where(jobs.c.machine == machine, jobs.c.status == "running")
                .values(lease=now() - timedelta(days=1))
                .returning(jobs.c.pid, jobs.c.pid_created, jobs.c.updated)
            ).all()
        return [(row.pid, row.pid_created, row.updated) for row in rows if row.pid is not None]

    def cancel(self, job: int) -> None:
        """Ask a job to stop; one that only waits is stopped at once."""
        with self._write() as c:
            c.execute(update(jobs).where(jobs.c.id == job, jobs.c.status == "running").values(cancel=True))
            c.execute(
                update(jobs)
                .where(jobs.c.id == job, jobs.c.status == "queued")
                .values(cancel=True, status="stopped", ended=now(), note="stopped before it began")
            )

    def again(self, job: int) -> Job:
        """Queue a failed or stopped job again; it skips what is there. Raises BadInput while it runs or is done."""
        with self._write() as c:
            row = c.execute(
                update(jobs)
                .where(jobs.c.id == job, jobs.c.status.in_(("failed", "stopped")))
                .values(
                    status="queued",
                    cancel=False,
                    attempts=0,
                    error="",
                    ended=None,
                )
                .returning(jobs)
            ).one_or_none()
        if row is None:
            raise BadInput(f"Job {job} cannot be tried again: only a failed or stopped one can.")
        return _job(row)

    def job(self, job: int) -> Job:
        """Raises BadInput for a number that is no job's."""
        with self._read() as c:
            row = c.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
        if row is None:
            raise BadInput(f"There is no job {job}.")
        return _job(row)

    def jobs(self, project: int | None = None, verb: str = "", limit: int = 100) -> list[Job]:
        """The newest first, of one project or all."""
        wanted = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
        if project is not None:
            wanted = wanted.where(jobs.c.project == project)
        if verb:
            wanted = wanted.where(jobs.c.verb == verb)
        with self._read() as c:
            return [_job(row) for row in c.execute(wanted)]

    def busy(self) -> set[int]:
        """The jobs that are queued or running; a worker with none for a minute, and no web server, ends."""
        with self._read() as c:
            return set(c.execute(select(jobs.c.id).where(jobs.c.status.in_(("queued", "running")))).scalars())
