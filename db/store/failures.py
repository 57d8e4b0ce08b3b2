"""Failures: why candidates brought no image, and which of them may be tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, func, select, update

from core.model import Claim
from db.store.base import Base
from db.tables import candidates, jobs, searches


def _open(project: int) -> ColumnElement[bool]:
    """What another try may take: failures that may pass, and what jobs that are over left undone."""
    busy = select(jobs.c.id).where(jobs.c.status.in_(("queued", "running")))
    return and_(
        candidates.c.project == project,
        and_(candidates.c.status == "failed", candidates.c.retryable)
        | and_(candidates.c.status == "pending", candidates.c.fetched_by.not_in(busy)),
    )


class Failures(Base):
    def retry(self, claim: Claim, project: int) -> None:
        """Hand all addresses that may be tried again, and what stopped jobs left over, to this job."""
        with self._write(claim) as c:
            c.execute(
                update(candidates)
                .where(_open(project), candidates.c.fetched_by != claim.job)
                .values(status="pending", fetched_by=claim.job)
            )

    def retryable(self, project: int) -> int:
        """How many addresses `retry` would take now, and how many searches failed that may be asked again."""
        again = select(func.count()).where(
            searches.c.project == project, searches.c.status == "failed", searches.c.retryable
        )
        with self._read() as c:
            addresses = c.execute(select(func.count()).select_from(candidates).where(_open(project))).scalar_one()
            return addresses + c.execute(again).scalar_one()

    def failures(self, project: int, job: int | None = None) -> dict[str, int]:
        """reason -> how many candidates failed for it, the most frequent first."""
        where = [candidates.c.project == project, candidates.c.status == "failed"]
        if job is not None:
            where.append(candidates.c.fetched_by == job)
        number = func.count()
        with self._read() as c:
            rows = c.execute(
                select(candidates.c.reason, number).where(*where).group_by(candidates.c.reason).order_by(number.desc())
            ).all()
        return {reason: count for reason, count in rows}

    def failed(self, project: int, reasons: Sequence[str] = (), after: int = 0, limit: int = 100) -> list[Mapping]:
        """Failed candidates with their reason: id, url, label, reason, sentence, retryable; keyset by id."""
        where = [candidates.c.project == project, candidates.c.status == "failed", candidates.c.id > after]
        if reasons:
            where.append(candidates.c.reason.in_(reasons))
        shown = [candidates.c[name] for name in ("id", "url", "label", "reason", "sentence", "retryable")]
        with self._read() as c:
            rows = c.execute(select(*shown).where(*where).order_by(candidates.c.id).limit(limit))
            return [dict(row) for row in rows.mappings()]
