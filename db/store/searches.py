"""Searches: every answer that was asked for, and every one that is to be asked for again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select, update

from core.model import Candidate, Claim, Search
from db.store.base import Row, now
from db.store.candidates import Candidates, Count
from db.tables import searches


def _search(row: Row) -> Search:
    return Search(
        row.label, row.source, row.query, row.cursor, row.tier, row.status, row.wanted, row.asked_by, row.size, row.found,
        row.next, row.reason, row.sentence, row.retryable, row.id,
    )  # fmt: skip


class Searches(Candidates):
    def add_search(
        self, claim: Claim, project: int, search: Search, start: int, found: Sequence[Candidate], instead_of: int = 0
    ) -> Counter[Count]:
        """Store an answer with all it found, as `add_candidates` does. One that was stored before is left alone.

        `instead_of`: the failed search that this is another try of; nobody asks that one again.
        """
        values = {key: value for key, value in asdict(search).items() if key != "id"}
        with self._write(claim) as c:
            new = c.execute(
                self._insert_new(searches)
                .values(project=project, job=claim.job, created=now(), **values)
                .on_conflict_do_update(
                    index_elements=["job", "label", "source", "query", "cursor"],
                    set_=values,
                    where=searches.c.status == "failed",  # by an earlier attempt of this job
                )
                .returning(searches.c.id)
            ).scalar_one_or_none()
            if instead_of:
                c.execute(update(searches).where(searches.c.id == instead_of).values(status="retried"))
            return Counter() if new is None else self._add_candidates(c, claim, project, start, found)

    def searches(self, job: int) -> list[Search]:
        """What this job asked for so far, in order."""
        with self._read() as c:
            rows = c.execute(select(searches).where(searches.c.job == job).order_by(searches.c.id)).all()
        return [_search(row) for row in rows]

    def failed_searches(self, project: int, job: int | None = None) -> list[Search]:
        """Those (of one job, or of any) that failed and were not asked again since."""
        where = [searches.c.project == project, searches.c.status == "failed"]
        if job is not None:
            where.append(searches.c.job == job)
        with self._read() as c:
            return [_search(row) for row in c.execute(select(searches).where(*where).order_by(searches.c.id))]
